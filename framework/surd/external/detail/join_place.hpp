// What a join of partitions has to work with: memory and how it divides it, and where its results go.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/join.hpp"

namespace surd::external::detail {

/// A row of record_limit_bytes and what stands before it.
inline constexpr std::uint64_t largest_record = record_limit_bytes + 64 * base::KiB;

/// How a join divides its memory: a reader of the streamed side, with room for two of the largest records and
/// for some reading ahead, and the table.
struct JoinMemory {
  std::uint64_t largest;
  std::uint64_t stream;
  std::uint64_t table;

  /// `most`: bytes of what is read at once, a record or an extent.
  JoinMemory(std::uint64_t memory, std::uint64_t most) noexcept
      : largest(std::min(memory / 4, most)),
        stream(2 * (largest + std::clamp(memory / 32, 4 * base::KiB, 2 * base::MiB))),
        table(memory - stream) {}

  /// Partitions that a split may make: below a few KiB a page is not worth its request.
  [[nodiscard]] std::uint64_t parts() const noexcept {
    constexpr auto writer = 128 * base::KiB;
    return table > writer ? std::bit_floor((table - writer) / (8 * base::KiB)) : 0;
  }
};

/// Where a join works, whatever its records look like.
struct JoinPlace {
  JoinKind kind;
  memory::Budget& budget;
  std::uint64_t memory_bytes;
  storage::FileSystem& files;
  const storage::Path& scratch;
  storage::AsyncIo& io;
  const JoinRowsEmit& emit;
};

/// Result rows on their way to the caller.
class JoinResults {
 public:
  explicit JoinResults(const JoinRowsEmit& emit) noexcept : emit_(emit) {}

  void add(std::span<const std::byte> left, std::span<const std::byte> right) {
    left_[rows_] = left;
    right_[rows_] = right;
    if (++rows_ == left_.size()) flush();
  }
  void flush() {
    if (rows_ == 0) return;
    const auto rows = std::exchange(rows_, 0);
    emit_({std::span(left_).first(rows), std::span(right_).first(rows)});
  }

 private:
  std::array<std::span<const std::byte>, 512> left_;
  std::array<std::span<const std::byte>, 512> right_;
  std::size_t rows_ = 0;
  const JoinRowsEmit& emit_;
};

struct JoinArena {
  JoinArena(memory::Budget& budget, std::uint64_t bytes, std::string_view purpose)
      : reservation(budget.reserve(bytes, bytes, purpose)),
        memory(std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(bytes))) {}

  [[nodiscard]] std::span<std::byte> all() const noexcept {
    return {memory.get(), static_cast<std::size_t>(reservation.bytes())};
  }

  memory::Reservation reservation;
  std::unique_ptr<std::byte[]> memory;
};

/// See JoinMemory::largest.
[[noreturn]] inline void fail_large(std::uint64_t record_bytes, std::uint64_t memory_bytes) {
  if (record_bytes <= largest_record)
    throw LargeRecord(record_bytes, "a join", 4 * record_bytes, memory_bytes);
  throw base::UsageError(fmt::format("a row of {} cannot be joined: it may have up to {}",
                                     base::format_bytes(record_bytes), base::format_bytes(largest_record)));
}

[[noreturn]] inline void fail_extent(std::uint64_t bytes, std::uint64_t memory_bytes) {
  throw base::UsageError(fmt::format(
      "a partition was written {} at a time, too much for a join in {}: that takes at least {}",
      base::format_bytes(bytes), base::format_bytes(memory_bytes), base::format_bytes(4 * bytes)));
}

}  // namespace surd::external::detail
