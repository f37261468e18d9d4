#include "surd/sweep/detail/power.hpp"

#include <cmath>

namespace surd::sweep::detail {
namespace {

/// The exact sum of any two doubles.
Pair sum(double a, double b) {
  const double s = a + b;
  const double t = s - a;
  return {s, (a - (s - t)) + (b - t)};
}

/// The halves of a double, 26 bits each.
Pair halves(double a) {
  const double t = 134217729.0 * a;  // 2^27 + 1
  const double high = t - (t - a);
  return {high, a - high};
}

/// The exact product of two doubles.
Pair product(double a, double b) {
  const double p = a * b;
  const auto x = halves(a);
  const auto y = halves(b);
  return {p, ((x.high * y.high - p) + x.high * y.low + x.low * y.high) + x.low * y.low};
}

Pair operator+(Pair a, Pair b) {
  const auto s = sum(a.high, b.high);
  const auto t = sum(a.low, b.low);
  const auto u = sum(s.high, s.low + t.high);
  return sum(u.high, u.low + t.low);
}

Pair operator*(Pair a, Pair b) {
  const auto p = product(a.high, b.high);
  return sum(p.high, p.low + (a.high * b.low + a.low * b.high));
}

Pair operator*(Pair a, double b) { return a * Pair{b, 0}; }

Pair operator/(Pair a, double b) {
  const double quotient = a.high / b;
  const auto rest = a + product(quotient, b) * -1;
  return sum(quotient, (rest.high + rest.low) / b);
}

/// A pair times a power of two.
struct Scaled {
  Pair pair;
  int exponent;
};

/// exp(x) for |x| < 2^20.
Scaled exponential(Pair x) {
  constexpr Pair ln2{0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56};
  const double multiple = std::nearbyint(x.high / ln2.high);
  constexpr int halvings = 9;
  const auto r = (x + ln2 * -multiple) * (1.0 / (1 << halvings));
  auto series = Pair{1, 0};  // (exp(r) - 1) / r by Taylor's series, which ends below 2^-110: |r| < 0.0007.
  for (int n = 10; n > 1; --n) series = Pair{1, 0} + (r * series) / n;
  auto less_one = r * series;
  for (int i = 0; i < halvings; ++i) less_one = less_one * 2 + less_one * less_one;
  return {Pair{1, 0} + less_one, static_cast<int>(multiple)};
}

/// One step of Newton's method from the logarithm rounded to double.
Pair logarithm(double x) {
  int exponent = 0;
  const double fraction = std::frexp(x, &exponent);
  const double guess = std::log(x);
  const auto [inverse, scale] = exponential({-guess, 0});
  const auto ratio = inverse * std::ldexp(fraction, scale + exponent);
  const auto error = ratio + Pair{-1, 0};  // Of 10^-13 at most: two terms of log(1 + error) are enough.
  return Pair{guess, 0} + error + error * error * -0.5;
}

}  // namespace

Power::Power(double base) : log_(logarithm(base)) {}

double Power::operator()(double exponent) const {
  const auto x = log_ * exponent;
  if (!(std::abs(x.high) < 800)) return std::exp(x.high);
  const auto [pair, scale] = exponential(x);
  return std::ldexp(pair.high, scale);
}

}  // namespace surd::sweep::detail
