#include "surd/storage/detail/local_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <system_error>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/storage/detail/direct_io.hpp"
#include "surd/storage/faults.hpp"

namespace surd::storage {

void fail_call(std::string_view call, std::string_view path, int code, std::string_view detail) {
  throw base::IoError(fmt::format("{} {}: {}{}", call, path, std::generic_category().message(code), detail),
                      code);
}

int open_or_fail(const Path& path, int flags) {
  const int fd = uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); });
  if (fd < 0) fail_call("open", path.native(), errno);
  return fd;
}

namespace {

constexpr std::uint64_t page_bytes = 4096;

/// Advice only: what cannot be dropped, such as pages still being written, stays.
void drop_pages(int fd, std::uint64_t from, std::uint64_t to) noexcept {
  from -= from % page_bytes;
  to -= to % page_bytes;
  if (from < to) {
    ::posix_fadvise(fd, static_cast<off_t>(from), static_cast<off_t>(to - from), POSIX_FADV_DONTNEED);
  }
}

/// Keeps dirty pages few: the kernel starts to write every 4 MiB at once instead of after its 30 seconds, so
/// that a sync has little left to wait for; pages written long ago are dropped, unless they are to stay.
/// Never waits for the disk.
class WriteBehind {
 public:
  WriteBehind(Access access, std::uint64_t at) noexcept : drops_(access != Access::cached) { restart(at); }

  void wrote(int fd, std::uint64_t offset, std::uint64_t bytes) noexcept {
    if (offset != end_) {
      if (end_ - started_ >= least_bytes) start(fd);
      restart(offset);
    }
    end_ = offset + bytes;
    if (end_ - started_ >= step_bytes) start(fd);
  }

  /// After a sync, when every page can go.
  void synced(int fd) noexcept {
    if (drops_) drop_pages(fd, first_, end_);
  }

 private:
  static constexpr std::uint64_t step_bytes = 4 * base::MiB;
  static constexpr std::uint64_t least_bytes = 256 * base::KiB;  ///< Of a stretch worth a request of its own.
  static constexpr std::uint64_t lag_bytes = 2 * step_bytes;  ///< Given to the disk before pages are dropped.

  void restart(std::uint64_t at) noexcept { first_ = started_ = end_ = at; }

  void start(int fd) noexcept {
    if (started_ == end_) return;
    ::sync_file_range(fd, static_cast<off_t>(started_), static_cast<off_t>(end_ - started_),
                      SYNC_FILE_RANGE_WRITE);
    // Older stretches again: a slow disk may still have been writing them the first time.
    const auto old = std::max(first_, started_ - std::min(started_, 8 * lag_bytes));
    if (drops_ && started_ > old + lag_bytes) drop_pages(fd, old, started_ - lag_bytes);
    started_ = end_;
  }

  bool drops_;
  std::uint64_t first_ = 0;    ///< Of the stretch written without a gap.
  std::uint64_t started_ = 0;  ///< The disk has been told to write up to here.
  std::uint64_t end_ = 0;
};

/// A descriptor with the path for its errors. `fd` < 0: closed.
struct Descriptor {
  Descriptor(std::string shown, int number) noexcept : path(std::move(shown)), fd(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }

  void sync() const {
    fault_before("sync", path, 0);
    if (uninterrupted([&] { return ::fdatasync(fd); }) < 0) fail_call("sync", path, errno);
    fault_after();
  }

  void close() {
    if (fd < 0) return;
    // Linux has closed the descriptor even when close() was interrupted: never call it twice.
    if (::close(std::exchange(fd, -1)) < 0 && errno != EINTR) fail_call("close", path, errno);
  }

  /// Writes all of `bytes` by `write`(bytes written before), unless a fault is injected.
  template <class Write>
  void write_all(std::size_t size, Write write) const {
    const auto allowed = fault_before("write", path, size);
    std::size_t written = 0;
    while (written < allowed) {
      const auto n = uninterrupted([&] { return write(written, allowed - written); });
      if (n < 0) fail_call("write", path, errno, fmt::format(" ({} of {} bytes)", written, size));
      written += static_cast<std::size_t>(n);
    }
    fault_after();
  }

  std::string path;
  int fd;
};

/// `size` bytes of pieces from byte `from` on, as the kernel takes them; fewer if they are in very many
/// pieces.
class Vectors {
 public:
  Vectors(std::span<const std::span<const std::byte>> pieces, std::size_t from, std::size_t size) noexcept {
    for (const auto piece : pieces) {
      const auto skipped = std::min(from, piece.size());
      const auto bytes = std::min(piece.size() - skipped, size);
      from -= skipped;
      size -= bytes;
      if (bytes == 0) continue;
      if (count_ == vectors_.size()) return;
      vectors_[count_++] = {const_cast<std::byte*>(piece.data() + skipped), bytes};
    }
  }
  [[nodiscard]] std::span<iovec> all() noexcept { return {vectors_.data(), count_}; }

 private:
  std::array<iovec, 256> vectors_;
  std::size_t count_ = 0;
};

class LocalWritableFile final : public WritableFile {
 public:
  LocalWritableFile(std::string path, int fd, Access access) noexcept
      : file_(std::move(path), fd), behind_(access, 0) {
    if (access == Access::pieces) direct_.emplace(fd, O_WRONLY);
  }

  void append(std::span<const std::byte> bytes) override { append_all({&bytes, 1}); }

  void append_all(std::span<const std::span<const std::byte>> pieces) override {
    std::size_t all = 0;
    for (const auto piece : pieces) all += piece.size();
    std::uint64_t cached_from = bytes_;
    file_.write_all(all, [&](std::size_t done, std::size_t size) {
      Vectors vectors(pieces, done, size);
      const auto count = static_cast<int>(vectors.all().size());
      if (!direct_) return ::writev(file_.fd, vectors.all().data(), count);
      const auto at = bytes_ + done;
      if (const auto written = direct_->write(at, vectors.all())) {
        cached_from = at + static_cast<std::uint64_t>(std::max<ssize_t>(*written, 0));
        return *written;
      }
      return ::pwritev(file_.fd, vectors.all().data(), count, static_cast<off_t>(at));
    });
    bytes_ += all;
    if (cached_from < bytes_) behind_.wrote(file_.fd, cached_from, bytes_ - cached_from);
  }

  void sync() override {
    file_.sync();
    behind_.synced(file_.fd);
  }

  void close() override { file_.close(); }

 private:
  Descriptor file_;
  std::optional<DirectIo> direct_;
  WriteBehind behind_;
  std::uint64_t bytes_ = 0;
};

class LocalSharedFile final : public SharedFile {
 public:
  LocalSharedFile(std::string path, int fd) noexcept
      : file_(std::move(path), fd), behind_(Access::streaming, 0) {}

  void write_at(std::uint64_t offset, std::span<const std::byte> bytes) override {
    if (!direct_ && bytes.size() >= DirectIo::least_written) direct_.emplace(file_.fd, O_WRONLY);
    std::uint64_t cached_from = offset;
    file_.write_all(bytes.size(), [&](std::size_t done, std::size_t size) {
      const auto at = offset + done;
      Vectors vectors({&bytes, 1}, done, size);
      const auto written = direct_ ? direct_->write(at, vectors.all()) : std::nullopt;
      if (written) {
        cached_from = at + static_cast<std::uint64_t>(std::max<ssize_t>(*written, 0));
        return *written;
      }
      return ::pwrite(file_.fd, bytes.data() + done, size, static_cast<off_t>(at));
    });
    const auto end = offset + bytes.size();
    if (cached_from < end) behind_.wrote(file_.fd, cached_from, end - cached_from);
  }

  void sync() override {
    file_.sync();
    behind_.synced(file_.fd);
  }

  void close() override { file_.close(); }

 private:
  Descriptor file_;
  std::optional<DirectIo> direct_;
  WriteBehind behind_;
};

class LocalReadableFile final : public ReadableFile {
 public:
  /// With `scratch`, the file has no name under which it could be opened again.
  LocalReadableFile(std::string path, int fd, Access access, bool scratch) noexcept
      : file_(std::move(path), fd), access_(access), scratch_(scratch) {
    advise();
    if (access_ == Access::pieces) direct_.emplace(file_.fd, O_RDONLY);
  }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) override {
    std::size_t done = 0;
    std::size_t direct_end = 0;
    bool reopened = false;
    while (done < into.size()) {
      const auto rest = into.subspan(done);
      const auto n = uninterrupted([&] {
        const auto direct = direct_ ? direct_->read(offset + done, rest.data(), rest.size()) : std::nullopt;
        if (direct) direct_end = done + static_cast<std::size_t>(std::max<ssize_t>(*direct, 0));
        return direct ? *direct
                      : ::pread(file_.fd, rest.data(), rest.size(), static_cast<off_t>(offset + done));
      });
      if (n == 0) break;
      if (n < 0 && errno == ESTALE && !reopened) {  // NFS: the path has another inode now
        reopened = true;
        if (direct_) direct_->give_up();
        reopen();
      } else if (n < 0) {
        fail_call("read", file_.path, errno,
                  fmt::format(" ({} of {} bytes at {})", done, into.size(), offset));
      } else {
        done += static_cast<std::size_t>(n);
      }
    }
    if (access_ != Access::cached && direct_end < done) drop_read(offset + direct_end, done - direct_end);
    return done;
  }

  std::uint64_t size() override {
    struct stat status {};
    if (::fstat(file_.fd, &status) < 0) {
      if (errno != ESTALE) fail_call("stat", file_.path, errno);
      reopen();
      if (::fstat(file_.fd, &status) < 0) fail_call("stat", file_.path, errno);
    }
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  /// Pages read by a big read go at once, those of small reads when a read passes the end of their MiB. The
  /// page in which a read ends stays for the next one.
  void drop_read(std::uint64_t offset, std::uint64_t bytes) noexcept {
    constexpr std::uint64_t big_bytes = 16 * base::KiB;
    const auto end = offset + bytes;
    if (bytes >= big_bytes) {
      drop_pages(file_.fd, offset, end);
    } else if (const auto boundary = end - end % base::MiB; boundary > offset) {
      drop_pages(file_.fd, boundary - base::MiB, boundary);
    }
  }

  void advise() noexcept {
    if (access_ == Access::pieces) ::posix_fadvise(file_.fd, 0, 0, POSIX_FADV_RANDOM);
  }

  /// Under the same descriptor, which other threads may be using.
  void reopen() {
    if (scratch_) fail_call("read", file_.path, ESTALE);
    const int fresh = open_or_fail(file_.path, O_RDONLY);
    ::dup3(fresh, file_.fd, O_CLOEXEC);
    ::close(fresh);
    advise();
  }

  Descriptor file_;
  std::optional<DirectIo> direct_;
  Access access_;
  bool scratch_;
};

/// A file without a name where the file system can make one (Linux 3.11; not NFS), else one whose name is
/// removed at once.
int open_scratch(const Path& directory) {
  const Path& shown = directory.empty() ? Path(".") : directory;
  const int fd = uninterrupted([&] { return ::open(shown.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600); });
  if (fd >= 0) return fd;
  if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL) {
    fail_call("create scratch in", shown.native(), errno);
  }
  static std::atomic<std::uint64_t> number{0};
  auto path = part_path(shown / fmt::format("scratch.{}", ++number));
  const int named = open_or_fail(path, O_RDWR | O_CREAT | O_EXCL);
  ::unlink(path.c_str());
  return named;
}

}  // namespace

std::unique_ptr<WritableFile> local_writable(std::string path, int fd, Access access) {
  return std::make_unique<LocalWritableFile>(std::move(path), fd, access);
}

std::unique_ptr<SharedFile> local_shared(std::string path, int fd) {
  return std::make_unique<LocalSharedFile>(std::move(path), fd);
}

std::unique_ptr<ReadableFile> local_readable(const Path& path, Access access) {
  return std::make_unique<LocalReadableFile>(path.native(), open_or_fail(path, O_RDONLY), access, false);
}

std::pair<std::unique_ptr<WritableFile>, std::unique_ptr<ReadableFile>> local_scratch(const Path& directory) {
  const auto shown = (directory / "(scratch)").native();
  fault_before("create", shown, 0);
  const int fd = open_scratch(directory);
  auto writer = local_writable(shown, fd, Access::pieces);
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) fail_call("create", shown, errno);
  fault_after();
  return {std::move(writer), std::make_unique<LocalReadableFile>(shown, copy, Access::pieces, true)};
}

}  // namespace surd::storage
