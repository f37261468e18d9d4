// Reads the results of a command from what it wrote.
//
//   json    The whole output, or its last line that is a JSON object. Members become fields, members of
//   objects
//           within it "outer.inner", nested arrays of numbers arrays. Beyond JSON: NaN, Infinity, nan, inf,
//           with a sign; null is NaN.
//   csv     A line of names and a line of values; RFC 4180 quotes.
//   regex   The named groups of one or several patterns (Boost's Perl syntax); each is searched line by line
//   and
//           must match, the last line that matches counts.
// In csv and regex a text that looks like an integer is one, then a float (also 1.5D-3 as Fortran writes),
// then a text.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/spec.hpp"
#include "surd/sweep/outcome.hpp"

namespace surd::sweep::detail {

/// The `parse` key of a job.
struct ParseSpec {
  enum class Format { json, csv, regex, none };

  Format format = Format::json;
  std::string file;                   ///< With placeholders; empty: stdout.
  std::vector<std::string> patterns;  ///< If regex.

  /// @throws SpecError
  static ParseSpec read(const base::Spec& spec);
  /// read() gives back the same.
  [[nodiscard]] base::Json describe() const;
  [[nodiscard]] bool reads_stdout() const noexcept { return format != Format::none && file.empty(); }
};

/// The fields, or why there are none.
struct Parsed {
  Values values;
  std::string error;  ///< Empty if it was parsed; otherwise says what was wrong, quoting the output.
};

[[nodiscard]] Parsed parse_json(std::string_view text);
[[nodiscard]] Parsed parse_csv(std::string_view text);

class RegexParser {
 public:
  /// @throws UsageError  if a pattern is no regular expression, names no group, or a name comes twice.
  explicit RegexParser(const std::vector<std::string>& patterns);
  RegexParser(RegexParser&&) noexcept;
  RegexParser& operator=(RegexParser&&) noexcept;
  ~RegexParser();

  [[nodiscard]] Parsed parse(std::string_view text) const;

 private:
  struct Pattern;
  std::vector<Pattern> patterns_;
};

class OutputParser {
 public:
  explicit OutputParser(const ParseSpec& spec) : format_(spec.format), regex_(spec.patterns) {}
  [[nodiscard]] Parsed parse(std::string_view text) const;

 private:
  ParseSpec::Format format_;
  RegexParser regex_;
};

/// A field from a text of csv or regex.
[[nodiscard]] FieldValue field_value(std::string_view text);

/// "<what>: "<the first 200 bytes of text, escaped>"".
[[nodiscard]] std::string quoting(std::string_view what, std::string_view text);

/// `text` without white space at both ends.
[[nodiscard]] std::string_view trimmed(std::string_view text);

}  // namespace surd::sweep::detail
