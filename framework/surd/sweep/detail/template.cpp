#include "surd/sweep/detail/template.hpp"

#include <utility>

#include <fmt/format.h>

#include "surd/sweep/detail/bounded_text.hpp"

namespace surd::sweep::detail {
namespace {

constexpr std::string_view safe_characters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.,:/=@%^";

bool is_safe(const std::string& value) {
  return value.find_first_not_of(safe_characters) == std::string::npos;
}

/// `value` with `prefix` before each of `special`.
std::string prefixed(const std::string& value, std::string_view special, std::string_view prefix) {
  std::string text;
  for (const char c : value) {
    if (special.find(c) != std::string_view::npos) text += prefix;
    text += c;
  }
  return text;
}

}  // namespace

Template::Template(const base::Spec& where, bool for_shell) {
  const auto text = where.text();
  if (!is_text(text)) where.fail("must be UTF-8 text without NUL characters");
  Part part;
  auto quoting = for_shell ? Quoting::bare : Quoting::none;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool doubled = at + 1 < text.size() && text[at + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      part.literal += c;
      ++at;
    } else if (c == '}') {
      where.fail(fmt::format("has a '}}' without a '{{' at character {}; write }}}} for a brace", at + 1));
    } else if (c == '{') {
      const auto end = text.find_first_of("{}", at + 1);
      if (end == std::string::npos || text[end] == '{') {
        where.fail(fmt::format("has a '{{' without a '}}' at character {}; write {{{{ for a brace", at + 1));
      }
      part.name = text.substr(at + 1, end - at - 1);
      if (part.name.empty()) where.fail("has an empty placeholder {}; write {{}} for braces");
      part.quoting = quoting;
      parts_.push_back(std::exchange(part, {}));
      at = end;
    } else {
      const auto first = at;
      quoting = follow(quoting, text, at);
      part.literal += text.substr(first, at - first + 1);
    }
  }
  parts_.push_back(std::move(part));
}

Template::Quoting Template::follow(Quoting quoting, std::string_view text, std::size_t& at) {
  const char c = text[at];
  if (quoting == Quoting::none) return quoting;
  if (c == '\\' && quoting != Quoting::in_single) {
    // The next character means itself, unless it is a brace, which is ours first.
    if (at + 1 < text.size() && text[at + 1] != '{' && text[at + 1] != '}') ++at;
    return quoting;
  }
  if (c == '\'' && quoting != Quoting::in_double) {
    return quoting == Quoting::bare ? Quoting::in_single : Quoting::bare;
  }
  if (c == '"' && quoting != Quoting::in_single) {
    return quoting == Quoting::bare ? Quoting::in_double : Quoting::bare;
  }
  return quoting;
}

std::string Template::quoted(const std::string& value, Quoting quoting) {
  switch (quoting) {
    case Quoting::none:
      return value;
    case Quoting::bare:
      if (!value.empty() && is_safe(value)) return value;
      return "'" + quoted(value, Quoting::in_single) + "'";
    case Quoting::in_single:
      // A quote within quotes: end them, an escaped quote, begin again.
      return prefixed(value, "'", "'\\'");
    case Quoting::in_double:
      return prefixed(value, "\\\"$`", "\\");
  }
  return value;
}

std::string Template::render(const Lookup& lookup) const {
  std::string text;
  for (const auto& part : parts_) {
    text += part.literal;
    if (!part.name.empty()) text += quoted(lookup(part.name), part.quoting);
  }
  return text;
}

std::set<std::string> Template::names() const {
  std::set<std::string> names;
  for (const auto& part : parts_) {
    if (!part.name.empty()) names.insert(part.name);
  }
  return names;
}

}  // namespace surd::sweep::detail
