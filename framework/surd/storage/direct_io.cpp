#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cstdio>

#include "surd/storage/detail/direct_io.hpp"

namespace surd::storage {

DirectIo::DirectIo(int fd, int flags) noexcept {
  std::array<char, 32> path{};  // leads to the file even if it has no name
  std::snprintf(path.data(), path.size(), "/proc/self/fd/%d", fd);
  fd_ = ::open(path.data(), flags | O_DIRECT | O_CLOEXEC);
  works_ = fd_ >= 0;
}

DirectIo::~DirectIo() {
  if (fd_ >= 0) ::close(fd_);
}

bool DirectIo::fits(std::uint64_t offset, const std::byte* at, std::size_t bytes) const noexcept {
  const auto address = std::bit_cast<std::uintptr_t>(at);
  return works_ && bytes >= unit_bytes && offset % unit_bytes == 0 && address % unit_bytes == 0;
}

/// Some file systems open a file for direct transfers, and then refuse them.
std::optional<ssize_t> DirectIo::checked(ssize_t result) noexcept {
  if (result >= 0 || errno != EINVAL) return result;
  works_ = false;
  return std::nullopt;
}

std::optional<ssize_t> DirectIo::write(std::uint64_t offset, std::span<iovec> pieces) noexcept {
  std::size_t bytes = 0;
  for (const auto& piece : pieces) {
    if (!fits(offset + bytes, static_cast<const std::byte*>(piece.iov_base), piece.iov_len))
      return std::nullopt;
    bytes += piece.iov_len;
  }
  if (bytes < least_written) return std::nullopt;
  pieces.back().iov_len -= bytes % unit_bytes;
  return checked(::pwritev(fd_, pieces.data(), static_cast<int>(pieces.size()), static_cast<off_t>(offset)));
}

std::optional<ssize_t> DirectIo::read(std::uint64_t offset, std::byte* into, std::size_t bytes) noexcept {
  if (bytes < least_read || !fits(offset, into, bytes)) return std::nullopt;
  return checked(::pread(fd_, into, bytes - bytes % unit_bytes, static_cast<off_t>(offset)));
}

}  // namespace surd::storage
