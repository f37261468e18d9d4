// A file server in memory and the nodes that mount it, as NFS shows it to programs that keep to close-to-open
// and to nothing more. In time counted in calls, of any node:
//
//  - what a node appends stays in its cache until sync() or close(), but for what the kernel happens to write
//  back
//    earlier; others see less. If the node dies, it is gone; if only the process dies, it is not;
//  - what a node has asked for it believes for up to `lag` calls: that a name exists, or not, and how large a
//  file is.
//    open() alone asks anew how large the file is, and the reader goes on believing that;
//  - a directory is listed in pieces of different age: a younger file may be there and an older one not yet;
//  - a file that another node has removed or replaced fails with ESTALE where it was known, or is open;
//  - create_new() is decided by the server, and what a node does itself it sees at once.
//
//   SharedDisk disk;
//   NodeFiles a(disk, {.lag = 20, .seed = 1});
//   NodeFiles b(disk, {.lag = 20, .seed = 2});
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "support/recording_file_system.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::test {

/// The server. Copies are independent: what is there if all nodes die now. Thread-safe.
class SharedDisk {
 public:
  SharedDisk() = default;
  SharedDisk(const SharedDisk& other);
  SharedDisk& operator=(const SharedDisk&) = delete;

  /// Path to bytes of every file.
  [[nodiscard]] std::map<std::string, std::string> content() const;

 private:
  friend class NodeFiles;
  struct File {
    std::string bytes;
    std::int64_t modified = 0;
    bool gone = false;  ///< Has no name any more.
  };
  using Names = std::map<std::string, std::shared_ptr<File>>;

  mutable std::mutex mutex_;
  std::uint64_t now_ = 0;
  Names names_;
  std::set<std::string> directories_;
};

struct NodeOptions {
  std::uint64_t lag = 20;
  std::uint64_t seed = 1;
};

/// One node's mount. Files must not outlive it, nor it the disk. Thread-safe.
class NodeFiles final : public storage::FileSystem {
 public:
  explicit NodeFiles(SharedDisk& disk, NodeOptions options = {}) : disk_(disk), options_(options) {}

  /// What is in this node's cache is lost, and so is what it writes from now on.
  void die();

  std::unique_ptr<storage::WritableFile> create(const storage::Path& path,
                                                storage::Access access = storage::Access::cached) override;
  std::unique_ptr<storage::WritableFile> create_new(const storage::Path& path) override;
  std::unique_ptr<storage::ReadableFile> open(const storage::Path& path,
                                              storage::Access access = storage::Access::cached) override;
  std::unique_ptr<storage::SharedFile> open_shared(const storage::Path& path) override;
  /// On the node itself.
  std::pair<std::unique_ptr<storage::WritableFile>, std::unique_ptr<storage::ReadableFile>> create_scratch(
      const storage::Path& directory) override;
  std::optional<std::uint64_t> file_size(const storage::Path& path) override;
  std::optional<storage::FileVersion> file_version(const storage::Path& path) override;
  std::uint64_t free_bytes(const storage::Path&) override { return std::uint64_t{1} << 40; }
  std::vector<std::string> list(const storage::Path& directory) override;
  void rename(const storage::Path& from, const storage::Path& to) override;
  void remove(const storage::Path& path) override;
  void make_directories(const storage::Path& directory) override;
  void sync_directory(const storage::Path&) override {}

 private:
  using FilePointer = std::shared_ptr<SharedDisk::File>;
  class Writer;
  class Reader;
  class SharedWriter;
  /// What was heard of a path, and when.
  struct Belief {
    std::uint64_t since = 0;
    FilePointer file;  ///< Nothing: there is none.
    storage::FileVersion version;
  };
  struct Listing {
    std::uint64_t since = 0;
    std::set<std::string> names;
  };

  [[nodiscard]] std::uint64_t coin();
  [[nodiscard]] storage::FileVersion version_of(const FilePointer& file) const;
  Belief& ask(const std::string& path);
  Belief& believe(const std::string& path);
  void know(const std::string& path, const FilePointer& file);
  std::unique_ptr<storage::WritableFile> create_file(const std::string& path);
  void unlink(const std::string& path);
  void require_parent(const char* call, const std::string& path) const;
  void write_back(const FilePointer& file, std::size_t bytes);
  [[nodiscard]] static std::string text_of(const storage::Path& path) { return path.lexically_normal(); }

  SharedDisk& disk_;
  NodeOptions options_;
  bool dead_ = false;
  std::uint64_t tosses_ = 0;
  std::set<FilePointer> unlinked_;             ///< By this node, which keeps them for its readers.
  std::map<FilePointer, std::string> cached_;  ///< Appended here, not yet at the server.
  std::map<std::string, Belief> beliefs_;      ///< By path.
  std::map<std::string, Listing> listings_;    ///< By directory.
  RecordingFileSystem local_;
};

}  // namespace surd::test
