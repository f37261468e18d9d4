// How a stage divides the memory of its rank. The one place where shares are decided.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

namespace surd::stream::detail {

/// A right side of a join that takes at most so many bytes as a table is not partitioned but loaded whole by
/// every rank. A constant, and below an eighth of the least memory: whether a join is cut into partitions
/// decides the order of its rows, which must not depend on memory.
inline constexpr std::uint64_t broadcast_limit_bytes = 256 << 10;

/// Below this no stage is planned.
inline constexpr std::uint64_t least_memory_bytes = 4 << 20;

/// More for a reader would only cost cache misses.
inline constexpr std::uint64_t most_reader_bytes = 16 << 20;

struct Division {
  std::uint64_t whole = 0;      ///< What was divided.
  std::uint64_t reader = 0;     ///< 1/8: file blocks and the batch a reader makes.
  std::uint64_t batch = 0;      ///< 1/16: bytes of rows decoded, or made, at a time.
  std::uint64_t row = 0;        ///< 1/16: the largest row that a step makes.
  std::uint64_t encode = 0;     ///< 1/16: rows as bytes on their way to a sink or a spill file.
  std::uint64_t broadcast = 0;  ///< Up to 1/8 each: loaded right sides of joins.
  std::uint64_t heavy = 0;  ///< What is left, shared equally by what sorts, groups, merges and partitions.
  std::uint64_t heavy_parts = 0;      ///< By so many,
  std::uint64_t broadcast_parts = 0;  ///< beside so many broadcasts,
  std::uint64_t beside = 0;           ///< and so many bytes set aside before all this.
  bool fits = false;                  ///< All shares but heavy, together.
};

/// `heavy`: how many such parts the stage has, 0 to 2; `beside`: what is set aside before.
[[nodiscard]] constexpr Division divide(std::uint64_t whole, std::uint64_t heavy, std::uint64_t broadcasts,
                                        std::uint64_t beside = 0) {
  const auto memory = whole - std::min(whole, beside);
  Division part{.whole = whole,
                .reader = memory / 8,
                .batch = memory / 16,
                .row = memory / 16,
                .encode = memory / 16,
                .broadcast = std::min(memory / 8, 2 * broadcast_limit_bytes),
                .heavy_parts = heavy,
                .broadcast_parts = broadcasts,
                .beside = beside};
  // More than some megabytes per batch only cost cache misses.
  part.batch = std::min<std::uint64_t>(part.batch, 1 << 20);
  part.encode = std::min<std::uint64_t>(part.encode, 4 << 20);
  part.reader = std::min(part.reader, most_reader_bytes);
  // What nobody reserves: pages of the program's code, stacks of threads, small objects, the allocator's
  // gaps.
  const auto unreserved = std::min<std::uint64_t>(memory / 4, 2 << 20);
  const auto light = unreserved + part.reader + part.batch + part.encode + broadcasts * part.broadcast;
  part.fits = light <= memory;
  part.heavy = light < memory ? (memory - light) / std::max<std::uint64_t>(1, heavy) : 0;
  return part;
}

/// Input after which a stage that fills `heavy` bytes again and again hands over what it made: some fillings,
/// so that the short last ones are few, but no more than an epoch or half a filling.
[[nodiscard]] constexpr std::uint64_t bytes_per_commit(std::uint64_t heavy,
                                                       std::uint64_t epoch_bytes) noexcept {
  return std::clamp(epoch_bytes, heavy / 2, 4 * heavy);
}

/// Another memory, for the same parts.
[[nodiscard]] constexpr Division divide_like(const Division& part, std::uint64_t whole) {
  return divide(whole, part.heavy_parts, part.broadcast_parts, part.beside);
}

/// What the stages have that only merge runs into longer ones: no rows are read, decoded or encoded there.
[[nodiscard]] constexpr std::uint64_t merge_pass_bytes(std::uint64_t memory, std::uint64_t beside = 0) {
  const auto part = divide(memory, 1, 0, beside);
  return part.heavy + part.reader + part.batch + part.encode;
}

/// Least memory of which `share(memory)`, which grows with it, is at least `bytes`, in whole MiB.
template <class Share>
[[nodiscard]] constexpr std::uint64_t memory_for(std::uint64_t bytes, const Share& share) {
  constexpr std::uint64_t step = 1 << 20;
  std::uint64_t low = least_memory_bytes / step;
  std::uint64_t high = low;
  while (share(high * step) < bytes) high *= 2;
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    if (share(middle * step) < bytes) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return high * step;
}

/// A share must be at least `bytes`: thrown by what a stage is made of, told by the stage, which has a name.
struct ShareTooSmall {
  std::string complaint;
  std::uint64_t Division::*share;
  std::uint64_t bytes;
};

/// "; give at least --memory 11MiB, not 8.00 MiB": as much as makes the share at least `bytes`. Some have a
/// limit: "; no --memory allows more than 16.0 MiB".
[[nodiscard]] std::string memory_advice(const Division& now, std::uint64_t Division::*share,
                                        std::uint64_t bytes);

}  // namespace surd::stream::detail
