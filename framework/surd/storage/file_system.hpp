// The one door to the disk: everything surd stores goes through a FileSystem, so that tests can record every
// operation, replay any prefix of it as a crash would leave it, and make the k-th write fail.
//
// Rules that make shared file systems (NFS, Lustre) safe: one writer per file, append only; what others may
// read whole appears by rename of a closed, synced file; no locks; no inode numbers; no mmap writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace surd::storage {

using Path = std::filesystem::path;

/// A file being appended to by its only writer. The destructor closes without reporting: call close().
class WritableFile {
 public:
  virtual ~WritableFile() = default;

  /// Writes all of `bytes` at the end: a write(2) that survives the death of the process, not of the node.
  /// @throws IoError  naming the file, the bytes wanted and the bytes written.
  virtual void append(std::span<const std::byte> bytes) = 0;
  /// The same for pieces that lie in several places, at once where the file can do that.
  virtual void append_all(std::span<const std::span<const std::byte>> pieces) {
    for (const auto piece : pieces) append(piece);
  }

  /// Makes everything appended durable (fdatasync). After a failure the file must be written anew.
  virtual void sync() = 0;

  /// Closes; write errors that the kernel held back (quota, NFS) appear here.
  virtual void close() = 0;
};

/// A file that several processes fill together, each its own ranges.
class SharedFile {
 public:
  virtual ~SharedFile() = default;

  /// Writes all of `bytes` at `offset`. Large pieces that begin at multiples of 4096 in the file and in
  /// memory pass the page cache by. @throws IoError  as WritableFile::append.
  virtual void write_at(std::uint64_t offset, std::span<const std::byte> bytes) = 0;
  virtual void sync() = 0;
  virtual void close() = 0;
};

/// What a reader or writer of a big file will do, so that the page cache does not fill with bytes that are
/// used once.
enum class Access {
  cached,     ///< Keep pages: small files, files read again soon.
  streaming,  ///< Written or read once: start writing back early, drop pages behind.
  pieces,     ///< The same in large pieces, read from anywhere: the kernel reads nothing ahead of them. Those
              ///< that begin at multiples of 4096 in the file and in memory pass the page cache by.
};

/// A file read at any offset; it may grow meanwhile. Several threads may read at once.
class ReadableFile {
 public:
  virtual ~ReadableFile() = default;

  /// Fills `into` from `offset`; returns fewer bytes only at the end of the file.
  virtual std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) = 0;
  virtual std::uint64_t size() = 0;
};

struct FileVersion {
  std::uint64_t bytes = 0;
  std::int64_t modified_nanoseconds = 0;  ///< Since 1970.

  friend bool operator==(const FileVersion&, const FileVersion&) = default;
};

/// Every error is an IoError with the path and errno's text.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  /// Creates or truncates.
  virtual std::unique_ptr<WritableFile> create(const Path& path, Access access = Access::cached) = 0;
  /// Creates with O_EXCL; nullptr if the file exists.
  virtual std::unique_ptr<WritableFile> create_new(const Path& path) = 0;
  virtual std::unique_ptr<ReadableFile> open(const Path& path, Access access = Access::cached) = 0;
  /// Opens for writing at offsets; creates the file if it is missing, keeps what it holds.
  virtual std::unique_ptr<SharedFile> open_shared(const Path& path) = 0;
  /// A new file in `directory` without a name, read by Access::pieces: its space is free again when both ends
  /// are closed or the process dies.
  virtual std::pair<std::unique_ptr<WritableFile>, std::unique_ptr<ReadableFile>> create_scratch(
      const Path& directory) = 0;

  /// Size of a regular file, nullopt if there is none.
  virtual std::optional<std::uint64_t> file_size(const Path& path) = 0;
  /// Changes whenever the content of a file does: its size and its time of modification. nullopt if there is
  /// no such file.
  virtual std::optional<FileVersion> file_version(const Path& path) = 0;
  /// Bytes that can still be written in `directory` by this user.
  virtual std::uint64_t free_bytes(const Path& directory) = 0;
  /// Names (not paths) in a directory, sorted; empty if it does not exist.
  virtual std::vector<std::string> list(const Path& directory) = 0;

  virtual void rename(const Path& from, const Path& to) = 0;
  /// Gives a file a second name, which must not exist. False if that cannot be here: file systems without
  /// links, or two of them.
  virtual bool link(const Path& /*file*/, const Path& /*second*/) { return false; }
  /// A file, not a directory. No error if it is gone already.
  virtual void remove(const Path& path) = 0;
  /// With all parents, durable on return.
  virtual void make_directories(const Path& directory) = 0;
  /// Makes creations, renames and removals in `directory` durable.
  virtual void sync_directory(const Path& directory) = 0;
};

/// The machine's file system. Honours the fault hook SURD_FAULT (see faults.hpp).
[[nodiscard]] FileSystem& local_file_system();

/// The whole file. @throws IoError  if it is missing or larger than `limit_bytes`.
[[nodiscard]] std::string read_file(FileSystem& files, const Path& path,
                                    std::uint64_t limit_bytes = 64U << 20);

/// Where this process writes what becomes `path` when it is complete: "<path>.<host>.<process>.part", so that
/// two jobs never write the same file.
[[nodiscard]] Path part_path(const Path& path);
/// Removes part files of `path` whose writer, a process of this host, is gone.
void remove_stale_parts(FileSystem& files, const Path& path);

/// Replaces `path` by `content` in one step: writes part_path(path), syncs, renames, syncs the directory.
/// After a crash the file holds the old or the new content, never a mixture.
void write_atomically(FileSystem& files, const Path& path, std::string_view content, bool durable = true);

}  // namespace surd::storage
