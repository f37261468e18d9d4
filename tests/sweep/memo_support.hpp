// Definitions, outcomes and readers that the tests of memos share.
#pragma once

#include <bit>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "support/recording_file_system.hpp"
#include "surd/base/json.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::test {

/// {"axes": ..., "chunk": ...} as JSON text, for the function "f" of version "1".
inline sweep::Definition define(const std::string& grid, const std::string& version = "1",
                                std::map<std::string, sweep::Value> params = {}) {
  const auto json = base::Json::parse(grid);
  return {{"function", "f", version, 7, std::move(params)}, sweep::Grid::parse(base::Spec(json))};
}

/// A grid of `count` points along one axis.
inline sweep::Definition line(std::uint64_t count, std::uint64_t chunk = 1000) {
  return define(fmt::format(R"({{"axes": {{"i": {{"range": {}}}}}, "chunk": {}}})", count, chunk));
}

inline sweep::Origin origin(std::string run = "20260101T000000-0000000a", int rank = 0) {
  return {std::move(run), rank, "node1", "test 1"};
}

inline sweep::Outcome success(sweep::Values values, double seconds = 0) {
  sweep::Outcome outcome;
  outcome.values = std::move(values);
  outcome.seconds = seconds;
  return outcome;
}

inline sweep::Outcome failure(std::string message, sweep::Status status = sweep::Status::failed) {
  sweep::Outcome outcome;
  outcome.status = status;
  outcome.message = std::move(message);
  return outcome;
}

/// Text that is equal exactly if the values are, to the last bit.
inline std::string exact(const sweep::FieldValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return "text " + *text;
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return fmt::format("i64 {}", *number);
  const auto bits = [](double number) {
    return fmt::format(" {:016x}", std::bit_cast<std::uint64_t>(number));
  };
  if (const auto* number = std::get_if<double>(&value)) return "f64" + bits(*number);
  const auto& array = std::get<sweep::Array>(value);
  std::string text = "array";
  for (const auto extent : array.shape) text += fmt::format(" {}", extent);
  text += ":";
  for (const auto number : array.values) text += bits(number);
  return text;
}

/// Everything of an outcome but its duration.
inline std::string exact(const sweep::Outcome& outcome) {
  auto text = fmt::format("{} \"{}\" {}", sweep::to_text(outcome.status), outcome.message, outcome.attempts);
  for (const auto& [name, value] : outcome.values) text += fmt::format("; {} = {}", name, exact(value));
  if (const auto& kept = outcome.capture) {
    text += fmt::format("; exit {} signal {} peak {} <{}> <{}>", kept->exit_code, kept->signal,
                        kept->peak_bytes, kept->output, kept->errors);
  }
  return text;
}

using Contents = std::map<std::uint64_t, std::string>;

/// What Memo::read() gives: position to exact outcome; later calls replace earlier ones.
inline Contents read_all(const sweep::Memo& memo, int part = 0, int parts = 1) {
  Contents contents;
  memo.read(
      [&](const sweep::Block& block) {
        for (std::size_t i = 0; i < block.size(); ++i) contents[block.position(i)] = exact(block.outcome(i));
      },
      part, parts);
  return contents;
}

inline std::vector<std::uint64_t> elements(const sweep::PointSet& set) {
  std::vector<std::uint64_t> all;
  for (auto run = set.next_run(0); run; run = set.next_run(run->end())) {
    for (auto p = run->first; p < run->end(); ++p) all.push_back(p);
  }
  return all;
}

}  // namespace surd::test
