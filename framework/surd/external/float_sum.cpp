#include "surd/external/float_sum.hpp"

#include <cmath>
#include <limits>

namespace surd::external {

__extension__ using Wide = unsigned __int128;

void FloatSum::add_special(std::uint64_t bits) noexcept {
  const bool nan = (bits << 12) != 0;
  const bool negative = (bits >> 63) != 0;
  specials_ |= nan ? 1U : negative ? 4U : 2U;
}

/// Makes `top` the highest place; the lowest ones are dropped.
void FloatSum::raise(std::int32_t top) noexcept {
  const auto by = std::min(top - top_, digits);
  for (int i = 0; i < digits; ++i) {
    const auto from = i + by;
    digits_[static_cast<std::size_t>(i)] = from < digits ? digits_[static_cast<std::size_t>(from)] : 0;
  }
  top_ = top;
}

void FloatSum::merge(const FloatSum& other) noexcept {
  specials_ |= other.specials_;
  if (other.top_ > top_) raise(other.top_);
  const auto by = top_ - other.top_;
  for (int i = by; i < digits; ++i) {
    digits_[static_cast<std::size_t>(i - by)] += other.digits_[static_cast<std::size_t>(i)];
  }
}

double FloatSum::finish() const noexcept {
  if ((specials_ & 1) != 0 || (specials_ & 6) == 6) return std::numeric_limits<double>::quiet_NaN();
  if (specials_ != 0) return (specials_ & 2) != 0 ? HUGE_VAL : -HUGE_VAL;
  return round();
}

/// Carries the digits into one 160-bit number, then rounds it to nearest, ties to even. Results that would be
/// subnormal are multiples of 2^-1074 of fewer than 53 bits, so they are never rounded twice.
double FloatSum::round(int scale) const noexcept {
  auto sum = digits_;
  const auto carry_all = [&sum] {
    for (std::size_t i = 0; i + 1 < sum.size(); ++i) {
      sum[i + 1] += sum[i] >> digit_bits;
      sum[i] &= digit_mask;
    }
  };
  carry_all();
  const bool negative = sum[digits - 1] < 0;
  if (negative) {
    for (auto& digit : sum) digit = -digit;
    carry_all();
  }
  // high has up to 64 bits of weight 2^96, low the 96 bits below.
  auto high = static_cast<std::uint64_t>(sum[digits - 1]);
  Wide low = 0;
  for (int i = digits - 2; i >= 0; --i)
    low = low << digit_bits | static_cast<Wide>(sum[static_cast<std::size_t>(i)]);
  int exponent = digit_bits * (top_ - (digits - 1)) - 1074;  // of the last bit of low
  Wide wide = low;
  bool sticky = false;
  if (high != 0) {  // keep 128 bits: drop as many as high has beyond 32
    const int drop = std::max(0, 64 - std::countl_zero(high) - 32);
    sticky = (low & ((static_cast<Wide>(1) << drop) - 1)) != 0;
    wide = static_cast<Wide>(high) << (96 - drop) | low >> drop;
    exponent += drop;
  }
  const auto upper = static_cast<std::uint64_t>(wide >> 64);
  const int bits =
      upper != 0 ? 128 - std::countl_zero(upper) : 64 - std::countl_zero(static_cast<std::uint64_t>(wide));
  if (bits > 53) {
    const int drop = bits - 53;
    const Wide half = static_cast<Wide>(1) << (drop - 1);
    const Wide rest = wide & ((half << 1) - 1);
    wide >>= drop;
    exponent += drop;
    if (rest > half || (rest == half && (sticky || (wide & 1) != 0))) ++wide;
  }
  const double magnitude =
      std::ldexp(static_cast<double>(static_cast<std::uint64_t>(wide)), exponent - scale);
  return negative ? -magnitude : magnitude;
}

double FloatSum::mean(std::uint64_t n) const noexcept {
  const auto count = static_cast<double>(n);
  const auto sum = finish();
  if (std::isfinite(sum) || specials_ != 0) return sum / count;
  constexpr int scale = 64;  // n is less than 2^64
  return std::ldexp(round(scale) / count, scale);
}

FloatSum::Pair FloatSum::finish_pair() const noexcept {
  const double high = finish();
  if (!std::isfinite(high)) return {high, 0};
  auto rest = *this;
  rest.add(-high);
  return {high, rest.round()};
}

void FloatMoments::add(double value) noexcept {
  sum_.add(value);
  const double square = value * value;
  squares_.add(square);
  if (std::isfinite(square)) squares_.add(std::fma(value, value, -square));
}

namespace {

/// Double-double: high + low, |low| <= ulp(high) / 2 (Dekker, Numer. Math. 18, 1971).
using Pair = FloatSum::Pair;

Pair two_sum(double a, double b) noexcept {
  const double sum = a + b;
  const double part = sum - a;
  return {sum, (a - (sum - part)) + (b - part)};
}

Pair product(Pair a, Pair b) noexcept {
  const double high = a.high * b.high;
  return two_sum(high, std::fma(a.high, b.high, -high) + (a.high * b.low + a.low * b.high));
}

Pair quotient(Pair a, double b) noexcept {
  const double high = a.high / b;
  return two_sum(high, (std::fma(-high, b, a.high) + a.low) / b);
}

}  // namespace

double FloatMoments::variance(std::uint64_t n) const noexcept {
  const auto count = static_cast<double>(n);
  const auto sum = sum_.finish_pair();
  const auto squares = squares_.finish_pair();
  const auto mean = quotient(sum, count);
  const auto product_of = product(sum, mean);
  const double deviations = (squares.high - product_of.high) + (squares.low - product_of.low);
  if (std::isnan(deviations)) return deviations;
  return std::max(0.0, deviations) / (count - 1);
}

}  // namespace surd::external
