// Replays recorded operations onto a disk, whole or as a loss of power leaves them.
#pragma once

#include <span>

#include "support/recording_file_system.hpp"

namespace surd::test {

/// Carries out one operation.
void apply(const Operation& operation, DiskContent& disk);

/// See RecordingFileSystem::power_lost_after(). Cost: linear in the operations and their bytes.
[[nodiscard]] DiskContent lose_power(const DiskContent& first, std::span<const Operation> done,
                                     base::RandomStream& choice);

}  // namespace surd::test
