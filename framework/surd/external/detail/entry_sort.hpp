// Sorting records through an array of 8-byte entries: key bits above, number of the record below.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "surd/external/detail/order.hpp"

namespace surd::external::detail {

/// Where record `number` lies: at base + unit * (where ? where[number] : number).
struct Locator {
  const std::byte* base = nullptr;
  std::size_t unit = 1;
  const std::uint32_t* where = nullptr;

  [[nodiscard]] const std::byte* operator()(std::uint64_t number) const noexcept {
    return base + unit * (where != nullptr ? where[number] : number);
  }
};

/// What an entry's low bits hold.
struct EntryBits {
  unsigned bits;  ///< At most 32.

  /// For numbers below `numbers`.
  static EntryBits for_numbers(std::uint64_t numbers) noexcept {
    return {static_cast<unsigned>(std::bit_width(numbers > 0 ? numbers - 1 : 0))};
  }
  [[nodiscard]] std::uint64_t mask() const noexcept { return (std::uint64_t{1} << bits) - 1; }
  [[nodiscard]] std::uint64_t make(std::uint64_t word, std::uint64_t number) const noexcept {
    return (word & ~mask()) | number;
  }
  [[nodiscard]] std::uint64_t number(std::uint64_t entry) const noexcept { return entry & mask(); }
};

/// Sorts `entries`, made from word(record, 0), by the records' keys, equal ones by their numbers. Groups
/// whose bits agree are sorted again by the bits after what they have in common (as in multikey quicksort:
/// Bentley & Sedgewick, SODA 1997): O(n log n) words looked at, and each byte of a key a bounded number of
/// times.
void sort_entries(const Order& order, const Locator& locate, EntryBits bits,
                  std::span<std::uint64_t> entries);

}  // namespace surd::external::detail
