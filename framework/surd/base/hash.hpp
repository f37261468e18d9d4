// Stable hashing: the same bytes give the same number on every machine and in every version of surd.
//
// XXH3 of xxHash (Collet, https://xxhash.com); its output is fixed since 0.8.0.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace surd::base {

/// XXH3, 64 bits. Cost: about 20 GB/s.
[[nodiscard]] std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;
[[nodiscard]] std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0) noexcept;

/// XXH3, 128 bits: wide enough that two of 10^12 keys collide with probability below 10^-14.
struct Hash128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Hash128&) const = default;

  /// 32 hexadecimal digits.
  [[nodiscard]] std::string hex() const;
};
[[nodiscard]] Hash128 hash128(std::string_view text) noexcept;

}  // namespace surd::base
