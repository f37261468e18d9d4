// The current block of each of several run ranges being merged, with blocks read ahead where they will be
// needed first: the range whose current block ends with the smallest key runs dry first (forecasting: Knuth,
// TAOCP 3, 5.4.6), so a small pool of blocks serves many runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "surd/external/detail/order.hpp"
#include "surd/external/detail/workspace.hpp"
#include "surd/external/run.hpp"
#include "surd/storage/async_io.hpp"

namespace surd::external::detail {

/// How a merge divides its memory.
struct MergeShape {
  std::uint64_t block_bytes = 0;     ///< Read at once.
  std::uint64_t headroom_bytes = 0;  ///< Before each block, for the part of a record that began in the last.
  std::uint64_t alignment = 64;      ///< Of blocks in memory.
  std::uint64_t runs = 0;
  std::uint64_t ahead = 0;         ///< Blocks that may be read ahead.
  std::uint64_t out_bytes = 0;     ///< Of each of the two output buffers.
  std::uint64_t entries = 0;       ///< Records sorted at once; 0 for scalars.
  std::uint64_t memory_bytes = 0;  ///< Of all of it.
  bool fits = false;
};
/// For `runs` ranges whose longest record has `longest_bytes`.
[[nodiscard]] MergeShape merge_shape(const Order& order, std::uint64_t runs, std::uint64_t longest_bytes,
                                     std::uint64_t memory_bytes) noexcept;
/// Least memory for merging so many.
[[nodiscard]] std::uint64_t least_merge_bytes(const Order& order, std::uint64_t runs,
                                              std::uint64_t longest_bytes) noexcept;

class RunFeed {
 public:
  /// One range. Records [at, end) lie in memory; scalars as unsigned keys (Order::to_keys()).
  struct Cursor {
    const std::byte* at = nullptr;
    const std::byte* end = nullptr;
    const std::byte* last = nullptr;  ///< The record before end.
    std::uint64_t last_word = 0;      ///< Its first key word.
    bool more = false;                ///< There are records after end.

   private:
    friend class RunFeed;
    storage::ReadableFile* file = nullptr;
    std::uint64_t offset = 0;      ///< In the file, of what has not been asked for.
    std::uint64_t position = 0;    ///< The same, from the run's start.
    std::uint64_t left_bytes = 0;  ///< Not asked for.
    std::byte* block = nullptr;
    std::byte* ahead = nullptr;  ///< The next block, being read; null: not asked for.
    std::size_t ahead_bytes = 0;
    storage::AsyncIo::Ticket ticket = 0;
    std::size_t tail_bytes = 0;  ///< After end: the beginning of a record.
  };

  RunFeed(const Order& order, const RunFiles& files, const std::vector<RunRange>& ranges,
          const MergeShape& shape, Workspace& memory, storage::AsyncIo& io);
  RunFeed(const RunFeed&) = delete;
  RunFeed& operator=(const RunFeed&) = delete;
  /// Waits for what is being read.
  ~RunFeed();

  [[nodiscard]] std::vector<Cursor>& cursors() noexcept { return cursors_; }
  /// Gives every range that ran dry its next block, and reads ahead. Moves what earlier cursors pointed to.
  void refill();

 private:
  void ask(Cursor& cursor, std::byte* block);
  void arrive(Cursor& cursor);
  void find_end(Cursor& cursor, std::byte* end);
  void read_ahead();

  const Order& order_;
  storage::AsyncIo& io_;
  MergeShape shape_;
  std::uint64_t longest_bytes_ = 0;
  std::vector<Cursor> cursors_;
  std::vector<std::byte*> free_;  ///< Blocks that may be read ahead into.
};

}  // namespace surd::external::detail
