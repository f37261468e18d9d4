#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <limits>
#include <optional>
#include <set>

#include <fmt/format.h>

#include "surd/sweep/detail/bounded_text.hpp"
#include "surd/sweep/detail/parse_output.hpp"

namespace surd::sweep::detail {
namespace {

using base::Json;

constexpr std::size_t most_fields = 10'000;
constexpr std::size_t most_levels = 16;  // of one field's name, or of one array
constexpr std::size_t deepest = 100;

// Stand for the infinities in a document whose bare words have been replaced; no JSON text can hold them raw.
constexpr std::string_view positive_infinity = "\x01+";
constexpr std::string_view negative_infinity = "\x01-";

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

/// The JSON for a bare word that is none: nan, inf or infinity in any case, with or without a sign.
std::optional<std::string_view> replacement(std::string_view word) {
  const bool negative = word.starts_with('-');
  if (negative || word.starts_with('+')) word.remove_prefix(1);
  std::string lower(word);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "nan") return "null";
  if (lower == "inf" || lower == "infinity") return negative ? R"("\u0001-")" : R"("\u0001+")";
  return std::nullopt;
}

/// `text` with bare NaN and infinities replaced.
std::string without_bare_words(std::string_view text) {
  std::string json;
  json.reserve(text.size() + 16);
  bool in_text = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (in_text || !(is_word(c) || c == '-' || c == '+')) {
      if (in_text && c == '\\' && at + 1 < text.size()) json += text[at++];
      if (c == '"') in_text = !in_text;
      json += text[at++];
      continue;
    }
    auto end = at + 1;
    while (end < text.size() && is_word(text[end])) ++end;
    const auto word = text.substr(at, end - at);
    json += replacement(word).value_or(word);
    at = end;
  }
  return json;
}

/// Brackets within brackets beyond any sense: the JSON library would recurse once per level.
bool is_too_deep(std::string_view text) {
  std::size_t level = 0;
  bool in_text = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_text && c == '\\') {
      ++at;
    } else if (c == '"') {
      in_text = !in_text;
    } else if (!in_text && (c == '[' || c == '{')) {
      if (++level > deepest) return true;
    } else if (!in_text && (c == ']' || c == '}') && level > 0) {
      --level;
    }
  }
  return false;
}

/// The object that `text` is; discarded if it is none.
Json load_object(std::string_view text) {
  Json json(Json::value_t::discarded);
  if (is_too_deep(text)) return json;
  json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) json = Json::parse(without_bare_words(text), nullptr, false);
  if (!json.is_object()) json = Json(Json::value_t::discarded);
  return json;
}

/// The whole text, or the last line that is an object.
Json find_object(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('{')) {
    if (auto json = load_object(text); !json.is_discarded()) return json;
  }
  while (!text.empty()) {
    const auto begin = text.rfind('\n') + 1;  // npos + 1 is 0
    const auto line = trimmed(text.substr(begin));
    if (line.starts_with('{') && line.ends_with('}')) {
      if (auto json = load_object(line); !json.is_discarded()) return json;
    }
    text = text.substr(0, begin == 0 ? 0 : begin - 1);
  }
  return Json(Json::value_t::discarded);
}

std::optional<double> number_of(const Json& node) {
  if (node.is_boolean()) return node.get<bool>() ? 1 : 0;
  if (node.is_number()) return node.get<double>();
  if (node.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!node.is_string()) return std::nullopt;
  const auto& text = node.get_ref<const std::string&>();
  if (text == positive_infinity) return std::numeric_limits<double>::infinity();
  if (text == negative_infinity) return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

/// Turns an object into fields; stops at the first error.
class Flattener {
 public:
  Parsed flatten(const Json& object) && {
    add_object("", object, 0);
    if (!parsed_.error.empty()) parsed_.values.clear();
    return std::move(parsed_);
  }

 private:
  void fail(const std::string& name, std::string_view what) {
    if (parsed_.error.empty()) parsed_.error = fmt::format("the field '{}' {}", escaped(name), what);
  }

  void add_object(const std::string& prefix, const Json& object, std::size_t level) {
    if (level > most_levels) return fail(prefix, "is nested too deeply");
    for (const auto& [key, value] : object.items()) {
      if (!parsed_.error.empty()) return;
      const auto name = prefix.empty() ? key : prefix + "." + key;
      if (key.empty() || !is_text(key)) return fail(name, "has no proper name");
      if (value.is_object()) {
        add_object(name, value, level + 1);
      } else {
        add(name, value);
      }
    }
  }

  void add(const std::string& name, const Json& value) {
    if (parsed_.values.size() == most_fields) return fail(name, "is one too many; at most 10,000 are stored");
    if (!names_.insert(name).second) return fail(name, "comes twice");
    if (value.is_array()) return add_array(name, value);
    if (value.is_boolean()) {
      parsed_.values.emplace_back(name, value.get<bool>());
    } else if (value.is_number_integer() && !is_beyond_i64(value)) {
      parsed_.values.emplace_back(name, value.get<std::int64_t>());
    } else if (const auto number = number_of(value)) {
      parsed_.values.emplace_back(name, *number);
    } else if (const auto& text = value.get_ref<const std::string&>(); is_text(text)) {
      parsed_.values.emplace_back(name, text);
    } else {
      fail(name, "holds a NUL character");
    }
  }

  static bool is_beyond_i64(const Json& value) {
    return value.is_number_unsigned() &&
           value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  }

  void add_array(const std::string& name, const Json& value) {
    Array array;
    for (const Json* node = &value; node->is_array(); node = &(*node)[0]) {
      array.shape.push_back(node->size());
      if (node->empty()) break;
      if (array.shape.size() > most_levels) return fail(name, "is nested too deeply");
    }
    if (!collect(value, 0, array)) return fail(name, "is no rectangular array of numbers");
    parsed_.values.emplace_back(name, std::move(array));
  }

  static bool collect(const Json& node, std::size_t level, Array& array) {
    if (level == array.shape.size()) {
      const auto number = number_of(node);
      if (number) array.values.push_back(*number);
      return number.has_value();
    }
    if (!node.is_array() || node.size() != array.shape[level]) return false;
    return std::all_of(node.begin(), node.end(),
                       [&](const Json& item) { return collect(item, level + 1, array); });
  }

  Parsed parsed_;
  std::set<std::string> names_;
};

}  // namespace

Parsed parse_json(std::string_view text) {
  if (trimmed(text).empty()) return {{}, "expected a JSON object, found nothing"};
  const auto object = find_object(text);
  if (object.is_discarded())
    return {{}, quoting("found no JSON object, neither as the whole nor as a line", text)};
  return Flattener().flatten(object);
}

}  // namespace surd::sweep::detail
