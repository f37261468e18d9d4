// What the operators of expressions do with two numbers, for evaluators of single values and of columns.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

namespace surd::expression {

/// -1, 0 or 1, exactly even where the integer has no equal float; nullopt if b is NaN.
[[nodiscard]] inline std::optional<int> order(std::int64_t a, double b) {
  if (std::isnan(b)) return std::nullopt;
  const auto rounded = static_cast<double>(a);  // Monotone: what differs after rounding differed so before.
  if (rounded != b) return rounded < b ? -1 : 1;
  if (b >= 0x1p63) return -1;
  const auto integer = static_cast<std::int64_t>(b);
  return a < integer ? -1 : a > integer ? 1 : 0;
}

/// Remainder of the sign of b. b is not 0.
[[nodiscard]] inline std::int64_t remainder(std::int64_t a, std::int64_t b) {
  const std::int64_t rest = b == -1 ? 0 : a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/// Remainder of the sign of b.
[[nodiscard]] inline double remainder(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/// base ** exponent by squaring; true if it overflows. exponent >= 0.
[[nodiscard]] inline bool power_overflows(std::int64_t base, std::int64_t exponent, std::int64_t& result) {
  result = 1;
  while (true) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) return true;
    exponent >>= 1;
    if (exponent == 0) return false;
    if (__builtin_mul_overflow(base, base, &base)) return true;
  }
}

}  // namespace surd::expression
