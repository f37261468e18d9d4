// Steps that need all rows before the first comes out: sort, group, distinct, join; and packed rows.
#include <algorithm>

#include <fmt/format.h>

#include "surd/stream/detail/keyed_rows.hpp"
#include "surd/stream/detail/merge_pass.hpp"
#include "surd/stream/detail/planning.hpp"

namespace surd::stream::detail {
namespace {

using table::Schema;

std::vector<std::size_t> positions(const Schema& schema, const std::vector<std::string>& names) {
  std::vector<std::size_t> result;
  for (const auto& name : names) result.push_back(table::find(schema, name));
  return result;
}

}  // namespace

std::uint64_t limit_of(const Range& range) {
  if (range.take == ~std::uint64_t{0} || range.skip > ~range.take) return 0;
  return std::max<std::uint64_t>(1, range.skip + range.take);
}

PipePlan Planner::next(const Sort& step, PipePlan pipe, const At& at) {
  auto sort = step;
  const auto* const group = at.index > 0 ? std::get_if<Group>(&at.steps[at.index - 1].step) : nullptr;
  if (group != nullptr &&
      group->sorted) {  // which was left to this sort: groups that tie stand by their keys
    for (const auto& key : group->by) {
      const auto same = [&](const SortKey& known) { return known.column == key; };
      if (std::none_of(sort.by.begin(), sort.by.end(), same)) sort.by.push_back({.column = key});
    }
  }
  return sorted(sort, std::move(pipe), at.step().kept(), to_text(step));
}

PipePlan Planner::sorted(const Sort& sort, PipePlan pipe, Schema kept, const std::string& words) {
  pipe.close();
  SortTarget target{.schema = pipe.kept(), .by = {}, .step = words};
  for (const auto& key : sort.by) {
    target.by.push_back({.column = table::find(target.schema, key.column),
                         .descending = key.descending,
                         .nulls_first = key.nulls_first});
  }
  const auto range = std::make_shared<Range>();
  const auto runs = end(pipe, words, 1, [target, range](const Setting& setting) {
    auto limited = target;
    limited.limit = limit_of(*range);
    return sort_sink(limited, setting);
  });
  const auto stages = merge_passes(runs, words);
  const auto head = [schema = target.schema, stages, range, words,
                     bytes = cut_.unit_bytes](const Before& before) {
    PipeHead made;
    made.source = merge_source(schema, last_runs(before, stages), *range, bytes, words);
    made.heavy = 1;
    return made;
  };
  PipePlan merged(head, target.schema, std::move(kept), stages);
  merged.words.emplace_back("merge");
  merged.range = range;
  return merged;
}

std::vector<std::size_t> Planner::merge_passes(std::size_t runs, const std::string& step) {
  std::vector<std::size_t> stages{runs};
  const Merging merging{.step = step,
                        .format = sorted_rows_format(),
                        .memory_bytes = cut_.memory_bytes,
                        .last_bytes = divide(cut_.memory_bytes, 2, 1, columns_bytes_).heavy,
                        .beside_bytes = columns_bytes_};
  const auto fan_in = runs_at_once(merging.format, cut_.memory_bytes, columns_bytes_);
  // Packed rows may take more than the input's bytes; runs are half as long as what their stage has, since
  // they are formed while others are written.
  const auto run_bytes = merging.last_bytes / 2;
  const auto expected =
      multiplies_ ? ~std::uint64_t{0} : 2 * input_bytes_ / run_bytes + input_bytes_ / cut_.unit_bytes;
  const auto plan = plan_passes(expected, fan_in);
  for (std::size_t pass = 0; pass < plan.passes; ++pass) {
    const auto make = [stages, merging, after = plan.passes - pass - 1](const Before& before) {
      auto left = last_runs(before, stages);
      const auto limits = limits_for(merging, left, after);
      return merge_pass_stage(merging, std::move(left), limits);
    };
    stages.push_back(add({.name = plan.name, .reads = stages, .make = make, .spare = plan.spare}));
  }
  return stages;
}

PipePlan Planner::next(const Group& group, PipePlan pipe, const At& at) {
  const auto& step = at.step();
  GroupTarget target;
  pipe.close();
  target.schema = pipe.kept();
  target.by = positions(target.schema, group.by);
  for (const auto& column : group.results) {
    target.results.push_back(aggregate_spec(column, target.schema));
    target.inputs.push_back(column.input.empty() ? 0 : table::find(target.schema, column.input));
  }
  if (!group.sorted || group.by.empty()) {
    return grouped(std::move(target), std::move(pipe), step.after, step.kept(), to_text(group));
  }
  Sort sort;
  Schema with_keys;  // also where only the results are needed afterwards
  for (std::size_t i = 0; i < step.after.size(); ++i) {
    if (step.needed[i] || i < group.by.size()) with_keys.push_back(step.after[i]);
  }
  for (const auto& key : group.by) sort.by.push_back({.column = key});
  auto groups = grouped(std::move(target), std::move(pipe), step.after, with_keys, to_text(group));
  const bool sorted_next =
      at.index + 1 < at.steps.size() && std::holds_alternative<Sort>(at.steps[at.index + 1].step);
  if (sorted_next) return groups;
  return sorted(sort, std::move(groups), step.kept(), "sort by the keys");
}

PipePlan Planner::next(const Distinct& distinct, PipePlan pipe, const At& at) {
  GroupTarget target;
  pipe.close();
  target.schema = pipe.kept();
  target.by = distinct.by.empty() ? all_columns(target.schema) : positions(target.schema, distinct.by);
  if (!distinct.by.empty()) {
    target.first_rows = true;
    target.results.push_back(
        {.aggregate = external::Aggregate::first, .input = external::ValueType::text, .has_input = true});
    target.inputs.push_back(0);
  }
  const auto schema = target.schema;
  return grouped(std::move(target), std::move(pipe), schema, at.step().kept(), to_text(distinct));
}

PipePlan Planner::grouped(GroupTarget target, PipePlan pipe, const Schema& schema, Schema kept,
                          const std::string& words) {
  target.step = words;
  target.partitions = cut_.partitions;
  target.choose_keys();
  const auto parts =
      end(pipe, words, 1, [target](const Setting& setting) { return group_sink(target, setting); });
  const auto head = [target, schema, parts, bytes = cut_.unit_bytes](const Before& before) {
    PipeHead made;
    made.source = group_source(target, schema, before[parts], bytes);
    made.heavy = 1;
    return made;
  };
  PipePlan groups(head, schema, std::move(kept), {parts});
  groups.words.emplace_back("finish groups");
  return groups;
}

PipePlan Planner::numbered(PipePlan pipe, std::uint64_t limit, bool one_unit) {
  pipe.close();
  const RowsTarget target{.schema = pipe.kept(), .limit = limit};
  const auto rows =
      end(pipe, "number rows", 0, [target](const Setting& setting) { return rows_sink(target, setting); });
  const auto range = std::make_shared<Range>();
  const auto head = [schema = target.schema, rows, range, one_unit](const Before& before) {
    PipeHead made;
    made.source = rows_source(schema, decode(before[rows]), *range, one_unit);
    return made;
  };
  PipePlan numbered(head, target.schema, target.schema, {rows});
  numbered.range = range;
  return numbered;
}

JoinPlan Planner::join_plan(const Join& join, const BoundStep& step, const Schema& left,
                            const Schema& right) const {
  JoinPlan plan{.kind = join.kind, .left = {}, .right = {}, .schema = step.kept()};
  using external::JoinKind;
  plan.left = {.schema = left,
               .by = positions(left, join.left_by),
               .pack = {},
               .partitions = cut_.partitions,
               .drop_nulls = join.kind == JoinKind::inner || join.kind == JoinKind::semi};
  plan.right = {.schema = right,
                .by = positions(right, join.right_by),
                .pack = {},
                .partitions = cut_.partitions,
                .drop_nulls = true};
  for (std::size_t i = 0; i < step.before.size(); ++i) {
    if (step.needed[i]) plan.left.pack.push_back(table::find(left, step.before[i].name));
  }
  if (step.after.size() > step.before.size()) {
    const auto& all = step.right->schema;
    const auto names = right_names(join, step.before, all);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (names[i].empty() || !step.needed[table::find(step.after, names[i])]) continue;
      plan.right.pack.push_back(table::find(right, all[i].name));
    }
  }
  plan.left.integer_keys = plan.right.integer_keys =
      KeyedRows::possible(left, plan.left.by, plan.left.pack) &&
      KeyedRows::possible(right, plan.right.by, plan.right.pack);
  return plan;
}

PipePlan Planner::next(const std::shared_ptr<Join>& join, PipePlan pipe, const At& at) {
  auto right_pipe = walk(at.step().right);
  right_pipe.close();
  pipe.close();
  const auto plan = join_plan(*join, at.step(), pipe.kept(), right_pipe.kept());
  const auto right =
      end(right_pipe, "partition for a join", 1,
          [target = plan.right](const Setting& setting) { return join_sink(target, setting); });
  const auto small = [right, target = plan.right](const Before& before) {
    return is_small(target, before[right]);
  };
  auto left_pipe = pipe;
  const auto left = end(left_pipe, "partition for a join", 1,
                        [target = plan.left](const Setting& setting) { return join_sink(target, setting); });
  auto& left_stage = stages_[left];
  left_stage.reads.push_back(right);
  left_stage.make = [small, partition = left_stage.make, name = left_stage.name](const Before& before) {
    return small(before) ? empty_stage(name) : partition(before);
  };
  const auto head = [small, plan, pipe, left, right, bytes = cut_.unit_bytes](const Before& before) {
    PipeHead made;
    if (small(before)) {
      made = pipe.make(before);
      made.operators.emplace_back(
          [plan, artifacts = std::span(before[right])](const Setting& setting, Operator& next) {
            return broadcast_join(plan, artifacts, setting, next);
          });
      ++made.broadcasts;
      return made;
    }
    made.source = join_source(plan, before[left], before[right], bytes);
    made.heavy = 1;
    return made;
  };
  auto reads = pipe.reads();
  reads.push_back(left);
  reads.push_back(right);
  PipePlan joined(head, plan.schema, plan.schema, std::move(reads));
  joined.words.push_back(to_text(join));
  joined.reads_input = pipe.reads_input;
  joined.positions = false;
  return joined;
}

}  // namespace surd::stream::detail
