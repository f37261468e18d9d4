// `input:` of a job.
#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/table/detail/spec_parts.hpp"
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

void parse_csv_options(const Spec& spec, InputSpec& input) {
  if (const auto delimiter = spec.find("delimiter")) input.delimiter = detail::parse_delimiter(*delimiter);
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
  spec.allow_only(
      {"path", "format", "delimiter", "header", "null_texts", "split", "types", "on_bad_row", "fixed"});
  input.paths = texts(spec.at("path"));
  if (input.paths.empty()) spec.at("path").fail("needs at least one path");
  if (const auto format = spec.find("format")) input.format = choose(*format, formats);
  if (const auto policy = spec.find("on_bad_row")) input.on_bad_row = choose(*policy, policies);
  parse_csv_options(spec, input);
  if (const auto overrides = spec.find("types")) {
    for (const auto& name : overrides->keys())
      input.types.push_back({name, choose(overrides->at(name), types)});
  }
  if (const auto fixed = spec.find("fixed")) {
    if (input.format && *input.format != Format::fixed) fixed->fail("is for inputs of format fixed");
    auto records = detail::parse_records(*fixed);
    input.format = Format::fixed;
    input.record_bytes = records.record_bytes;
    input.columns = std::move(records.columns);
  }
  return input;
}

}  // namespace surd::table
