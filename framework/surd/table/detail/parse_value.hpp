// Numbers and booleans from text, exactly.
#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "surd/table/column.hpp"

namespace surd::table::detail {

/// The whole of `text` as an integer: digits behind an optional sign.
[[nodiscard]] inline bool parse_integer(std::string_view text, std::int64_t& value) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool negative = at != end && *at == '-';
  if (at != end && (*at == '-' || *at == '+')) ++at;
  if (at == end) return false;
  if (end - at > 18) {  // may overflow
    if (*at < '0' || *at > '9') return false;
    const auto result = std::from_chars(negative ? at - 1 : at, end, value);
    return result.ec == std::errc() && result.ptr == end;
  }
  std::uint64_t sum = 0;
  for (; at != end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit > 9) return false;
    sum = sum * 10 + digit;
  }
  value = negative ? -static_cast<std::int64_t>(sum) : static_cast<std::int64_t>(sum);
  return true;
}

/// What parse_number does when its quick way does not apply. Too small for a double: 0 or the least one.
[[nodiscard]] bool parse_number_slowly(std::string_view text, double& value) noexcept;

/// The whole of `text` as the nearest double, "inf" and "nan" included.
[[nodiscard]] inline bool parse_number(std::string_view text, double& value) noexcept {
  // A mantissa below 2^53 and a power of ten up to 10^22 are doubles, and their quotient is rounded once
  // (Clinger, "How to read floating point numbers accurately", PLDI 1990, doi:10.1145/93542.93557).
  constexpr std::array powers{1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  const char* at = text.data();
  const char* const end = at + text.size();
  const bool negative = at != end && *at == '-';
  if (negative) ++at;
  if (at == end || end - at > 16) return parse_number_slowly(text, value);
  std::uint64_t mantissa = 0;
  const char* point = nullptr;
  for (; at != end; ++at) {
    const auto digit = static_cast<unsigned>(*at - '0');
    if (digit <= 9) {
      mantissa = mantissa * 10 + digit;
    } else if (*at == '.' && point == nullptr) {
      point = at;
    } else {
      return parse_number_slowly(text, value);
    }
  }
  const auto decimals = point == nullptr ? 0 : static_cast<std::size_t>(end - point - 1);
  const bool only_point = point != nullptr && text.size() == (negative ? 2U : 1U);
  if (only_point || mantissa >= std::uint64_t{1} << 53 || decimals >= powers.size()) {
    return parse_number_slowly(text, value);
  }
  value = static_cast<double>(mantissa) / powers[decimals];
  if (negative) value = -value;
  return true;
}

/// true, True, TRUE as 1, false, False, FALSE as 0.
[[nodiscard]] inline bool parse_boolean(std::string_view text, std::int64_t& value) noexcept {
  value = text == "true" || text == "True" || text == "TRUE" ? 1 : 0;
  return value == 1 || text == "false" || text == "False" || text == "FALSE";
}

/// Of a text that parse_integer or parse_number refused: it has the form, but is beyond the type's range.
[[nodiscard]] bool is_out_of_range(std::string_view text, Type type) noexcept;

}  // namespace surd::table::detail
