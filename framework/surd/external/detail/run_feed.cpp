#include "surd/external/detail/run_feed.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/external/detail/run_index.hpp"

namespace surd::external::detail {
namespace {

using base::FormatError;

constexpr std::uint64_t least_block_bytes = 16 << 10;
/// Larger blocks would only make batches that outgrow the cache they are sorted in.
constexpr std::uint64_t most_block_bytes = 256 << 10;
constexpr std::uint64_t page_bytes = 4096;
/// Smaller reads do not pass the page cache by.
constexpr std::uint64_t least_direct_bytes = 128 << 10;
constexpr std::uint64_t most_out_bytes = 512 << 10;
constexpr std::uint64_t most_entries = 1 << 16;
/// Places in it are 32-bit numbers.
constexpr std::uint64_t most_memory_bytes = (std::uint64_t{1} << 32) - 64;
constexpr std::uint64_t order_entry_bytes = sizeof(std::uint64_t) + sizeof(std::uint32_t);

std::uint64_t up(std::uint64_t bytes, std::uint64_t unit) noexcept {
  return (bytes + unit - 1) / unit * unit;
}

/// Everything but blocks.
MergeShape frame_of(const Order& order, std::uint64_t runs, std::uint64_t longest_bytes,
                    std::uint64_t memory_bytes) noexcept {
  MergeShape shape;
  shape.headroom_bytes = order.fixed() ? 0 : up(longest_bytes, 64);
  shape.out_bytes =
      up(std::max(std::clamp<std::uint64_t>(memory_bytes / 16, 4 << 10, most_out_bytes), longest_bytes), 64);
  if (order.scalar_bytes() == 0) {
    shape.entries = std::max(std::min(memory_bytes / 64 / order_entry_bytes, most_entries), 2 * runs + 16);
  }
  shape.memory_bytes = 2 * shape.out_bytes + up(shape.entries * 8, 64) + up(shape.entries * 4, 64);
  return shape;
}

std::uint64_t least_block(const Order& order) noexcept {
  if (!order.fixed()) return least_block_bytes;
  const std::uint64_t unit = order.format().record_bytes;
  return up(std::max(least_block_bytes, unit), unit);
}

/// What one block takes from the workspace.
std::uint64_t slot_bytes(const MergeShape& shape) noexcept {
  return up(shape.headroom_bytes + shape.block_bytes, shape.alignment);
}

/// Makes the blocks whole pages, in memory and in the run, if they are large enough to pass the page cache
/// by.
void align_blocks(MergeShape& shape, std::uint64_t unit, std::uint64_t for_blocks) noexcept {
  const auto headroom = up(shape.headroom_bytes, page_bytes);
  const auto slot = (for_blocks - page_bytes) / (shape.runs + shape.ahead) / page_bytes * page_bytes;
  const auto step = std::lcm(unit, page_bytes);
  const auto block = std::min(slot - std::min(slot, headroom), most_block_bytes) / step * step;
  if (block < least_direct_bytes) return;
  shape.headroom_bytes = headroom;
  shape.block_bytes = block;
  shape.alignment = page_bytes;
  shape.memory_bytes += page_bytes;
}

}  // namespace

MergeShape merge_shape(const Order& order, std::uint64_t runs, std::uint64_t longest_bytes,
                       std::uint64_t memory_bytes) noexcept {
  memory_bytes = std::min(memory_bytes, most_memory_bytes);
  auto shape = frame_of(order, runs, longest_bytes, memory_bytes);
  const auto least = least_block(order);
  const auto for_blocks = memory_bytes - std::min(memory_bytes, shape.memory_bytes);
  const auto least_slot = shape.headroom_bytes + up(least, 64);
  if (for_blocks < (runs + 1) * least_slot) return shape;
  shape.fits = true;
  shape.runs = runs;
  const auto most_slots =
      for_blocks / (shape.headroom_bytes + up(std::max(most_block_bytes, least), page_bytes));
  const auto wished = std::clamp(most_slots - std::min(most_slots, runs), std::min(runs, 4 + runs / 8), runs);
  shape.ahead = std::max<std::uint64_t>(1, std::min(wished, for_blocks / least_slot - runs));
  const auto slot = for_blocks / (runs + shape.ahead) / 64 * 64;
  const auto unit = order.fixed() ? order.format().record_bytes : 1;
  const auto most = std::max(most_block_bytes, least);
  shape.block_bytes = std::max(least, std::min(slot - shape.headroom_bytes, most) / unit * unit);
  align_blocks(shape, unit, for_blocks);
  shape.memory_bytes += (runs + shape.ahead) * slot_bytes(shape);
  return shape;
}

std::uint64_t least_merge_bytes(const Order& order, std::uint64_t runs,
                                std::uint64_t longest_bytes) noexcept {
  // The frame grows with memory, by less than a quarter of it.
  std::uint64_t low = 1;
  std::uint64_t high = 1024;
  while (!merge_shape(order, runs, longest_bytes, high).fits) high *= 2;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (merge_shape(order, runs, longest_bytes, middle).fits) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return high;
}

RunFeed::RunFeed(const Order& order, const RunFiles& files, const std::vector<RunRange>& ranges,
                 const MergeShape& shape, Workspace& memory, storage::AsyncIo& io)
    : order_(order), io_(io), shape_(shape), cursors_(ranges.size()) {
  if (shape_.alignment == page_bytes) memory.align_to_page();
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto& range = ranges[i];
    auto& cursor = cursors_[i];
    longest_bytes_ = std::max(longest_bytes_, range.run.longest_bytes);
    cursor.file = &file_of(files, range.run);
    cursor.offset = range.run.offset + range.first_byte;
    cursor.position = range.first_byte;
    cursor.left_bytes = range.bytes;
    cursor.more = range.bytes > 0;
    cursor.block = memory.take(slot_bytes(shape_)).data();
  }
  free_.reserve(shape_.ahead + cursors_.size());
  for (std::uint64_t i = 0; i < shape_.ahead; ++i) free_.push_back(memory.take(slot_bytes(shape_)).data());
  for (auto& cursor : cursors_) {
    if (cursor.more) ask(cursor, std::exchange(cursor.block, nullptr));
  }
}

RunFeed::~RunFeed() {
  for (auto& cursor : cursors_) {
    try {
      io_.wait(std::exchange(cursor.ticket, 0));
    } catch (const base::Error&) {
      continue;  // nobody needs the block any more
    }
  }
}

void RunFeed::refill() {
  bool arrived = false;
  for (auto& cursor : cursors_) {
    while (cursor.at == cursor.end && cursor.more) {  // a record may take several blocks
      arrive(cursor);
      arrived = true;
    }
  }
  if (arrived) read_ahead();
}

void RunFeed::ask(Cursor& cursor, std::byte* block) {
  // Blocks end at multiples of their size, so that they are whole pages where the run begins with one.
  const auto to_border = shape_.block_bytes - cursor.position % shape_.block_bytes;
  const auto bytes = static_cast<std::size_t>(std::min(to_border, cursor.left_bytes));
  cursor.ahead = block;
  cursor.ahead_bytes = bytes;
  cursor.ticket = io_.read(*cursor.file, cursor.offset, {block + shape_.headroom_bytes, bytes});
  cursor.offset += bytes;
  cursor.position += bytes;
  cursor.left_bytes -= bytes;
}

/// Makes the block read ahead the current one.
void RunFeed::arrive(Cursor& cursor) {
  const auto* const tail = cursor.end;
  auto* block = cursor.ahead != nullptr ? cursor.ahead : cursor.block;
  auto* const begin = block + shape_.headroom_bytes - cursor.tail_bytes;
  if (cursor.tail_bytes > 0) std::memmove(begin, tail, cursor.tail_bytes);
  if (cursor.ahead == nullptr) ask(cursor, cursor.block);
  io_.wait(std::exchange(cursor.ticket, 0));
  if (cursor.block != nullptr && cursor.block != block) free_.push_back(cursor.block);
  cursor.block = block;
  cursor.ahead = nullptr;
  cursor.at = begin;
  find_end(cursor, block + shape_.headroom_bytes + cursor.ahead_bytes);
}

/// Sets end, last and tail of a new block whose bytes end at `end`.
void RunFeed::find_end(Cursor& cursor, std::byte* end) {
  cursor.more = cursor.left_bytes > 0;
  if (order_.fixed()) {
    const auto bytes = static_cast<std::size_t>(end - cursor.at);
    if (order_.scalar_bytes() == 8) {
      order_.to_keys(std::span(reinterpret_cast<std::uint64_t*>(end - bytes), bytes / 8));
    } else if (order_.scalar_bytes() == 4) {
      order_.to_keys(std::span(reinterpret_cast<std::uint32_t*>(end - bytes), bytes / 4));
    }
    cursor.end = end;
    cursor.last = end - order_.format().record_bytes;
  } else {
    const auto* at = cursor.at;
    while (static_cast<std::size_t>(end - at) >= variable_header_bytes) {
      const auto bytes = order_.size(at);
      if (bytes > longest_bytes_) throw FormatError("a run holds a record longer than any written: damaged");
      if (bytes > static_cast<std::size_t>(end - at)) break;
      cursor.last = at;
      at += bytes;
    }
    cursor.end = at;
    cursor.tail_bytes = static_cast<std::size_t>(end - at);
    if (cursor.tail_bytes > longest_bytes_ || (!cursor.more && cursor.tail_bytes > 0)) {
      throw FormatError("a run ends in the middle of a record: its spill file is damaged");
    }
  }
  if (cursor.at == cursor.end) return;
  cursor.last_word = order_.scalar_bytes() == 8   ? load<std::uint64_t>(cursor.last)
                     : order_.scalar_bytes() == 4 ? load<std::uint32_t>(cursor.last)
                                                  : order_.word(cursor.last, 0);
}

void RunFeed::read_ahead() {
  // Small blocks are asked for some at once: it takes long to wake the thread that reads.
  if (shape_.block_bytes < least_direct_bytes && free_.size() < (shape_.ahead + 1) / 2) return;
  while (!free_.empty()) {
    Cursor* first = nullptr;
    for (auto& cursor : cursors_) {
      const bool waiting = cursor.ahead == nullptr && cursor.left_bytes > 0;
      if (waiting && (first == nullptr || cursor.last_word < first->last_word)) first = &cursor;
    }
    if (first == nullptr) return;
    ask(*first, free_.back());
    free_.pop_back();
  }
}

}  // namespace surd::external::detail
