#include "surd/storage/file_system.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/storage/faults.hpp"

namespace surd::storage {
namespace {

[[noreturn]] void fail(std::string_view call, std::string_view path, int code, std::string_view detail = {}) {
  throw base::IoError(fmt::format("{} {}: {}{}", call, path, std::generic_category().message(code), detail),
                      code);
}

/// Calls `call` until it is not interrupted by a signal.
template <class Call>
auto uninterrupted(Call call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

int open_or_fail(const Path& path, int flags) {
  const int fd = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
  if (fd < 0) fail("open", path.native(), errno);
  return fd;
}

class LocalWritableFile final : public WritableFile {
 public:
  LocalWritableFile(std::string path, int fd) noexcept : path_(std::move(path)), fd_(fd) {}
  LocalWritableFile(const LocalWritableFile&) = delete;
  LocalWritableFile& operator=(const LocalWritableFile&) = delete;
  ~LocalWritableFile() override {
    if (fd_ >= 0) ::close(fd_);
  }

  void append(std::span<const std::byte> bytes) override {
    const auto allowed = fault_before("write", path_, bytes.size());
    std::size_t written = 0;
    while (written < allowed) {
      const auto n = uninterrupted([&] { return ::write(fd_, bytes.data() + written, allowed - written); });
      if (n < 0) fail("write", path_, errno, fmt::format(" ({} of {} bytes)", written, bytes.size()));
      written += static_cast<std::size_t>(n);
    }
    fault_after();
  }

  void sync() override {
    fault_before("sync", path_, 0);
    if (uninterrupted([&] { return ::fdatasync(fd_); }) < 0) fail("sync", path_, errno);
    fault_after();
  }

  void close() override {
    if (fd_ < 0) return;
    // Linux has closed the descriptor even when close() was interrupted: never call it twice.
    if (::close(std::exchange(fd_, -1)) < 0 && errno != EINTR) fail("close", path_, errno);
  }

 private:
  std::string path_;
  int fd_;
};

class LocalReadableFile final : public ReadableFile {
 public:
  explicit LocalReadableFile(Path path) : path_(std::move(path)), fd_(open_or_fail(path_, O_RDONLY)) {}
  LocalReadableFile(const LocalReadableFile&) = delete;
  LocalReadableFile& operator=(const LocalReadableFile&) = delete;
  ~LocalReadableFile() override { ::close(fd_); }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    std::size_t done = 0;
    bool reopened = false;
    while (done < into.size()) {
      const auto at = static_cast<off_t>(offset + done);
      const auto n = uninterrupted([&] { return ::pread(fd_, into.data() + done, into.size() - done, at); });
      if (n == 0) break;
      if (n < 0 && errno == ESTALE && !reopened) {  // NFS: the path has another inode now
        reopened = true;
        reopen();
      } else if (n < 0) {
        fail("read", path_.native(), errno,
             fmt::format(" ({} of {} bytes at {})", done, into.size(), offset));
      } else {
        done += static_cast<std::size_t>(n);
      }
    }
    return done;
  }

  std::uint64_t size() override {
    struct stat status {};
    if (::fstat(fd_, &status) < 0) {
      if (errno != ESTALE) fail("stat", path_.native(), errno);
      reopen();
      if (::fstat(fd_, &status) < 0) fail("stat", path_.native(), errno);
    }
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  void reopen() {
    const int fresh = open_or_fail(path_, O_RDONLY);
    ::close(std::exchange(fd_, fresh));
  }

  Path path_;
  int fd_;
};

void sync_directory_now(const Path& directory) {
  const Path& shown = directory.empty() ? Path(".") : directory;
  const int fd = open_or_fail(shown, O_RDONLY | O_DIRECTORY);
  const int result = uninterrupted([&] { return ::fsync(fd); });
  const int code = errno;
  ::close(fd);
  // Some network file systems cannot sync directories, and say EINVAL: there a rename is already durable.
  if (result < 0 && code != EINVAL) fail("sync", shown.native(), code);
}

class LocalFileSystem final : public FileSystem {
 public:
  std::unique_ptr<WritableFile> create(const Path& path) override {
    fault_before("create", path.native(), 0);
    const int fd = open_or_fail(path, O_WRONLY | O_CREAT | O_TRUNC);
    fault_after();
    return std::make_unique<LocalWritableFile>(path.native(), fd);
  }

  std::unique_ptr<WritableFile> create_new(const Path& path) override {
    fault_before("create", path.native(), 0);
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
    const int fd = uninterrupted([&] { return ::open(path.c_str(), flags, 0666); });
    if (fd < 0 && errno != EEXIST) fail("create", path.native(), errno);
    fault_after();
    if (fd < 0) return nullptr;
    return std::make_unique<LocalWritableFile>(path.native(), fd);
  }

  std::unique_ptr<ReadableFile> open(const Path& path) override {
    return std::make_unique<LocalReadableFile>(path);
  }

  std::optional<std::uint64_t> file_size(const Path& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) < 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      fail("stat", path.native(), errno);
    }
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return static_cast<std::uint64_t>(status.st_size);
  }

  std::vector<std::string> list(const Path& directory) override {
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
    if (!stream) {
      if (errno == ENOENT) return {};
      fail("list", directory.native(), errno);
    }
    std::vector<std::string> names;
    while (true) {
      errno = 0;
      const auto* const entry = ::readdir(stream.get());
      if (entry == nullptr) break;
      std::string name = entry->d_name;
      if (name != "." && name != "..") names.push_back(std::move(name));
    }
    if (errno != 0) fail("list", directory.native(), errno);
    std::sort(names.begin(), names.end());
    return names;
  }

  void rename(const Path& from, const Path& to) override {
    fault_before("rename", from.native(), 0);
    if (::rename(from.c_str(), to.c_str()) < 0) {
      fail("rename", from.native(), errno, fmt::format(" (to {})", to.native()));
    }
    fault_after();
  }

  void remove(const Path& path) override {
    fault_before("remove", path.native(), 0);
    if (::unlink(path.c_str()) < 0 && errno != ENOENT) fail("remove", path.native(), errno);
    fault_after();
  }

  void make_directories(const Path& directory) override {
    if (directory.empty() || std::filesystem::is_directory(directory)) return;
    const auto parent = directory.parent_path();
    if (parent != directory) make_directories(parent);
    fault_before("create", directory.native(), 0);
    if (::mkdir(directory.c_str(), 0777) < 0 && errno != EEXIST) fail("create", directory.native(), errno);
    if (!std::filesystem::is_directory(directory)) fail("create", directory.native(), ENOTDIR);
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
    fail("read", path.native(), EFBIG, fmt::format(" ({} bytes, at most {} expected)", size, limit_bytes));
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
