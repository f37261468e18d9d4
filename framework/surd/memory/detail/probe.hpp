// What Pressure measures by default.
#pragma once

#include <string>

#include "surd/memory/pressure.hpp"

namespace surd::memory::detail {

/// Reads /proc/self/statm and, of each cgroup around this process that has a limit, its use less
/// inactive_file: page cache that goes before anything else does. The fullest group counts. Files are opened
/// once and read again in place: a reading allocates nothing. `root` replaces "/" in tests.
[[nodiscard]] Pressure::Probe make_probe(const std::string& root = "/");

}  // namespace surd::memory::detail
