// One side of a join as one string of bytes: its extents back to back.
#pragma once

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
/// In bytes, padded; what is read of it at once.
[[nodiscard]] std::uint64_t largest_extent(const JoinSide& side) noexcept;

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

}  // namespace surd::external::detail
