// A folder that goes with its test, files in it, and a job's stages run as a resumed job would run them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "surd/storage/file_system.hpp"
#include "surd/stream/compile.hpp"

namespace surd::stream {

class ScratchTestFolder {
 public:
  ScratchTestFolder();
  ScratchTestFolder(const ScratchTestFolder&) = delete;
  ScratchTestFolder& operator=(const ScratchTestFolder&) = delete;
  ~ScratchTestFolder();

  [[nodiscard]] const storage::Path& path() const noexcept { return path_; }
  /// Writes a file; returns its path.
  storage::Path write(const std::string& name, std::string_view content) const;
  [[nodiscard]] std::string read(const std::string& name) const;

 private:
  storage::Path path_;
};

/// Runs all stages with units in an order drawn from `seed`, in stretches of one to three, each by a worker
/// of its own, as if every stretch had been done by another process.
DataJob::Summary run_scattered(const DataJob& job, const storage::Path& scratch, std::uint64_t memory_bytes,
                               std::uint64_t seed);

}  // namespace surd::stream
