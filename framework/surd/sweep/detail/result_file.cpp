#include "surd/sweep/detail/result_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/sweep/detail/fd.hpp"

namespace surd::sweep::detail {
namespace {

bool unchanged(const struct stat& a, const struct stat& b) {
  return a.st_ino == b.st_ino && a.st_size == b.st_size && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

}  // namespace

ResultFile::ResultFile(std::filesystem::path path) : path_(std::move(path)), before_(look()) {}

std::optional<struct stat> ResultFile::look() const {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) return std::nullopt;
  return status;
}

ResultFile::Content ResultFile::read(std::uint64_t limit) const {
  const auto failed = [&](std::string_view why) {
    return Content{{}, fmt::format("cannot read the results from {}: {}", path_.string(), why)};
  };
  const Fd file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // not to wait at a FIFO
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0) return failed(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return failed("it is no regular file");
  if (before_ && unchanged(*before_, status)) return failed("it is older than this run of the command");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size > limit) {
    return failed(
        fmt::format("it has {}, the limit is {}", base::format_bytes(size), base::format_bytes(limit)));
  }
  Content content;
  content.text.resize(static_cast<std::size_t>(size));
  std::size_t have = 0;
  while (have < content.text.size()) {
    const auto got = ::read(file.get(), content.text.data() + have, content.text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed(std::strerror(errno));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  content.text.resize(have);
  return content;
}

}  // namespace surd::sweep::detail
