#include "surd/table/detail/parse_value.hpp"

#include <algorithm>
#include <cstdlib>

namespace surd::table::detail {
namespace {

/// std::from_chars takes no plus sign.
std::string_view without_plus(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-' && text[1] != '+') text.remove_prefix(1);
  return text;
}

}  // namespace

bool parse_number_slowly(std::string_view text, double& value) noexcept {
  text = without_plus(text);
  const char* const end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ptr != end || text.empty()) return false;
  if (result.ec == std::errc()) return true;
  if (result.ec != std::errc::result_out_of_range) return false;
  // Too big or too small: std::from_chars does not say which, strtod does. The text may not end in a zero.
  std::array<char, 512> copy{};
  if (text.size() >= copy.size()) return false;
  std::copy(text.begin(), text.end(), copy.begin());
  value = std::strtod(copy.data(), nullptr);
  return std::abs(value) <= 1;
}

bool is_out_of_range(std::string_view text, Type type) noexcept {
  if (type == Type::int64) {
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) text.remove_prefix(1);
    return text.size() > 18 &&
           std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  }
  double value = 0;
  text = without_plus(text);
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ec == std::errc::result_out_of_range && result.ptr == text.data() + text.size();
}

}  // namespace surd::table::detail
