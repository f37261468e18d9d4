#include "surd/storage/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "surd/storage/detail/local_file.hpp"
#include "surd/storage/faults.hpp"

namespace surd::storage {
namespace {

void sync_directory_now(const Path& directory) {
  const Path& shown = directory.empty() ? Path(".") : directory;
  const int fd = open_or_fail(shown, O_RDONLY | O_DIRECTORY);
  const int result = uninterrupted([&] { return ::fsync(fd); });
  const int code = errno;
  ::close(fd);
  // Some network file systems cannot sync directories, and say EINVAL: there a rename is already durable.
  if (result < 0 && code != EINVAL) fail_call("sync", shown.native(), code);
}

class LocalFileSystem final : public FileSystem {
 public:
  std::unique_ptr<WritableFile> create(const Path& path, Access access) override {
    fault_before("create", path.native(), 0);
    const int fd = open_or_fail(path, O_WRONLY | O_CREAT | O_TRUNC);
    fault_after();
    return local_writable(path.native(), fd, access);
  }

  std::unique_ptr<WritableFile> create_new(const Path& path) override {
    fault_before("create", path.native(), 0);
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    const int fd = uninterrupted([&] { return ::open(path.c_str(), flags, 0666); });
    if (fd < 0 && errno != EEXIST) fail_call("create", path.native(), errno);
    fault_after();
    if (fd < 0) return nullptr;
    return local_writable(path.native(), fd, Access::cached);
  }

  std::unique_ptr<ReadableFile> open(const Path& path, Access access) override {
    return local_readable(path, access);
  }

  std::unique_ptr<SharedFile> open_shared(const Path& path) override {
    fault_before("create", path.native(), 0);
    const int fd = open_or_fail(path, O_WRONLY | O_CREAT);
    fault_after();
    return local_shared(path.native(), fd);
  }

  std::pair<std::unique_ptr<WritableFile>, std::unique_ptr<ReadableFile>> create_scratch(
      const Path& directory) override {
    return local_scratch(directory);
  }

  std::optional<std::uint64_t> file_size(const Path& path) override {
    const auto version = file_version(path);
    if (!version) return std::nullopt;
    return version->bytes;
  }

  std::optional<FileVersion> file_version(const Path& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      fail_call("stat", path.native(), errno);
    }
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    const auto& time = status.st_mtim;
    return FileVersion{static_cast<std::uint64_t>(status.st_size),
                       std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec};
  }

  std::uint64_t free_bytes(const Path& directory) override {
    const Path& shown = directory.empty() ? Path(".") : directory;
    struct statvfs status {};
    if (uninterrupted([&] { return ::statvfs(shown.c_str(), &status); }) < 0) {
      fail_call("stat", shown.native(), errno);
    }
    return std::uint64_t{status.f_bavail} * status.f_frsize;
  }

  std::vector<std::string> list(const Path& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) {
      if (errno == ENOENT) return {};
      fail_call("list", directory.native(), errno);
    }
    std::vector<std::string> names;
    while (true) {
      errno = 0;
      const auto* const entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
    }
    if (errno != 0) fail_call("list", directory.native(), errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  bool link(const Path& file, const Path& second) override {
    fault_before("link", file.native(), 0);
    if (::link(file.c_str(), second.c_str()) < 0) {
      static constexpr std::array cannot{EXDEV, EPERM, EMLINK, ENOSYS, ENOTSUP};
      if (std::ranges::find(cannot, errno) != cannot.end()) return false;
      fail_call("link", file.native(), errno, fmt::format(" (to {})", second.native()));
    }
    fault_after();
    return true;
  }

  void rename(const Path& from, const Path& to) override {
    fault_before("rename", from.native(), 0);
    if (::rename(from.c_str(), to.c_str()) < 0) {
      fail_call("rename", from.native(), errno, fmt::format(" (to {})", to.native()));
    }
    fault_after();
  }

  void remove(const Path& path) override {
    fault_before("remove", path.native(), 0);
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) fail_call("remove", path.native(), errno);
    fault_after();
  }

  void make_directories(const Path& directory) override {
    if (directory.empty() || std::filesystem::is_directory(directory)) return;
    const auto parent = directory.parent_path();
    if (parent != directory) make_directories(parent);
    fault_before("create", directory.native(), 0);
    if (::mkdir(directory.c_str(), 0777) < 0 && errno != EEXIST)
      fail_call("create", directory.native(), errno);
    if (!std::filesystem::is_directory(directory)) fail_call("create", directory.native(), ENOTDIR);
    sync_directory_now(parent);
    fault_after();
  }

  void sync_directory(const Path& directory) override {
    fault_before("sync", directory.native(), 0);
    sync_directory_now(directory);
    fault_after();
  }
};

}  // namespace

FileSystem& local_file_system() {
  static LocalFileSystem files;
  return files;
}

std::string read_file(FileSystem& files, const Path& path, std::uint64_t limit_bytes) {
  const auto file = files.open(path);
  const auto size = file->size();
  if (size > limit_bytes) {
    fail_call("read", path.native(), EFBIG,
              fmt::format(" ({} bytes, at most {} expected)", size, limit_bytes));
  }
  std::string content(static_cast<std::size_t>(size), '\0');
  content.resize(file->read_at(0, std::as_writable_bytes(std::span(content))));
  return content;
}

namespace {

std::string this_host() {
  std::array<char, 256> buffer{};
  ::gethostname(buffer.data(), buffer.size() - 1);
  return buffer.data();
}

}  // namespace

Path part_path(const Path& path) {
  auto part = path;
  part += fmt::format(".{}.{}.part", this_host(), ::getpid());
  return part;
}

void remove_stale_parts(FileSystem& files, const Path& path) {
  const auto directory = path.has_parent_path() ? path.parent_path() : Path(".");
  const auto start = fmt::format("{}.{}.", path.filename().string(), this_host());
  for (const auto& name : files.list(directory)) {
    if (!name.starts_with(start) || !name.ends_with(".part")) continue;
    pid_t writer = 0;
    const auto* end = name.data() + name.size();
    if (std::from_chars(name.data() + start.size(), end, writer).ec != std::errc{} || writer <= 0) continue;
    if (::kill(writer, 0) != 0 && errno == ESRCH) files.remove(directory / name);
  }
}

void write_atomically(FileSystem& files, const Path& path, std::string_view content, bool durable) {
  const auto part = part_path(path);
  const auto file = files.create(part);
  file->append(std::as_bytes(std::span(content)));
  if (durable) file->sync();
  file->close();
  files.rename(part, path);
  if (durable) files.sync_directory(path.parent_path());
}

}  // namespace surd::storage
