// `input:` of a job.
#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/table/input.hpp"

namespace surd::table {
namespace {

using base::Spec;

template <class T>
struct Word {
  std::string_view word;
  T value;
};

constexpr std::array formats{Word<Format>{"csv", Format::csv}, Word<Format>{"jsonl", Format::jsonl},
                             Word<Format>{"fixed", Format::fixed}, Word<Format>{"npy", Format::npy},
                             Word<Format>{"hdf5", Format::hdf5}};
constexpr std::array policies{Word<OnBadRow>{"error", OnBadRow::error},
                              Word<OnBadRow>{"skip", OnBadRow::skip},
                              Word<OnBadRow>{"quarantine", OnBadRow::quarantine}};
constexpr std::array types{Word<Type>{"integer", Type::int64},   Word<Type>{"int", Type::int64},
                           Word<Type>{"float", Type::float64},   Word<Type>{"text", Type::text},
                           Word<Type>{"boolean", Type::boolean}, Word<Type>{"bool", Type::boolean}};

/// The value of the word that stands in `spec`.
template <class T, std::size_t n>
T choose(const Spec& spec, const std::array<Word<T>, n>& words) {
  const auto text = spec.text();
  std::vector<std::string_view> known;
  for (const auto& word : words) {
    if (word.word == text) return word.value;
    known.push_back(word.word);
  }
  const auto guess = base::nearest(text, known);
  spec.fail(guess.empty() ? fmt::format("unknown word '{}'; valid are {}", text, fmt::join(known, ", "))
                          : fmt::format("unknown word '{}'; did you mean '{}'?", text, guess));
}

std::vector<std::string> texts(const Spec& spec) {
  std::vector<std::string> all;
  if (spec.is_text()) return {spec.text()};
  if (!spec.is_list()) spec.fail_expected("a text or a list of texts");
  for (const auto& item : spec.items()) all.push_back(item.text());
  return all;
}

char parse_delimiter(const Spec& spec) {
  const auto text = spec.text();
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() != 1 || text == "\"" || text == "\n" || text == "\r") {
    spec.fail("must be one ASCII character other than a quote or a line end, or 'tab'");
  }
  if (static_cast<unsigned char>(text[0]) >= 0x80) spec.fail("must be an ASCII character");
  return text[0];
}

std::uint32_t parse_size(const Spec& spec) {
  const auto bytes = spec.bytes();
  if (bytes > std::numeric_limits<std::uint32_t>::max()) spec.fail("must be below 4 GiB");
  return static_cast<std::uint32_t>(bytes);
}

FixedColumn parse_fixed_column(const Spec& spec) {
  spec.allow_only({"name", "type", "offset", "bytes"});
  FixedColumn column;
  column.name = spec.at("name").text();
  column.type = spec.at("type").text();
  column.offset = parse_size(spec.at("offset"));
  if (const auto bytes = spec.find("bytes")) column.bytes = parse_size(*bytes);
  return column;
}

void parse_csv_options(const Spec& spec, InputSpec& input) {
  if (const auto delimiter = spec.find("delimiter")) input.delimiter = parse_delimiter(*delimiter);
  if (const auto header = spec.find("header")) input.header = header->boolean();
  if (const auto nulls = spec.find("null_texts")) input.null_texts = texts(*nulls);
  if (const auto split = spec.find("split")) input.split = split->boolean();
}

}  // namespace

InputSpec parse_input(const Spec& spec) {
  InputSpec input;
  if (!spec.is_map()) {
    input.paths = texts(spec);
    if (input.paths.empty()) spec.fail("needs at least one path");
    return input;
  }
  spec.allow_only({"path", "format", "delimiter", "header", "null_texts", "split", "types", "on_bad_row",
                   "record_bytes", "columns"});
  input.paths = texts(spec.at("path"));
  if (input.paths.empty()) spec.at("path").fail("needs at least one path");
  if (const auto format = spec.find("format")) input.format = choose(*format, formats);
  if (const auto policy = spec.find("on_bad_row")) input.on_bad_row = choose(*policy, policies);
  parse_csv_options(spec, input);
  if (const auto overrides = spec.find("types")) {
    for (const auto& name : overrides->keys())
      input.types.push_back({name, choose(overrides->at(name), types)});
  }
  if (const auto bytes = spec.find("record_bytes")) input.record_bytes = parse_size(*bytes);
  if (const auto columns = spec.find("columns")) {
    for (const auto& column : columns->items()) input.columns.push_back(parse_fixed_column(column));
  }
  return input;
}

}  // namespace surd::table
