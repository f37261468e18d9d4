// A disk in memory that records every operation, so that a test can replay what a crash would have left.
//
//   RecordingFileSystem disk;                    // instead of storage::local_file_system()
//   run_something(disk);                         // disk.log() now holds every write-like operation
//   auto later = disk.killed_after(12);          // the disk if the process had died after 12 of them
//   auto worse = disk.power_lost_after(12, rng); // and if the machine had: see crash_states.hpp for many of
//   these
//
// It behaves as storage::local_file_system(): missing directories, O_EXCL, truncation, the same error codes.
// Thread-safe. Copies share one disk; open files keep it alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/random.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::test {

/// One write-like operation that succeeded. `file` numbers what a path named at that time (an inode).
struct Operation {
  enum class Kind {
    make_directory,
    create,
    truncate,
    append,
    write_at,
    sync,
    rename,
    link,
    remove,
    sync_directory
  };
  Kind kind;
  std::string path;   ///< Of the file or directory; the old one of a rename or link.
  std::string to;     ///< New path of a rename or link.
  std::string bytes;  ///< Of an append or write_at.
  std::size_t file = 0;
  std::uint64_t offset = 0;  ///< Of a write_at.

  /// "append memo/1.log (96 bytes)".
  [[nodiscard]] std::string text() const;
};

/// What a disk holds: a tree of names and the files they stand for.
struct DiskContent {
  std::set<std::string> directories;
  std::map<std::string, std::size_t> names;  ///< Path to number of a file.
  std::vector<std::string> files;            ///< Bytes by number.

  [[nodiscard]] std::uint64_t hash() const;  ///< Of names and bytes; equal for disks that look the same.
};

class RecordingFileSystem final : public storage::FileSystem {
 public:
  RecordingFileSystem();
  /// A disk that holds `content`, all of it durable.
  explicit RecordingFileSystem(DiskContent content);

  std::unique_ptr<storage::WritableFile> create(const storage::Path& path,
                                                storage::Access access = storage::Access::cached) override;
  std::unique_ptr<storage::WritableFile> create_new(const storage::Path& path) override;
  std::unique_ptr<storage::ReadableFile> open(const storage::Path& path,
                                              storage::Access access = storage::Access::cached) override;
  std::unique_ptr<storage::SharedFile> open_shared(const storage::Path& path) override;
  /// Beside the disk: neither recorded nor there after a crash.
  std::pair<std::unique_ptr<storage::WritableFile>, std::unique_ptr<storage::ReadableFile>> create_scratch(
      const storage::Path& directory) override;
  std::optional<std::uint64_t> file_size(const storage::Path& path) override;
  /// Its time is a hash of the file's bytes: the same on all disks that hold them.
  std::optional<storage::FileVersion> file_version(const storage::Path& path) override;
  std::uint64_t free_bytes(const storage::Path& directory) override;
  std::vector<std::string> list(const storage::Path& directory) override;
  void rename(const storage::Path& from, const storage::Path& to) override;
  bool link(const storage::Path& file, const storage::Path& second) override;
  void remove(const storage::Path& path) override;
  void make_directories(const storage::Path& directory) override;
  void sync_directory(const storage::Path& directory) override;

  /// Operations so far. Note it when something is acknowledged: a crash at or after that count must keep it.
  [[nodiscard]] std::size_t operations() const;
  [[nodiscard]] std::vector<Operation> log() const;
  /// Path to bytes of every file.
  [[nodiscard]] std::map<std::string, std::string> content() const;

  /// The disk after SIGKILL: the first `operations` operations, and `torn_bytes` of the next if it is an
  /// append or a write_at.
  [[nodiscard]] DiskContent killed_after(std::size_t operations, std::size_t torn_bytes = 0) const;

  /// One disk that a loss of power after the first `operations` operations may leave, drawn with `choice`:
  ///  - of the bytes appended to a file since its last sync, any prefix survives; the end of that prefix, or
  ///  a
  ///    stretch inside it, may read as zeros; a truncation may not have happened;
  ///  - of the creations, renames and removals in a directory since its last sync_directory(), any subset
  ///    survives that keeps the order of operations on the same name (so unrelated ones are reordered);
  ///  - of the writes at offsets since the last sync, any of them survive, whole or a prefix;
  ///  - syncing a file does not make its name durable; directories are durable once made.
  [[nodiscard]] DiskContent power_lost_after(std::size_t operations, base::RandomStream& choice) const;

 private:
  struct Disk;
  class Writer;
  class Reader;
  class SharedWriter;
  std::unique_ptr<storage::WritableFile> create_file(const storage::Path& path, bool exclusive);

  std::shared_ptr<Disk> disk_;
};

}  // namespace surd::test
