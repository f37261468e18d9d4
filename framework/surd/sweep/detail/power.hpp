// Powers of one base, the same on every machine.
//
// std::pow differs in the last bit between machines (of one C library even, with and without fused
// multiply-add), and so would the identities of points on logarithmic axes. Here exp(exponent * log(base)) is
// computed to about 95 bits from sums and products of pairs of doubles (Dekker, "A floating-point technique
// for extending the available precision", Numerische Mathematik 18, 1971, doi:10.1007/BF01397083) and rounded
// once: the nearest double, but for about one value in 10^12. Compile users without contraction to fused
// multiply-add.
#pragma once

namespace surd::sweep::detail {

/// The unevaluated sum of a double and a much smaller one.
struct Pair {
  double high = 0;
  double low = 0;
};

class Power {
 public:
  /// `base` > 0 and finite.
  explicit Power(double base);

  /// base ** exponent; 0 or infinity beyond the range of floats. About half a microsecond.
  [[nodiscard]] double operator()(double exponent) const;

  /// The natural logarithm of the base.
  [[nodiscard]] double log() const noexcept { return log_.high; }

 private:
  Pair log_;
};

}  // namespace surd::sweep::detail
