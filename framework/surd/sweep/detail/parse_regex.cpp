#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <boost/regex.hpp>

#include "surd/base/error.hpp"
#include "surd/sweep/detail/bounded_text.hpp"
#include "surd/sweep/detail/parse_output.hpp"

namespace surd::sweep::detail {

struct RegexParser::Pattern {
  std::string text;
  boost::regex regex;
  std::vector<std::string> names;
};

namespace {

constexpr std::string_view example = "(?<energy>[-+0-9.eE]+)";

/// Python's (?P<name>...) as Perl's (?<name>...).
std::string translated(std::string pattern) {
  for (auto at = pattern.find("(?P<"); at != std::string::npos; at = pattern.find("(?P<", at))
    pattern.erase(at + 2, 1);
  return pattern;
}

/// Names of the groups, in order: "(?<" and a letter, not escaped and not within [].
std::vector<std::string> group_names(const std::string& pattern) {
  std::vector<std::string> names;
  bool in_class = false;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\') {
      ++at;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      if (pattern.compare(at + 1, 1, "^") == 0) ++at;
      if (pattern.compare(at + 1, 1, "]") == 0) ++at;  // a bracket that comes first means itself
    } else if (pattern.compare(at, 3, "(?<") == 0 && at + 3 < pattern.size() &&
               std::isalpha(static_cast<unsigned char>(pattern[at + 3])) != 0) {
      names.push_back(pattern.substr(at + 3, pattern.find('>', at) - at - 3));
    }
  }
  return names;
}

using Match = boost::match_results<std::string_view::const_iterator>;

/// The last line in which `regex` is found.
std::optional<Match> last_match(const boost::regex& regex, std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  while (true) {
    const auto begin = text.rfind('\n') + 1;  // npos + 1 is 0
    auto line = text.substr(begin);
    if (line.ends_with('\r')) line.remove_suffix(1);
    Match match;
    if (boost::regex_search(line.begin(), line.end(), match, regex)) return match;
    if (begin == 0) return std::nullopt;
    text = text.substr(0, begin - 1);
  }
}

}  // namespace

RegexParser::RegexParser(const std::vector<std::string>& patterns) {
  std::set<std::string> seen;
  for (const auto& given : patterns) {
    const auto text = translated(given);
    boost::regex regex;
    // Boost reports mistakes in a pattern by exceptions; here they are mistakes in the job.
    try {
      regex = boost::regex(text);
    } catch (const boost::regex_error& e) {
      throw base::UsageError(fmt::format("is no regular expression: {}", e.what()));
    }
    auto names = group_names(text);
    if (names.empty())
      throw base::UsageError(fmt::format("needs a named group for each result, such as {}", example));
    for (const auto& name : names) {
      if (!seen.insert(name).second) throw base::UsageError(fmt::format("names the group '{}' twice", name));
    }
    patterns_.push_back({given, std::move(regex), std::move(names)});
  }
}

RegexParser::RegexParser(RegexParser&&) noexcept = default;
RegexParser& RegexParser::operator=(RegexParser&&) noexcept = default;
RegexParser::~RegexParser() = default;

Parsed RegexParser::parse(std::string_view text) const {
  Parsed parsed;
  for (const auto& pattern : patterns_) {
    std::optional<Match> match;
    // A pattern that takes exponential time on this output ends in an exception: this point's failure.
    try {
      match = last_match(pattern.regex, text);
    } catch (const std::runtime_error& e) {
      return {{}, fmt::format("the pattern {} took too long: {}", pattern.text, e.what())};
    }
    if (!match) return {{}, quoting(fmt::format("no line matches {}", pattern.text), text)};
    for (const auto& name : pattern.names) {
      const auto& group = (*match)[name];
      if (!group.matched)
        return {{}, quoting(fmt::format("the group '{}' did not match", name), match->str())};
      if (!is_text(group.str()))
        return {{}, quoting(fmt::format("the group '{}' is no text", name), group.str())};
      parsed.values.emplace_back(name, field_value(group.str()));
    }
  }
  return parsed;
}

}  // namespace surd::sweep::detail
