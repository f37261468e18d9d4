#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/stream/query.hpp"

namespace surd::stream {
namespace {

using base::Spec;
using external::Aggregate;

struct NamedAggregate {
  std::string_view name;
  Aggregate aggregate;
};

constexpr std::array<NamedAggregate, 12> aggregates{{{"count", Aggregate::count},
                                                     {"sum", Aggregate::sum},
                                                     {"min", Aggregate::min},
                                                     {"max", Aggregate::max},
                                                     {"mean", Aggregate::mean},
                                                     {"variance", Aggregate::variance},
                                                     {"stddev", Aggregate::stddev},
                                                     {"first", Aggregate::first},
                                                     {"last", Aggregate::last},
                                                     {"median", Aggregate::median},
                                                     {"list", Aggregate::list},
                                                     {"count_distinct", Aggregate::count_distinct}}};

Aggregate parse_aggregate(const Spec& place, std::string_view text) {
  std::array<std::string_view, aggregates.size()> names;
  for (std::size_t i = 0; i < aggregates.size(); ++i) {
    if (aggregates[i].name == text) return aggregates[i].aggregate;
    names[i] = aggregates[i].name;
  }
  const auto guess = base::nearest(text, names);
  place.fail(guess.empty() ? fmt::format("unknown aggregate '{}'; known are {}", text, fmt::join(names, ", "))
                           : fmt::format("unknown aggregate '{}'; did you mean '{}'?", text, guess));
}

/// One name, or a list of names.
std::vector<std::string> parse_names(const Spec& spec) {
  if (spec.is_text()) return {spec.text()};
  if (!spec.is_list()) spec.fail_expected("a column or a list of columns");
  std::vector<std::string> names;
  for (const auto& item : spec.items()) names.push_back(item.text());
  return names;
}

std::uint64_t parse_rows(const Spec& spec) {
  const auto rows = spec.integer();
  if (rows < 0) spec.fail("a number of rows must not be negative");
  return static_cast<std::uint64_t>(rows);
}

void parse_derive(const Spec& spec, std::vector<Step>& into) {
  for (const auto& key : spec.keys()) {
    const auto value = spec.at(key);
    // Constants may be written as they are: {year: 2026}.
    into.emplace_back(Derive{key, value.is_text() ? value.text() : value.json().dump()});
  }
}

Select parse_select(const Spec& spec) {
  if (!spec.is_map()) return {.columns = parse_names(spec), .names = {}};
  Select select;
  for (const auto& key : spec.keys()) {
    select.names.push_back(key);
    select.columns.push_back(spec.at(key).text());
  }
  if (select.columns.empty()) spec.fail("must name at least one column");
  return select;
}

/// "sum" (of the column of the result's name), "sum(price)" or {sum: price}; count alone counts rows.
GroupColumn parse_group_column(const std::string& name, const Spec& spec) {
  GroupColumn column;
  column.name = name;
  if (spec.is_map()) {
    const auto keys = spec.keys();
    if (keys.size() != 1) spec.fail_expected("one aggregate of one column, such as {sum: price}");
    column.aggregate = parse_aggregate(spec, keys[0]);
    column.input = spec.at(keys[0]).text();
    return column;
  }
  if (!spec.is_text()) spec.fail_expected("an aggregate, such as sum or {sum: price}");
  auto text = spec.text();
  const auto open = text.find('(');
  if (open != std::string::npos && text.ends_with(')')) {
    column.input = text.substr(open + 1, text.size() - open - 2);
    text.resize(open);
    column.aggregate = parse_aggregate(spec, text);
    if (column.input.empty() && column.aggregate != Aggregate::count) {
      spec.fail(fmt::format("{} needs a column", text));
    }
    return column;
  }
  column.aggregate = parse_aggregate(spec, text);
  if (column.aggregate != Aggregate::count) column.input = name;
  return column;
}

Group parse_group(const Spec& spec) {
  Group group;
  group.by = parse_names(spec.at("by"));
  for (const auto& key : spec.keys()) {
    const auto value = spec.at(key);
    if (key == "by") continue;
    if (key == "order") {
      const auto order = value.text();
      if (order != "any" && order != "sorted") {
        value.fail_expected("'any' or 'sorted', the order of the groups (a result cannot be called 'order')");
      }
      group.sorted = order == "sorted";
      continue;
    }
    group.results.push_back(parse_group_column(key, value));
  }
  return group;
}

/// "price", or "-price" for descending.
SortKey parse_sort_key(const Spec& spec) {
  auto text = spec.text();
  const bool descending = text.starts_with('-');
  if (descending) text.erase(0, 1);
  if (text.empty()) spec.fail_expected("a column, or '-' and a column");
  return {.column = text, .descending = descending};
}

void parse_directions(const Spec& spec, std::vector<SortKey>& keys) {
  if (!spec.is_list()) {
    for (auto& key : keys) key.descending = key.descending != spec.boolean();
    return;
  }
  const auto items = spec.items();
  if (items.size() != keys.size()) {
    spec.fail(fmt::format("has {} values for {} columns", items.size(), keys.size()));
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    keys[i].descending = keys[i].descending != items[i].boolean();
  }
}

Sort parse_sort(const Spec& spec) {
  Sort sort;
  const bool map = spec.is_map();
  if (map) spec.allow_only({"by", "descending", "nulls"});
  const auto by = map ? spec.at("by") : spec;
  if (by.is_text()) {
    sort.by.push_back(parse_sort_key(by));
  } else {
    for (const auto& item : by.items()) sort.by.push_back(parse_sort_key(item));
  }
  if (sort.by.empty()) by.fail("must name at least one column");
  if (!map) return sort;
  if (const auto descending = spec.find("descending")) parse_directions(*descending, sort.by);
  if (const auto nulls = spec.find("nulls")) {
    const auto text = nulls->text();
    if (text != "first" && text != "last") nulls->fail_expected("'first' or 'last'");
    for (auto& key : sort.by) key.nulls_first = text == "first";
  }
  return sort;
}

Sample parse_sample(const Spec& spec) {
  Sample sample;
  if (spec.is_map()) spec.allow_only({"share", "seed"});
  const auto share = spec.is_map() ? spec.at("share") : spec;
  sample.share = share.number();
  if (sample.share < 0 || sample.share > 1) share.fail("must be between 0 and 1");
  if (spec.is_map()) sample.seed = static_cast<std::uint64_t>(spec.get("seed", std::int64_t{0}));
  return sample;
}

external::JoinKind parse_kind(const Spec& spec) {
  using external::JoinKind;
  constexpr std::array<std::string_view, 4> names{"inner", "left", "semi", "anti"};
  constexpr std::array kinds{JoinKind::inner, JoinKind::left, JoinKind::semi, JoinKind::anti};
  const auto text = spec.text();
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) {
    const auto guess = base::nearest(text, names);
    spec.fail(fmt::format(
        "no kind of join '{}'; {}", text,
        guess.empty() ? "known are inner, left, semi and anti" : fmt::format("did you mean '{}'?", guess)));
  }
  return kinds[static_cast<std::size_t>(found - names.begin())];
}

void add_steps(const Spec& steps, Query& query);

std::shared_ptr<Join> parse_join(const Spec& spec) {
  spec.allow_only({"input", "path", "on", "kind", "steps"});
  auto join = std::make_shared<Join>();
  const auto path = spec.find("path");
  join->right.input = table::parse_input(path ? *path : spec.at("input"));
  if (const auto steps = spec.find("steps")) add_steps(*steps, join->right);
  if (const auto kind = spec.find("kind")) join->kind = parse_kind(*kind);
  const auto on = spec.at("on");
  if (on.is_map()) {
    for (const auto& left : on.keys()) {
      join->left_by.push_back(left);
      join->right_by.push_back(on.at(left).text());
    }
  } else {
    join->left_by = join->right_by = parse_names(on);
  }
  if (join->left_by.empty()) on.fail("must name at least one column");
  return join;
}

constexpr std::array<std::string_view, 10> step_names{"filter",   "derive", "select", "group",  "sort",
                                                      "distinct", "take",   "skip",   "sample", "join"};

void parse_step(const Spec& step, std::vector<Step>& into) {
  if (step.is_text() && step.text() == "distinct") {
    into.emplace_back(Distinct{});
    return;
  }
  if (!step.is_map()) step.fail_expected("a step, such as {filter: \"price > 0\"}");
  step.allow_only(step_names);
  const auto keys = step.keys();
  if (keys.size() != 1) step.fail("a step has one key; write each step as an item of its own");
  const auto& key = keys[0];
  const auto spec = step.at(key);
  if (key == "filter") into.emplace_back(Filter{spec.text()});
  if (key == "derive") parse_derive(spec, into);
  if (key == "select") into.emplace_back(parse_select(spec));
  if (key == "group") into.emplace_back(parse_group(spec));
  if (key == "sort") into.emplace_back(parse_sort(spec));
  if (key == "distinct")
    into.emplace_back(Distinct{spec.json().is_null() ? std::vector<std::string>{} : parse_names(spec)});
  if (key == "take") into.emplace_back(Take{parse_rows(spec)});
  if (key == "skip") into.emplace_back(Skip{parse_rows(spec)});
  if (key == "sample") into.emplace_back(parse_sample(spec));
  if (key == "join") into.emplace_back(parse_join(spec));
}

void add_steps(const Spec& steps, Query& query) {
  for (const auto& item : steps.items()) {
    parse_step(item, query.steps);
    while (query.places.size() < query.steps.size()) {  // a derive has a step for each column
      const auto* const derive = std::get_if<Derive>(&query.steps[query.places.size()]);
      auto place = item.path();
      if (item.is_map()) place += "." + item.keys()[0];
      if (derive != nullptr) place += "." + derive->column;
      query.places.push_back(std::move(place));
    }
  }
}

}  // namespace

std::string_view aggregate_name(Aggregate aggregate) noexcept {
  for (const auto& [name, value] : aggregates) {
    if (value == aggregate) return name;
  }
  return "user";
}

std::vector<Step> parse_steps(const Spec& steps) {
  Query query;
  add_steps(steps, query);
  return query.steps;
}

Query parse_query(const Spec& job) {
  Query query;
  query.input = table::parse_input(job.at("input"));
  if (const auto steps = job.find("steps")) add_steps(*steps, query);
  return query;
}

std::vector<const table::InputSpec*> inputs_of(const Query& query) {
  std::vector inputs{&query.input};
  for (const auto& step : query.steps) {
    const auto* join = std::get_if<std::shared_ptr<Join>>(&step);
    if (join == nullptr) continue;
    const auto more = inputs_of((*join)->right);
    inputs.insert(inputs.end(), more.begin(), more.end());
  }
  return inputs;
}

}  // namespace surd::stream
