// Sums of doubles that do not depend on the order of addition: the same bits for any permutation and any tree
// of merges.
//
// A number's 53 bits are cut at fixed places, every 24 binary digits from 2^-1074 up, and the pieces are
// added to 64-bit integers, one per place, without carries: exact for 2^39 additions. Only the five places
// from the largest magnitude seen downwards are kept; what a number has below them is dropped, whenever it
// comes. So the error is below n 2^-96 of the largest value. 48 bytes, about 4 ns per addition.
//
// Demmel & Nguyen, Parallel reproducible summation, IEEE Trans. Computers 64(7), 2015,
// doi:10.1109/TC.2014.2345391; Neal, Fast exact summation using small and large superaccumulators,
// arXiv:1505.05571, 2015.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace surd::external {

/// All bytes zero is the empty sum. Trivially copyable: lies in tables and files as it is.
class FloatSum {
 public:
  void add(double value) noexcept {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    const auto exponent = static_cast<std::int32_t>((bits >> 52) & 0x7FF);
    if (exponent == 0x7FF) [[unlikely]] {
      add_special(bits);
      return;
    }
    const auto fraction = bits & ((std::uint64_t{1} << 52) - 1);
    const auto mantissa = fraction | (static_cast<std::uint64_t>(exponent != 0) << 52);
    const auto position = exponent - (exponent != 0 ? 1 : 0);  // value = mantissa * 2^(position - 1074)
    const auto top = (position + 52) / digit_bits;
    if (top > top_) [[unlikely]]
      raise(top);
    // Where the mantissa's last bit lies above the lowest place kept.
    const auto shift = position - digit_bits * (top_ - (digits - 1));
    if (shift <= -53) return;
    const auto wide =
        shift >= 0 ? static_cast<Wide>(mantissa) << shift : static_cast<Wide>(mantissa >> -shift);
    const auto sign = static_cast<std::int64_t>(bits) >> 63;  // 0 or -1
    for (int i = 0; i < digits; ++i) {
      const auto digit = static_cast<std::int64_t>(wide >> (digit_bits * i)) & digit_mask;
      digits_[static_cast<std::size_t>(i)] += (digit ^ sign) - sign;
    }
  }

  void merge(const FloatSum& other) noexcept;

  /// The sum, rounded to nearest; NaN if there was one, or infinities of both signs.
  [[nodiscard]] double finish() const noexcept;

  /// The sum divided by n, also where the sum itself is beyond doubles.
  [[nodiscard]] double mean(std::uint64_t n) const noexcept;

  /// The sum as high + low, good to 96 bits: for differences of large sums.
  struct Pair {
    double high = 0;
    double low = 0;
  };
  [[nodiscard]] Pair finish_pair() const noexcept;

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr int digits = 5;
  static constexpr int digit_bits = 24;
  static constexpr std::int64_t digit_mask = (1 << digit_bits) - 1;

  void add_special(std::uint64_t bits) noexcept;
  void raise(std::int32_t top) noexcept;
  /// The sum times 2^-scale.
  [[nodiscard]] double round(int scale = 0) const noexcept;

  std::array<std::int64_t, digits> digits_{};  ///< Lowest place first.
  std::int32_t top_ = 0;                       ///< Place of digits_[4].
  std::uint32_t specials_ = 0;                 ///< 1: NaN, 2: inf, 4: -inf.
};

static_assert(sizeof(FloatSum) == 48);

/// Sum and sum of squares: what mean and variance need.
class FloatMoments {
 public:
  void add(double value) noexcept;
  void merge(const FloatMoments& other) noexcept {
    sum_.merge(other.sum_);
    squares_.merge(other.squares_);
  }
  [[nodiscard]] double sum() const noexcept { return sum_.finish(); }
  /// Of a sample: divided by n - 1. n >= 2. NaN where the square of a value is beyond doubles: from 1.4e154
  /// on.
  [[nodiscard]] double variance(std::uint64_t n) const noexcept;

 private:
  FloatSum sum_;
  FloatSum squares_;
};

}  // namespace surd::external
