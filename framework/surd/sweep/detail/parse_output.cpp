#include "surd/sweep/detail/parse_output.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/sweep/detail/bounded_text.hpp"

namespace surd::sweep::detail {
namespace {

using Format = ParseSpec::Format;

constexpr std::size_t quoted_bytes = 200;
constexpr std::array<std::pair<std::string_view, Format>, 4> formats{
    {{"json", Format::json}, {"csv", Format::csv}, {"regex", Format::regex}, {"none", Format::none}}};

std::string_view name_of(Format format) {
  return std::find_if(formats.begin(), formats.end(), [&](const auto& item) { return item.second == format; })
      ->first;
}

template <class T>
std::optional<T> whole_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T number{};
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// 1.5D-3 as 1.5E-3; other texts as they are.
std::string without_fortran(std::string_view text) {
  std::string number(text);
  if (number.find_first_not_of("0123456789+-.dD") != std::string::npos) return number;
  std::replace_if(
      number.begin(), number.end(), [](char c) { return c == 'd' || c == 'D'; }, 'e');
  return number;
}

std::vector<std::string> read_patterns(const base::Spec& spec) {
  const auto places = spec.is_list() ? spec.items() : std::vector<base::Spec>{spec};
  if (places.empty()) spec.fail("must have at least one pattern");
  std::vector<std::string> patterns;
  for (const auto& place : places) {
    patterns.push_back(place.text());
    try {
      static_cast<void>(RegexParser(patterns));
    } catch (const base::UsageError& e) {
      place.fail(e.what());
    }
  }
  return patterns;
}

}  // namespace

ParseSpec ParseSpec::read(const base::Spec& spec) {
  ParseSpec parse;
  if (spec.is_text()) {
    const auto name = spec.text();
    const auto found =
        std::find_if(formats.begin(), formats.end(), [&](const auto& f) { return f.first == name; });
    if (found == formats.end()) spec.fail_expected("json, csv, none or {regex: \"...\"}");
    if (found->second == Format::regex) spec.fail("write the pattern: {regex: \"E=(?<energy>[-0-9.e]+)\"}");
    parse.format = found->second;
    return parse;
  }
  if (!spec.is_map()) spec.fail_expected("json, csv, none or {regex: \"...\"}");
  spec.allow_only({"json", "csv", "regex", "file"});
  if (const auto regex = spec.find("regex")) {
    spec.allow_only({"regex", "file"});
    parse.format = Format::regex;
    parse.patterns = read_patterns(*regex);
    parse.file = spec.get("file", "");
    return parse;
  }
  parse.format = spec.find("csv") ? Format::csv : Format::json;
  const auto key = name_of(parse.format);
  spec.allow_only({key});
  parse.file = spec.at(key).text();
  if (parse.file.empty())
    spec.at(key).fail_expected("the file the command writes, such as {scratch}/out.json");
  return parse;
}

base::Json ParseSpec::describe() const {
  const std::string name(name_of(format));
  if (format == Format::regex) {
    base::Json json{{name, patterns}};
    if (!file.empty()) json["file"] = file;
    return json;
  }
  return file.empty() ? base::Json(name) : base::Json{{name, file}};
}

Parsed OutputParser::parse(std::string_view text) const {
  switch (format_) {
    case Format::json:
      return parse_json(text);
    case Format::csv:
      return parse_csv(text);
    case Format::regex:
      return regex_.parse(text);
    case Format::none:
      break;
  }
  return {};
}

FieldValue field_value(std::string_view text) {
  text = trimmed(text);
  if (const auto integer = whole_number<std::int64_t>(text)) return *integer;
  if (const auto number = whole_number<double>(without_fortran(text))) return *number;
  return std::string(text);
}

std::string quoting(std::string_view what, std::string_view text) {
  const auto more = text.size() > quoted_bytes ? "..." : "";
  return fmt::format("{}: \"{}\"{}", what, escaped(text.substr(0, quoted_bytes)), more);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\f\v";
  const auto first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

}  // namespace surd::sweep::detail
