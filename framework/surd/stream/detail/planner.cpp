#include "surd/stream/detail/planner.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/stream/detail/operators.hpp"
#include "surd/stream/detail/planning.hpp"
#include "surd/stream/detail/write_stage.hpp"

namespace surd::stream::detail {
namespace {

/// What skip and take leave of a range.
void narrow(Range& range, const Step& step) {
  if (const auto* skip = std::get_if<Skip>(&step)) {
    range.skip = range.skip > ~skip->rows ? ~std::uint64_t{0} : range.skip + skip->rows;
    if (range.take != ~std::uint64_t{0}) range.take -= std::min(range.take, skip->rows);
  }
  if (const auto* take = std::get_if<Take>(&step)) range.take = std::min(range.take, take->rows);
}

bool is_slice(const Step& step) {
  return std::holds_alternative<Take>(step) || std::holds_alternative<Skip>(step);
}

table::Schema marked(const table::Schema& schema, const std::vector<bool>& needed) {
  table::Schema result;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (needed[i]) result.push_back(schema[i]);
  }
  return result;
}

/// The stage that makes a file of the result.
StagePlan file_stage(const FilePlan& file, const Cut& cut, const JobPlan& job, std::vector<std::size_t> bad) {
  const bool hdf5 = file.output.format == table::Format::hdf5;
  const WritePlan plan{.output = file.output,
                       .schema = job.schema,
                       .part = file.part,
                       .quarantine_part = file.quarantine_part,
                       .unit_bytes = cut.unit_bytes,
                       .memory_bytes = cut.memory_bytes,
                       .columns_bytes = job.columns_bytes + table::beside_bytes(file.output, job.schema)};
  const auto rows = job.result_rows;
  std::vector<std::size_t> reads{rows};
  reads.insert(reads.end(), bad.begin(), bad.end());
  return {.name = "write " + file.output.path.filename().string(),
          .reads = std::move(reads),
          .make = [plan, hdf5, rows, bad = std::move(bad)](const Before& before) {
            std::vector<UnitOutput> quarantine;
            for (const auto stage : bad) {
              auto outputs = decode(before[stage]);
              std::move(outputs.begin(), outputs.end(), std::back_inserter(quarantine));
            }
            const auto pieces = decode(before[rows]);
            return hdf5 ? hdf5_stage(plan, pieces, quarantine) : write_stage(plan, pieces, quarantine);
          }};
}

}  // namespace

PipePlan Planner::walk(const std::shared_ptr<const BoundQuery>& query) {
  auto pipe = input(query);
  for (std::size_t i = 0; i < query->steps.size(); ++i) {
    const At at{query->steps, i};
    const auto visit = [&](const auto& step) { return next(step, std::move(pipe), at); };
    pipe = std::visit(visit, query->steps[i].step);
  }
  return pipe;
}

std::size_t Planner::end(PipePlan& pipe, const std::string& purpose, unsigned heavy, SinkMaker sink) {
  pipe.close();
  pipe.words.push_back(purpose);
  auto name = pipe.name();
  const auto make = [pipe, heavy, sink = std::move(sink), name, memory = cut_.memory_bytes,
                     columns = columns_bytes_](const Before& before) {
    auto head = pipe.make(before);
    return pipe_stage(name,
                      {.source = std::move(head.source),
                       .operators = std::move(head.operators),
                       .sink = sink,
                       .heavy = head.heavy + heavy,
                       .broadcasts = head.broadcasts,
                       .columns_bytes = columns},
                      memory);
  };
  return add({.name = std::move(name), .reads = pipe.reads(), .reads_input = pipe.reads_input, .make = make});
}

std::size_t Planner::add(StagePlan stage) {
  stages_.push_back(std::move(stage));
  return stages_.size() - 1;
}

PipePlan Planner::input(const std::shared_ptr<const BoundQuery>& query) const {
  const auto head = [query, unit_bytes = cut_.unit_bytes](const Before&) {
    PipeHead made;
    made.source = input_source(query, unit_bytes);
    return made;
  };
  const auto& schema = query->input->schema();
  PipePlan pipe(head, schema, marked(schema, query->needed), {});
  pipe.words.emplace_back("read");
  pipe.reads_input = true;
  return pipe;
}

PipePlan Planner::next(const Filter& step, PipePlan pipe, const At& at) {
  pipe.narrow(step, at.step().kept());
  return pipe;
}

PipePlan Planner::next(const Select& step, PipePlan pipe, const At& at) {
  Select read;  // a column that nobody reads was not kept until here
  for (std::size_t i = 0; i < step.columns.size(); ++i) {
    if (!at.step().needed[i]) continue;
    read.columns.push_back(step.columns[i]);
    if (!step.names.empty()) read.names.push_back(step.names[i]);
  }
  pipe.narrow(read, at.step().kept());
  pipe.words.back() = to_text(step);
  return pipe;
}

PipePlan Planner::next(const Derive& step, PipePlan pipe, const At& at) {
  // A column that nobody reads is not made: its inputs may not have been read either.
  const auto& bound = at.step();
  if (bound.needed[table::find(bound.after, step.column)]) pipe.narrow(bound.step, bound.kept());
  return pipe;
}

PipePlan Planner::next(const Sample&, PipePlan pipe, const At& at) {
  if (!pipe.positions) pipe = numbered(std::move(pipe), 0, false);
  pipe.narrow(at.step().step, at.step().kept());
  return pipe;
}

PipePlan Planner::next(const FlatMap& step, PipePlan pipe, const At& at) {
  pipe.words.push_back(to_text(step));
  pipe.append([step](const Setting&, Operator& next) { return flat_map(step, next); }, step.schema,
              at.step().kept());
  return pipe;
}

PipePlan Planner::next(const Windows& step, PipePlan pipe, const At& at) {
  pipe = numbered(std::move(pipe), 0, true);
  pipe.words.push_back(to_text(step));
  const auto input = pipe.kept();
  pipe.append(
      [step, input](const Setting& setting, Operator& next) { return windows(step, input, setting, next); },
      step.schema, at.step().kept());
  return pipe;
}

PipePlan Planner::next(const Take&, PipePlan pipe, const At& at) { return slice(std::move(pipe), at); }

PipePlan Planner::next(const Skip&, PipePlan pipe, const At& at) { return slice(std::move(pipe), at); }

PipePlan Planner::slice(PipePlan pipe, const At& at) {
  if (!pipe.range) {
    Range range;  // what this and the slices right after it leave: no unit needs to keep more
    for (auto i = at.index; i < at.steps.size() && is_slice(at.steps[i].step); ++i) {
      narrow(range, at.steps[i].step);
    }
    pipe = numbered(std::move(pipe), limit_of(range), false);
  }
  narrow(*pipe.range, at.step().step);
  pipe.words.push_back(to_text(at.step().step));
  return pipe;
}

JobPlan plan_stages(const std::shared_ptr<const BoundQuery>& query, const Cut& cut,
                    const std::optional<FilePlan>& file, bool quarantine) {
  const bool multiplies =
      query->has<FlatMap>() || query->has<Windows>() || query->has<std::shared_ptr<Join>>();
  Planner planner(cut, *query, multiplies);
  auto pipe = planner.walk(query);
  pipe.close();
  JobPlan plan;
  plan.schema = pipe.kept();
  plan.columns_bytes = query->columns_bytes();
  if (!file || file->output.format == table::Format::hdf5) {
    const RowsTarget target{.schema = plan.schema};
    plan.result_rows = planner.end(pipe, "keep rows", 0,
                                   [target](const Setting& setting) { return rows_sink(target, setting); });
  } else {
    const OutputTarget target{.schema = plan.schema, .output = file->output};
    static_cast<void>(
        table::write_piece(target.output, target.schema));  // a column that does not fit: say so now
    plan.result_rows = planner.end(pipe, "write rows", 0,
                                   [target](const Setting& setting) { return output_sink(target, setting); });
  }
  if (file) {
    std::vector<std::size_t> bad;
    for (std::size_t k = 0; quarantine && k < planner.stages().size(); ++k) {
      if (planner.stages()[k].reads_input) bad.push_back(k);
    }
    planner.add(file_stage(*file, cut, plan, std::move(bad)));
  }
  plan.stages = planner.take();
  return plan;
}

}  // namespace surd::stream::detail
