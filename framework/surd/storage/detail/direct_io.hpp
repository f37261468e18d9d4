// Transfers past the page cache (O_DIRECT), for big files that are written and read once. On machines where
// fresh pages are dear, such as virtual ones, copying through the page cache costs several times as much.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include <sys/types.h>
#include <sys/uio.h>

namespace surd::storage {

/// A second descriptor of an open file. Where the file system knows no direct transfers (tmpfs), none.
class DirectIo {
 public:
  static constexpr std::uint64_t unit_bytes = 4096;  ///< Offset, address and size are multiples of it.
  /// Smaller transfers go through the page cache, which hides the disk's latency; for reads, those that are
  /// under way at the same time do that too.
  static constexpr std::size_t least_written = 128 << 10;
  static constexpr std::size_t least_read = 32 << 10;

  DirectIo() noexcept = default;
  /// `flags`: O_RDONLY or O_WRONLY.
  DirectIo(int fd, int flags) noexcept;
  DirectIo(const DirectIo&) = delete;
  DirectIo& operator=(const DirectIo&) = delete;
  ~DirectIo();

  /// Transfers as many whole units as there are. nullopt if that is not possible: use the page cache.
  /// The pieces, one after the other; the last may be shortened.
  std::optional<ssize_t> write(std::uint64_t offset, std::span<iovec> pieces) noexcept;
  std::optional<ssize_t> read(std::uint64_t offset, std::byte* into, std::size_t bytes) noexcept;

  /// No more direct transfers.
  void give_up() noexcept { works_ = false; }

 private:
  [[nodiscard]] bool fits(std::uint64_t offset, const std::byte* at, std::size_t bytes) const noexcept;
  std::optional<ssize_t> checked(ssize_t result) noexcept;

  int fd_ = -1;
  std::atomic<bool> works_ = false;  ///< Several threads may read.
};

}  // namespace surd::storage
