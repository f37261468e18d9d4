#include "surd/batch/detail/yaml_scalar.hpp"

#include <charconv>
#include <cstdint>
#include <limits>
#include <optional>
#include <system_error>

#include <fmt/format.h>

namespace surd::batch::detail {
namespace {

using base::Json;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  for (const auto word : words) {
    if (text == word) return true;
  }
  return false;
}

bool all_of(std::string_view text, std::string_view digits) {
  return !text.empty() && text.find_first_not_of(digits) == std::string_view::npos;
}

/// [-+]? digits, 0x and 0o forms; nullopt if `text` has another form.
std::optional<Json> integer(Place place, std::string_view text) {
  std::string_view digits = text;
  int radix = 10;
  if (digits.starts_with("0x")) radix = 16;
  if (digits.starts_with("0o")) radix = 8;
  const bool negative = radix == 10 && digits.starts_with('-');
  if (radix != 10) digits.remove_prefix(2);
  if (radix == 10 && (negative || digits.starts_with('+'))) digits.remove_prefix(1);
  if (!all_of(digits, radix == 16 ? "0123456789abcdefABCDEF" : radix == 8 ? "01234567" : "0123456789")) {
    return std::nullopt;
  }
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, radix);
  const auto most =
      static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1U : 0U);
  if (error != std::errc() || (negative && magnitude > most)) {
    throw YamlError(place, fmt::format("the integer {} is beyond 64 bits", text.substr(0, 40)));
  }
  if (negative) return Json(static_cast<std::int64_t>(~magnitude + 1));
  return magnitude <= most ? Json(static_cast<std::int64_t>(magnitude)) : Json(magnitude);
}

/// The length of the digits at the head of `text`.
std::size_t digits_at_head(std::string_view text) {
  const auto end = text.find_first_not_of("0123456789");
  return end == std::string_view::npos ? text.size() : end;
}

/// [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?
bool looks_like_float(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  const auto whole = digits_at_head(text);
  text.remove_prefix(whole);
  if (text.starts_with('.')) {
    const auto fraction = digits_at_head(text.substr(1));
    if (whole == 0 && fraction == 0) return false;
    text.remove_prefix(1 + fraction);
  } else if (whole == 0) {
    return false;
  }
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return all_of(text, "0123456789");
}

std::optional<Json> floating(Place place, std::string_view text) {
  std::string_view unsigned_text = text;
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) unsigned_text.remove_prefix(1);
  if (is_one_of(unsigned_text, {".inf", ".Inf", ".INF"})) {
    const auto infinity = std::numeric_limits<double>::infinity();
    return Json(negative ? -infinity : infinity);
  }
  if (is_one_of(text, {".nan", ".NaN", ".NAN"})) return Json(std::numeric_limits<double>::quiet_NaN());
  if (!looks_like_float(text)) return std::nullopt;
  double value = 0;
  const auto* end = unsigned_text.data() + unsigned_text.size();
  if (std::from_chars(unsigned_text.data(), end, value).ec != std::errc()) {
    throw YamlError(place, fmt::format("the number {} does not fit a 64-bit float", text.substr(0, 40)));
  }
  return Json(negative ? -value : value);
}

Json plain(Place place, std::string_view text) {
  if (is_one_of(text, {"", "~", "null", "Null", "NULL"})) return Json(nullptr);
  if (is_one_of(text, {"true", "True", "TRUE"})) return Json(true);
  if (is_one_of(text, {"false", "False", "FALSE"})) return Json(false);
  if (auto value = integer(place, text)) return *value;
  if (auto value = floating(place, text)) return *value;
  return Json(std::string(text));
}

/// Bytes of the UTF-8 character at the head of `text`; 0 if it is none (Unicode 15, table 3-7).
std::size_t character_at_head(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x20) return first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  if (first < 0x7F) return 1;
  if (first >= 0xC2 && first < 0xE0) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first < 0xF0) {
    const bool legal = (first != 0xE0 || at(1) >= 0xA0) && (first != 0xED || at(1) < 0xA0);
    return legal && follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first < 0xF5) {
    const bool legal = (first != 0xF0 || at(1) >= 0x90) && (first != 0xF4 || at(1) < 0x90);
    return legal && follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

Json resolve_scalar(Place place, const std::string& tag, const std::string& text) {
  if (tag == "!" || tag == "tag:yaml.org,2002:str") return Json(text);
  if (!tag.empty() && tag != "?") throw YamlError(place, fmt::format("the tag {} is not known here", tag));
  return plain(place, text);
}

std::size_t first_bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto bytes = character_at_head(text.substr(i));
    if (bytes == 0) return i;
    i += bytes;
  }
  return std::string_view::npos;
}

}  // namespace surd::batch::detail
