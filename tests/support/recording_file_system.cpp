#include "support/recording_file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <system_error>

#include <fmt/format.h>

#include "support/disk_replay.hpp"
#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"

namespace surd::test {
namespace {

using storage::Path;

[[noreturn]] void fail(std::string_view call, const std::string& path, int code) {
  throw base::IoError(fmt::format("{} {}: {}", call, path, std::generic_category().message(code)), code);
}

std::string key(const Path& path) {
  auto text = path.lexically_normal().string();
  if (text.size() > 1 && text.back() == '/') text.pop_back();
  return text == "." ? std::string() : text;
}

std::string parent(const std::string& path) { return Path(path).parent_path().string(); }

bool directory_exists(const DiskContent& disk, const std::string& path) {
  return path.empty() || path == "/" || disk.directories.contains(path);
}

/// The name of `path` inside `directory`, empty if it is elsewhere or deeper.
std::string_view name_in(const std::string& directory, std::string_view path) {
  if (!directory.empty()) {
    if (!path.starts_with(directory)) return {};
    path.remove_prefix(directory.size());
    if (directory != "/") {
      if (!path.starts_with('/')) return {};
      path.remove_prefix(1);
    }
  }
  return path.find('/') == std::string_view::npos ? path : std::string_view();
}

}  // namespace

std::string Operation::text() const {
  switch (kind) {
    case Kind::make_directory:
      return "make directory " + path;
    case Kind::create:
      return "create " + path;
    case Kind::truncate:
      return "truncate " + path;
    case Kind::append:
      return fmt::format("append {} ({} bytes)", path, bytes.size());
    case Kind::write_at:
      return fmt::format("write {} ({} bytes at {})", path, bytes.size(), offset);
    case Kind::sync:
      return "sync " + path;
    case Kind::rename:
      return fmt::format("rename {} to {}", path, to);
    case Kind::link:
      return fmt::format("link {} as {}", path, to);
    case Kind::remove:
      return "remove " + path;
    case Kind::sync_directory:
      return "sync directory " + path;
  }
  return "unknown operation";
}

std::uint64_t DiskContent::hash() const {
  std::uint64_t hash = directories.size();
  for (const auto& [path, file] : names) hash = base::hash64(files.at(file), base::hash64(path, hash));
  return hash;
}

/// What all copies and open files share.
struct RecordingFileSystem::Disk {
  std::mutex mutex;
  DiskContent first;  ///< Before the first operation.
  DiskContent now;
  std::vector<Operation> log;

  void record(Operation operation) {
    apply(operation, now);
    log.push_back(std::move(operation));
  }
};

class RecordingFileSystem::Writer final : public storage::WritableFile {
 public:
  Writer(std::shared_ptr<Disk> disk, std::string path, std::size_t file)
      : disk_(std::move(disk)), path_(std::move(path)), file_(file) {}

  void append(std::span<const std::byte> bytes) override {
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::lock_guard lock(disk_->mutex);
    disk_->record({Operation::Kind::append, path_, {}, std::move(text), file_});
  }
  void sync() override {
    const std::lock_guard lock(disk_->mutex);
    disk_->record({Operation::Kind::sync, path_, {}, {}, file_});
  }
  void close() override {}

 private:
  std::shared_ptr<Disk> disk_;
  std::string path_;
  std::size_t file_;
};

class RecordingFileSystem::SharedWriter final : public storage::SharedFile {
 public:
  SharedWriter(std::shared_ptr<Disk> disk, std::string path, std::size_t file)
      : disk_(std::move(disk)), path_(std::move(path)), file_(file) {}

  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    const std::lock_guard lock(disk_->mutex);
    disk_->record({Operation::Kind::write_at, path_, {}, std::move(text), file_, offset});
  }
  void sync() override {
    const std::lock_guard lock(disk_->mutex);
    disk_->record({Operation::Kind::sync, path_, {}, {}, file_});
  }
  void close() override {}

 private:
  std::shared_ptr<Disk> disk_;
  std::string path_;
  std::size_t file_;
};

class RecordingFileSystem::Reader final : public storage::ReadableFile {
 public:
  Reader(std::shared_ptr<Disk> disk, std::size_t file) : disk_(std::move(disk)), file_(file) {}

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const std::lock_guard lock(disk_->mutex);
    const auto& bytes = disk_->now.files.at(file_);
    if (offset >= bytes.size()) return 0;
    const auto size = std::min<std::size_t>(into.size(), bytes.size() - offset);
    if (size > 0) std::memcpy(into.data(), bytes.data() + offset, size);
    return size;
  }
  std::uint64_t size() override {
    const std::lock_guard lock(disk_->mutex);
    return disk_->now.files.at(file_).size();
  }

 private:
  std::shared_ptr<Disk> disk_;
  std::size_t file_;
};

namespace {

/// A file without a name, in memory.
struct ScratchBytes {
  std::mutex mutex;
  std::string bytes;
};

class ScratchWriter final : public storage::WritableFile {
 public:
  explicit ScratchWriter(std::shared_ptr<ScratchBytes> file) : file_(std::move(file)) {}
  void append(std::span<const std::byte> bytes) override {
    const std::lock_guard lock(file_->mutex);
    file_->bytes.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  void sync() override {}
  void close() override {}

 private:
  std::shared_ptr<ScratchBytes> file_;
};

class ScratchReader final : public storage::ReadableFile {
 public:
  explicit ScratchReader(std::shared_ptr<ScratchBytes> file) : file_(std::move(file)) {}
  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    const std::lock_guard lock(file_->mutex);
    const auto& bytes = file_->bytes;
    if (offset >= bytes.size()) return 0;
    const auto size = std::min<std::size_t>(into.size(), bytes.size() - offset);
    if (size > 0) std::memcpy(into.data(), bytes.data() + offset, size);
    return size;
  }
  std::uint64_t size() override {
    const std::lock_guard lock(file_->mutex);
    return file_->bytes.size();
  }

 private:
  std::shared_ptr<ScratchBytes> file_;
};

}  // namespace

RecordingFileSystem::RecordingFileSystem() : RecordingFileSystem(DiskContent{}) {}

RecordingFileSystem::RecordingFileSystem(DiskContent content) : disk_(std::make_shared<Disk>()) {
  disk_->first = content;
  disk_->now = std::move(content);
}

std::unique_ptr<storage::WritableFile> RecordingFileSystem::create_file(const Path& path, bool exclusive) {
  const auto name = key(path);
  const std::lock_guard lock(disk_->mutex);
  const auto& now = disk_->now;
  if (!directory_exists(now, parent(name))) fail("create", name, ENOENT);
  if (directory_exists(now, name)) fail("create", name, EISDIR);
  const auto found = now.names.find(name);
  if (found != now.names.end() && exclusive) return nullptr;
  const auto file = found != now.names.end() ? found->second : now.files.size();
  const auto kind = found != now.names.end() ? Operation::Kind::truncate : Operation::Kind::create;
  disk_->record({kind, name, {}, {}, file});
  return std::make_unique<Writer>(disk_, name, file);
}

std::unique_ptr<storage::WritableFile> RecordingFileSystem::create(const Path& path,
                                                                   storage::Access /*access*/) {
  return create_file(path, false);
}

std::unique_ptr<storage::WritableFile> RecordingFileSystem::create_new(const Path& path) {
  return create_file(path, true);
}

std::unique_ptr<storage::ReadableFile> RecordingFileSystem::open(const Path& path,
                                                                 storage::Access /*access*/) {
  const auto name = key(path);
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->now.names.find(name);
  if (found == disk_->now.names.end())
    fail("open", name, directory_exists(disk_->now, name) ? EISDIR : ENOENT);
  return std::make_unique<Reader>(disk_, found->second);
}

std::unique_ptr<storage::SharedFile> RecordingFileSystem::open_shared(const Path& path) {
  (void)create_file(path, true);
  const auto name = key(path);
  const std::lock_guard lock(disk_->mutex);
  return std::make_unique<SharedWriter>(disk_, name, disk_->now.names.at(name));
}

std::pair<std::unique_ptr<storage::WritableFile>, std::unique_ptr<storage::ReadableFile>>
RecordingFileSystem::create_scratch(const Path& directory) {
  const auto name = key(directory);
  const std::lock_guard lock(disk_->mutex);
  if (!directory_exists(disk_->now, name)) fail("create scratch in", name, ENOENT);
  const auto file = std::make_shared<ScratchBytes>();
  return {std::make_unique<ScratchWriter>(file), std::make_unique<ScratchReader>(file)};
}

std::optional<storage::FileVersion> RecordingFileSystem::file_version(const Path& path) {
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->now.names.find(key(path));
  if (found == disk_->now.names.end()) return std::nullopt;
  const auto& bytes = disk_->now.files.at(found->second);
  return storage::FileVersion{bytes.size(), static_cast<std::int64_t>(base::hash64(bytes) >> 1)};
}

std::uint64_t RecordingFileSystem::free_bytes(const Path& directory) {
  const auto name = key(directory);
  const std::lock_guard lock(disk_->mutex);
  if (!directory_exists(disk_->now, name)) fail("stat", name, ENOENT);
  return std::uint64_t{1} << 40;
}

std::optional<std::uint64_t> RecordingFileSystem::file_size(const Path& path) {
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->now.names.find(key(path));
  if (found == disk_->now.names.end()) return std::nullopt;
  return disk_->now.files.at(found->second).size();
}

std::vector<std::string> RecordingFileSystem::list(const Path& directory) {
  const auto inside = key(directory);
  std::vector<std::string> names;
  const std::lock_guard lock(disk_->mutex);
  const auto add = [&](const std::string& path) {
    if (const auto name = name_in(inside, path); !name.empty()) names.emplace_back(name);
  };
  for (const auto& [path, file] : disk_->now.names) add(path);
  for (const auto& path : disk_->now.directories) add(path);
  std::sort(names.begin(), names.end());
  return names;
}

void RecordingFileSystem::rename(const Path& from, const Path& to) {
  const auto old_name = key(from);
  const auto new_name = key(to);
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->now.names.find(old_name);
  if (found == disk_->now.names.end() || !directory_exists(disk_->now, parent(new_name))) {
    fail("rename", old_name, ENOENT);
  }
  disk_->record({Operation::Kind::rename, old_name, new_name, {}, found->second});
}

bool RecordingFileSystem::link(const Path& file, const Path& second) {
  const auto old_name = key(file);
  const auto new_name = key(second);
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->now.names.find(old_name);
  if (found == disk_->now.names.end() || !directory_exists(disk_->now, parent(new_name))) {
    fail("link", old_name, ENOENT);
  }
  if (disk_->now.names.contains(new_name)) fail("link", new_name, EEXIST);
  disk_->record({Operation::Kind::link, old_name, new_name, {}, found->second});
  return true;
}

void RecordingFileSystem::remove(const Path& path) {
  const auto name = key(path);
  const std::lock_guard lock(disk_->mutex);
  const auto found = disk_->now.names.find(name);
  if (found != disk_->now.names.end()) disk_->record({Operation::Kind::remove, name, {}, {}, found->second});
}

void RecordingFileSystem::make_directories(const Path& directory) {
  const auto name = key(directory);
  {
    const std::lock_guard lock(disk_->mutex);
    if (directory_exists(disk_->now, name)) return;
    if (disk_->now.names.contains(name)) fail("create", name, ENOTDIR);
  }
  make_directories(parent(name));
  const std::lock_guard lock(disk_->mutex);
  disk_->record({Operation::Kind::make_directory, name, {}, {}, 0});
}

void RecordingFileSystem::sync_directory(const Path& directory) {
  const auto name = key(directory);
  const std::lock_guard lock(disk_->mutex);
  if (!directory_exists(disk_->now, name)) fail("sync", name, ENOENT);
  disk_->record({Operation::Kind::sync_directory, name, {}, {}, 0});
}

std::size_t RecordingFileSystem::operations() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->log.size();
}

std::vector<Operation> RecordingFileSystem::log() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->log;
}

std::map<std::string, std::string> RecordingFileSystem::content() const {
  const std::lock_guard lock(disk_->mutex);
  std::map<std::string, std::string> content;
  for (const auto& [path, file] : disk_->now.names) content[path] = disk_->now.files.at(file);
  return content;
}

DiskContent RecordingFileSystem::killed_after(std::size_t operations, std::size_t torn_bytes) const {
  const std::lock_guard lock(disk_->mutex);
  auto disk = disk_->first;
  const auto count = std::min(operations, disk_->log.size());
  for (std::size_t i = 0; i < count; ++i) apply(disk_->log[i], disk);
  const auto torn_kind = [](Operation::Kind kind) {
    return kind == Operation::Kind::append || kind == Operation::Kind::write_at;
  };
  if (count < disk_->log.size() && torn_kind(disk_->log[count].kind)) {
    auto torn = disk_->log[count];
    torn.bytes.resize(std::min(torn_bytes, torn.bytes.size()));
    apply(torn, disk);
  }
  return disk;
}

DiskContent RecordingFileSystem::power_lost_after(std::size_t operations, base::RandomStream& choice) const {
  const std::lock_guard lock(disk_->mutex);
  const std::span log(disk_->log);
  return lose_power(disk_->first, log.first(std::min(operations, log.size())), choice);
}

}  // namespace surd::test
