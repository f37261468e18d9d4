// A keyed permutation of 0 .. size - 1 that is computed, not stored, in both directions.
//
// A balanced Feistel network over the next even number of bits, with Philox as round function, walks along
// its cycle until it is back below size (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA
// 2002, doi:10.1007/3-540-45760-7_9): at most 4 tries on average.
#pragma once

#include <bit>
#include <cstdint>
#include <utility>

#include "surd/base/random.hpp"

namespace surd::sweep::detail {

class Permutation {
 public:
  Permutation(std::uint64_t size, std::uint64_t key) noexcept
      : size_(size), key_(key), half_((static_cast<unsigned>(std::bit_width(size - 1)) + 1) / 2) {}

  /// `index` < size.
  [[nodiscard]] std::uint64_t operator()(std::uint64_t index) const noexcept {
    if (size_ == 1) return 0;
    do {
      auto [left, right] = split(index);
      for (std::uint32_t round = 0; round < rounds; ++round)
        left = std::exchange(right, left ^ scramble(right, round));
      index = left << half_ | right;
    } while (index >= size_);
    return index;
  }

  /// The index that is mapped to `image` < size.
  [[nodiscard]] std::uint64_t inverse(std::uint64_t image) const noexcept {
    if (size_ == 1) return 0;
    do {
      auto [left, right] = split(image);
      for (auto round = rounds; round-- > 0;) right = std::exchange(left, right ^ scramble(left, round));
      image = left << half_ | right;
    } while (image >= size_);
    return image;
  }

 private:
  static constexpr std::uint32_t rounds = 6;

  [[nodiscard]] std::pair<std::uint64_t, std::uint64_t> split(std::uint64_t x) const noexcept {
    return {x >> half_, x & mask()};
  }
  [[nodiscard]] std::uint64_t mask() const noexcept { return (std::uint64_t{1} << half_) - 1; }
  [[nodiscard]] std::uint64_t scramble(std::uint64_t half, std::uint32_t round) const noexcept {
    const auto low = static_cast<std::uint32_t>(key_);
    const auto high = static_cast<std::uint32_t>(key_ >> 32);
    return base::philox({static_cast<std::uint32_t>(half), round, 1, 0}, {low, high})[0] & mask();
  }

  std::uint64_t size_;
  std::uint64_t key_;
  unsigned half_;
};

}  // namespace surd::sweep::detail
