// Sorting fixed-size binary records as they stand: runs from stretches of the input, then parts of the merged
// order straight to their place in the output.
#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/hash.hpp"
#include "surd/base/units.hpp"
#include "surd/stream/compile.hpp"
#include "surd/stream/detail/cuts.hpp"
#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/file_job.hpp"
#include "surd/stream/detail/merge_pass.hpp"
#include "surd/stream/detail/record_stages.hpp"

namespace surd::stream {
namespace {

using detail::RecordFile;

std::vector<RecordFile> find_inputs(const RecordSort& sort, storage::FileSystem& files) {
  sort.format.check();
  if (!sort.format.fixed()) throw base::UsageError("only records of a fixed size are sorted as they stand");
  if (sort.inputs.empty()) throw base::UsageError("the input names no file");
  std::vector<RecordFile> inputs;
  for (const auto& path : table::find_files(sort.inputs, files)) {
    if (path.ends_with(".gz") || path.ends_with(".zst")) {
      throw base::UsageError(path + ": records are sorted as they stand in a file; decompress it first");
    }
    const auto version = files.file_version(path);
    if (!version) throw base::UsageError(path + ": there is no such file");
    if (version->bytes % sort.format.record_bytes != 0) {
      throw base::UsageError(fmt::format("{}: its {} bytes are no whole number of records of {} bytes", path,
                                         version->bytes, sort.format.record_bytes));
    }
    inputs.push_back({path, *version});
  }
  return inputs;
}

std::uint64_t total_bytes(const std::vector<RecordFile>& inputs) {
  std::uint64_t bytes = 0;
  for (const auto& input : inputs) bytes += input.version.bytes;
  return bytes;
}

std::string identity_of(const RecordSort& sort, const std::vector<RecordFile>& inputs, const Cut& cut) {
  std::string text =
      fmt::format("surd record sort 1\n{}\n{}\n", sort.format.record_bytes, sort.output.string());
  for (const auto& field : sort.format.key) {
    text += fmt::format("{} {} {} {}\n", static_cast<int>(field.type), field.offset, field.bytes,
                        field.descending);
  }
  for (const auto& input : inputs) {
    text += fmt::format("{} {} {}\n", input.path.string(), input.version.bytes,
                        input.version.modified_nanoseconds);
  }
  return base::hash128(text + to_text(cut)).hex();
}

/// What the stage has that has least, and what a merge of it leaves to an index.
std::uint64_t least_share(std::uint64_t memory_bytes) {
  return std::min(detail::merge_pass_bytes(memory_bytes), detail::record_merge_bytes(memory_bytes));
}

/// The least memory in which such records can be sorted.
std::uint64_t least_memory(const external::RecordFormat& format) {
  constexpr std::uint64_t plenty = std::uint64_t{1} << 32;
  return detail::memory_for(external::plan_sort(0, format, plenty).least_memory, least_share);
}

Cut cut_for(const RecordSort& sort, std::uint64_t input_bytes, const CompileOptions& options) {
  const auto least = least_memory(sort.format);
  if (options.memory_bytes < least) {
    throw base::UsageError(fmt::format("sorting records of {} takes at least --memory {}MiB, not {}",
                                       base::format_bytes(sort.format.record_bytes), least / base::MiB,
                                       base::format_bytes(options.memory_bytes)));
  }
  return detail::choose_cut(input_bytes, options);
}

/// Stages that merge the runs of stage 0 into fewer. Returns the stages that may hold the last runs.
std::vector<std::size_t> add_passes(const detail::Merging& merging, std::uint64_t input_bytes, const Cut& cut,
                                    detail::JobPlan& plan) {
  using namespace detail;
  std::vector<std::size_t> stages{0};
  const auto at_once =
      std::min(external::fan_in(merging.format, external::without_index(merge_pass_bytes(cut.memory_bytes))),
               external::fan_in(merging.format, merging.last_bytes));
  const auto expected = input_bytes / (cut.memory_bytes / 4) + input_bytes / cut.unit_bytes / 2;
  const auto passes = detail::plan_passes(expected, at_once);
  for (std::size_t pass = 0; pass < passes.passes; ++pass) {
    const auto make = [stages, merging, after = passes.passes - pass - 1](const Before& before) {
      auto runs = last_runs(before, stages);
      const auto limits = limits_for(merging, runs, after);
      return merge_pass_stage(merging, std::move(runs), limits);
    };
    plan.stages.push_back({.name = passes.name, .reads = stages, .make = make, .spare = passes.spare});
    stages.push_back(plan.stages.size() - 1);
  }
  return stages;
}

detail::JobPlan plan_records(const RecordSort& sort, const std::vector<RecordFile>& inputs, const Cut& cut,
                             const storage::Path& part) {
  using namespace detail;
  const auto format = sort.format;
  JobPlan plan;
  plan.stages.push_back(
      {.name = "form runs", .reads = {}, .reads_input = true, .make = [inputs, format, cut](const Before&) {
         return form_runs_stage(inputs, format, cut);
       }});
  const Merging merging{.step = "sort",
                        .format = format,
                        .memory_bytes = cut.memory_bytes,
                        .last_bytes = record_merge_bytes(cut.memory_bytes)};
  const auto stages = add_passes(merging, total_bytes(inputs), cut, plan);
  plan.result_rows = plan.stages.size();
  plan.stages.push_back({.name = "merge to " + sort.output.filename().string(),
                         .reads = stages,
                         .reads_input = false,
                         .make = [stages, format, cut, part](const Before& before) {
                           return merge_records_stage(last_runs(before, stages), format, cut, part);
                         }});
  return plan;
}

}  // namespace

Cut choose_cut(const RecordSort& sort, const CompileOptions& options, storage::FileSystem& files) {
  return cut_for(sort, total_bytes(find_inputs(sort, files)), options);
}

std::unique_ptr<DataJob> compile(const RecordSort& sort, const CompileOptions& options, const Cut& cut,
                                 storage::FileSystem& files) {
  detail::refuse_less_memory(cut, options);
  const auto inputs = find_inputs(sort, files);
  auto identity = identity_of(sort, inputs, cut);
  detail::FilePlan file;
  file.output.path = sort.output;
  file.output.format = table::Format::fixed;
  file.part = fmt::format("{}.{}.part", sort.output.string(), identity.substr(0, 8));
  auto plan = plan_records(sort, inputs, cut, file.part);
  return detail::file_job(std::move(identity), std::move(plan), file);
}

std::unique_ptr<DataJob> compile(const RecordSort& sort, const CompileOptions& options,
                                 storage::FileSystem& files) {
  return compile(sort, options, choose_cut(sort, options, files), files);
}

PipelinePlan plan(const RecordSort& sort, const CompileOptions& options, storage::FileSystem& files) {
  const auto inputs = find_inputs(sort, files);
  PipelinePlan plan;
  plan.input_bytes = total_bytes(inputs);
  const auto cut = cut_for(sort, plan.input_bytes, detail::with_memory(options, plan.input_bytes));
  const auto stages = plan_records(sort, inputs, cut, {}).stages;
  for (const auto& stage : stages) plan.stages.push_back(stage.name);
  plan.scratch_bytes = plan.input_bytes * (stages[1].spare ? 1 : 2);
  plan.least_memory = least_memory(sort.format);
  return plan;
}

}  // namespace surd::stream
