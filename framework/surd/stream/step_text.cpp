#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/stream/query.hpp"

namespace surd::stream {
namespace {

std::string shown(const table::Schema& schema) {
  std::vector<std::string> columns;
  for (const auto& field : schema)
    columns.push_back(fmt::format("{}: {}", field.name, table::name(field.type)));
  return fmt::format("({})", fmt::join(columns, ", "));
}

std::string text(const Filter& step) { return "filter " + step.condition; }

std::string text(const Derive& step) { return fmt::format("derive {} = {}", step.column, step.expression); }

std::string text(const Select& step) {
  if (step.names.empty()) return fmt::format("select {}", fmt::join(step.columns, ", "));
  std::vector<std::string> columns;
  for (std::size_t i = 0; i < step.columns.size(); ++i) {
    columns.push_back(fmt::format("{} = {}", step.names[i], step.columns[i]));
  }
  return fmt::format("select {}", fmt::join(columns, ", "));
}

std::string text(const Group& step) {
  std::vector<std::string> results;
  for (const auto& column : step.results) {
    const auto name = column.user != nullptr ? column.user->name : aggregate_name(column.aggregate);
    results.push_back(fmt::format("{} = {}({})", column.name, name, column.input));
  }
  return fmt::format("group by {}: {}{}", fmt::join(step.by, ", "), fmt::join(results, ", "),
                     step.sorted ? "" : ", in any order");
}

std::string text(const Sort& step) {
  std::vector<std::string> keys;
  for (const auto& key : step.by) {
    keys.push_back(fmt::format("{}{}{}", key.column, key.descending ? " descending" : "",
                               key.nulls_first ? " nulls first" : ""));
  }
  return fmt::format("sort by {}", fmt::join(keys, ", "));
}

std::string text(const Distinct& step) {
  return step.by.empty() ? "distinct" : fmt::format("distinct by {}", fmt::join(step.by, ", "));
}

std::string text(const Take& step) { return fmt::format("take {}", step.rows); }

std::string text(const Skip& step) { return fmt::format("skip {}", step.rows); }

std::string text(const Sample& step) { return fmt::format("sample {} with seed {}", step.share, step.seed); }

std::string text(const FlatMap& step) { return "flat_map to " + shown(step.schema); }

std::string text(const Windows& step) {
  return fmt::format("windows of {} rows every {}{} to {}", step.size, step.step,
                     step.partial ? ", the last one shorter" : "", shown(step.schema));
}

std::string text(const std::shared_ptr<Join>& step) {
  std::vector<std::string> keys;
  for (std::size_t i = 0; i < step->left_by.size(); ++i) {
    const auto& left = step->left_by[i];
    const auto& right = step->right_by[i];
    keys.push_back(left == right ? left : fmt::format("{} = {}", left, right));
  }
  std::string of = fmt::format("{}", fmt::join(step->right.input.paths, ", "));
  for (const auto& right : step->right.steps) of += " | " + to_text(right);
  constexpr const char* kinds[] = {"inner", "left", "semi", "anti"};
  return fmt::format("{} join with ({}) on {}", kinds[static_cast<std::size_t>(step->kind)], of,
                     fmt::join(keys, ", "));
}

}  // namespace

std::string to_text(const Step& step) {
  return std::visit([](const auto& what) { return text(what); }, step);
}

}  // namespace surd::stream
