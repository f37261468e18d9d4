// Numbers in as few bytes as they need, since keys and values are small far more often than not: folded (n or
// -n by n, sign last), without zero upper bytes. How many bytes, 1 to 8, is kept elsewhere.
//
// Westmann, Kossmann, Helmer & Moerkotte: The implementation and performance of compressed databases, SIGMOD
// Record 29(3), 2000.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "surd/base/bytes.hpp"

namespace surd::external::detail {

/// Bytes after the last packed number that are overwritten when it is put, and read when it is got.
inline constexpr std::size_t word_slack = 7;

[[nodiscard]] constexpr std::uint64_t fold(std::uint64_t word) noexcept {
  return word << 1 ^ (std::uint64_t{0} - (word >> 63));
}
[[nodiscard]] constexpr std::uint64_t unfold(std::uint64_t word) noexcept {
  return word >> 1 ^ (std::uint64_t{0} - (word & 1));
}

/// Returns how many of the 8 bytes written are needed.
inline unsigned put_word(std::byte* at, std::uint64_t word) noexcept {
  const auto folded = fold(word);
  base::store(at, folded);
  return (71U - static_cast<unsigned>(std::countl_zero(folded | 1))) / 8;
}
[[nodiscard]] inline std::uint64_t get_word(const std::byte* at, unsigned bytes) noexcept {
  return unfold(base::load<std::uint64_t>(at) & ~std::uint64_t{0} >> (64 - 8 * bytes));
}

}  // namespace surd::external::detail
