// A file system whose k-th write fails, or whose writes take long.
//
//   RecordingFileSystem disk;
//   for (std::size_t k = 1; ; ++k) {                // fail every operation of a small run once
//     FailingFileSystem failing(disk, {.at = k});
//     try { run_something(failing); } catch (const base::IoError&) {}
//     if (failing.operations() < k) break;          // the run had fewer than k
//   }
#pragma once

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "support/recording_file_system.hpp"

namespace surd::test {

struct Failure {
  std::size_t at = 1;  ///< Fails the at-th write-like operation, counted from 1.
  int code = ENOSPC;
  bool lasting = true;                 ///< And all that follow; false: only that one.
  bool torn = true;                    ///< Half of a failing append is written.
  std::chrono::microseconds delay{0};  ///< Before every write-like operation.
};

/// Passes everything on to another file system, except what fails: create, append, write_at, sync, close,
/// rename, link, remove, make_directories and sync_directory count. Thread-safe if the other is.
class FailingFileSystem final : public storage::FileSystem {
 public:
  FailingFileSystem(storage::FileSystem& files, Failure failure) : files_(files), failure_(failure) {}

  std::unique_ptr<storage::WritableFile> create(const storage::Path& path,
                                                storage::Access access = storage::Access::cached) override;
  std::unique_ptr<storage::WritableFile> create_new(const storage::Path& path) override;
  std::unique_ptr<storage::ReadableFile> open(const storage::Path& path,
                                              storage::Access access = storage::Access::cached) override {
    return files_.open(path, access);
  }
  std::unique_ptr<storage::SharedFile> open_shared(const storage::Path& path) override;
  std::pair<std::unique_ptr<storage::WritableFile>, std::unique_ptr<storage::ReadableFile>> create_scratch(
      const storage::Path& directory) override;
  std::optional<std::uint64_t> file_size(const storage::Path& path) override {
    return files_.file_size(path);
  }
  std::optional<storage::FileVersion> file_version(const storage::Path& path) override {
    return files_.file_version(path);
  }
  std::uint64_t free_bytes(const storage::Path& directory) override { return files_.free_bytes(directory); }
  std::vector<std::string> list(const storage::Path& directory) override { return files_.list(directory); }
  void rename(const storage::Path& from, const storage::Path& to) override;
  bool link(const storage::Path& file, const storage::Path& second) override;
  void remove(const storage::Path& path) override;
  void make_directories(const storage::Path& directory) override;
  void sync_directory(const storage::Path& directory) override;

  /// Write-like operations so far, the failed ones included.
  [[nodiscard]] std::size_t operations() const noexcept { return operations_.load(); }

 private:
  class Writer;
  class SharedWriter;
  /// Counts an operation. @throws IoError  if it is to fail, after `partly` has been called.
  void count(const char* call, const storage::Path& path, const std::function<void()>& partly = {});
  std::unique_ptr<storage::WritableFile> wrap(std::unique_ptr<storage::WritableFile> file,
                                              const storage::Path& path);

  storage::FileSystem& files_;
  Failure failure_;
  std::atomic<std::size_t> operations_{0};
};

}  // namespace surd::test
