// Copies bytes into two buffers in turn, each written behind while the other is filled.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "surd/external/spill.hpp"

namespace surd::external::detail {

class BlockWriter {
 public:
  /// Buffers of equal size. They must not be used otherwise before settle().
  BlockWriter(std::span<std::byte> first, std::span<std::byte> second) : buffers_{first, second} {}

  void put(SpillFile& spill, storage::AsyncIo& io, const std::byte* from, std::size_t bytes);
  /// Hands over what is buffered, without waiting for it to be written.
  void flush(SpillFile& spill, storage::AsyncIo& io);
  /// Waits until nothing is being written from the buffers.
  void settle(storage::AsyncIo& io);

  [[nodiscard]] std::span<std::byte> buffer(std::size_t i) const noexcept { return buffers_[i]; }

 private:
  std::array<std::span<std::byte>, 2> buffers_;
  std::array<storage::AsyncIo::Ticket, 2> tickets_{};
  std::size_t current_ = 0;
  std::size_t used_ = 0;
};

}  // namespace surd::external::detail
