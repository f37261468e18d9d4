// One side of a join as one string of bytes: its extents back to back.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "surd/external/join.hpp"

namespace surd::external::detail {

struct SideSize {
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
};
[[nodiscard]] SideSize size_of(const JoinSide& side) noexcept;

/// A place in the bytes of a side, from which reads are requested piece by piece.
class ExtentCursor {
 public:
  explicit ExtentCursor(const JoinSide& side, std::uint64_t position = 0) noexcept;

  struct Requested {
    std::size_t bytes = 0;              ///< Fewer than asked for at the end only.
    storage::AsyncIo::Ticket last = 0;  ///< Stands for all of it.
  };
  /// Requests the next bytes.
  Requested read(std::span<std::byte> into, storage::AsyncIo& io);

 private:
  void skip(std::uint64_t bytes) noexcept;

  const JoinSide* side_;
  std::size_t part_ = 0;
  std::size_t extent_ = 0;
  std::uint64_t offset_ = 0;  ///< In the extent.
};

/// The bytes of a side block by block, the next one being read while one is used.
class ExtentStream {
 public:
  /// `memory` is divided into two blocks, each with `headroom` for what is kept in front of it.
  ExtentStream(const JoinSide& side, std::span<std::byte> memory, std::size_t headroom, storage::AsyncIo& io);
  ExtentStream(const ExtentStream&) = delete;
  ExtentStream& operator=(const ExtentStream&) = delete;
  ~ExtentStream();

  /// The last `kept` (at most headroom) bytes of the block before, then the next ones; empty if there are no
  /// next ones. Valid until the next call.
  std::span<const std::byte> next(std::size_t kept);

 private:
  void request(std::size_t buffer);

  ExtentCursor cursor_;
  storage::AsyncIo& io_;
  std::size_t headroom_;
  std::array<std::span<std::byte>, 2> buffers_;
  std::array<ExtentCursor::Requested, 2> requested_{};
  std::size_t current_ = 1;
  std::span<const std::byte> block_;
};

}  // namespace surd::external::detail
