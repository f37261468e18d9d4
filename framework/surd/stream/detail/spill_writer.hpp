// Appends bytes to a spill file in large blocks, written behind: fills one buffer while the other is written.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "surd/external/partition.hpp"
#include "surd/stream/stage.hpp"

namespace surd::stream::detail {

class SpillWriter {
 public:
  /// Takes `bytes` from the budget for both buffers.
  SpillWriter(Worker& worker, std::uint64_t bytes);
  SpillWriter(const SpillWriter&) = delete;
  SpillWriter& operator=(const SpillWriter&) = delete;
  ~SpillWriter();

  /// Append here, then call spill_if_full(). What is appended at once should be well below the buffer's size;
  /// if it is more, the buffer grows beyond what was reserved until it is spilled.
  [[nodiscard]] std::vector<char>& buffer() noexcept { return buffers_[current_]; }
  void spill_if_full();

  /// Spills what is left and waits. Adjacent extents are one. `records` of the result is left 0.
  [[nodiscard]] external::PartitionExtents finish();

 private:
  static constexpr std::size_t page_bytes = 4096;

  /// Writes what is there; unless it is `all`, what is over at the end of a page waits for the next block.
  void spill(bool all);
  void note(std::uint64_t offset, std::uint64_t bytes);
  /// Empties a buffer. It begins as far into a page of memory as the file ends into one on the disk, so that
  /// whole pages go to the disk without being copied.
  void begin(std::vector<char>& buffer);

  Worker& worker_;
  memory::Reservation reservation_;
  std::size_t capacity_;
  std::array<std::vector<char>, 2> buffers_;
  std::array<storage::AsyncIo::Ticket, 2> tickets_{};
  std::size_t current_ = 0;
  std::size_t skip_ = 0;  ///< Bytes in front of what is to be written.
  external::PartitionExtents written_;
};

}  // namespace surd::stream::detail
