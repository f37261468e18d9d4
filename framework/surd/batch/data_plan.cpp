#include "surd/batch/data_plan.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <variant>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/table/input.hpp"

namespace surd::batch {
namespace {

/// Rows that are packed take less than their text; not less than this share of it, whatever they are.
constexpr std::uint64_t most_packing = 8;

/// A third of what a core did of sorts, groups and joins with local disks (README), and what a modest disk
/// does, or a node's share of a shared one.
constexpr double rank_bytes_per_second = 50.0 * base::MiB;
constexpr double node_bytes_per_second = 400.0 * base::MiB;

/// Rows that a sort gets are all spilled, unless steps before it drop some, or later ones drop columns.
/// Groups and joins may need nothing.
std::uint64_t least_scratch(const TableJob& job, std::uint64_t input_bytes) {
  if (job.records) return input_bytes;
  const auto& steps = job.query.steps;
  const auto sort = std::ranges::find_if(
      steps, [](const stream::Step& step) { return std::holds_alternative<stream::Sort>(step); });
  const bool derived = std::all_of(steps.begin(), sort, [](const stream::Step& step) {
    return std::holds_alternative<stream::Derive>(step);
  });
  const bool whole = std::all_of(sort, steps.end(), [](const stream::Step& step) {
    return !std::holds_alternative<stream::Select>(step) && !std::holds_alternative<stream::Group>(step);
  });
  return sort != steps.end() && derived && whole ? input_bytes / most_packing : 0;
}

/// The directory itself, or the nearest one above it that exists.
storage::Path existing(storage::Path directory) {
  std::error_code unknown;
  while (!directory.empty() && !std::filesystem::is_directory(directory, unknown)) {
    if (directory == directory.parent_path()) break;
    directory = directory.parent_path();
  }
  return directory.empty() ? storage::Path(".") : directory;
}

std::vector<std::string> input_paths(const TableJob& job) {
  if (job.records) return job.records->inputs;
  std::vector<std::string> paths;
  for (const auto* input : stream::inputs_of(job.query)) {
    paths.insert(paths.end(), input->paths.begin(), input->paths.end());
  }
  return paths;
}

/// Inputs are read more than once, and from anywhere. What is missing is found missing later.
void require_file(const storage::Path& path) {
  std::error_code unknown;
  const auto status = std::filesystem::status(path, unknown);
  if (std::filesystem::is_directory(status)) {
    throw base::UsageError(fmt::format("{} is a directory: name its files, as in '{}'", path.native(),
                                       (path / "*.csv").native()));
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw base::UsageError(fmt::format(
        "{} is no regular file: write what comes out of it to a file, and name that", path.native()));
  }
}

}  // namespace

std::string DataPlan::refusal() const {
  if (free_bytes >= least_scratch) return {};
  return fmt::format(
      "the job needs at least {} for temporary files, probably {}, and {} are free in {}: make room, or give "
      "a directory on a larger disk with --work",
      base::format_bytes(least_scratch), base::format_bytes(std::max(least_scratch, stages.scratch_bytes)),
      base::format_bytes(free_bytes), work.native());
}

std::string DataPlan::warning() const {
  if (free_bytes >= stages.scratch_bytes || free_bytes < least_scratch) return {};
  return fmt::format("the job may need up to {} for temporary files, and {} are free in {}",
                     base::format_bytes(stages.scratch_bytes), base::format_bytes(free_bytes), work.native());
}

std::string DataTime::basis() const {
  const auto speed = [](double rate) { return base::format_bytes(static_cast<std::uint64_t>(rate)) + "/s"; };
  return fmt::format("{} to read and write, at {} (assumed: {} per rank, at most {} per node)",
                     base::format_bytes(bytes), speed(bytes_per_second), speed(rank_bytes_per_second),
                     speed(node_bytes_per_second));
}

DataTime data_time(const stream::PipelinePlan& stages, int ranks, int nodes) {
  DataTime time;
  time.bytes = 2 * (stages.input_bytes + stages.scratch_bytes);
  time.bytes_per_second = std::min(ranks * rank_bytes_per_second, nodes * node_bytes_per_second);
  time.seconds = static_cast<double>(time.bytes) / time.bytes_per_second;
  return time;
}

void require_apart(storage::FileSystem& files, const TableJob& job) {
  std::vector outputs{job.output.path};
  const bool quarantines = std::ranges::any_of(stream::inputs_of(job.query), [](const auto* input) {
    return input->on_bad_row == table::OnBadRow::quarantine;
  });
  if (quarantines) outputs.push_back(table::quarantine_path(job.output));
  for (const auto& path : input_paths(job)) {
    for (const auto& output : outputs) {
      if (!table::is_named({path}, output, files)) continue;
      throw base::UsageError(
          fmt::format("the input {} names the output {} too: run again, the job would read what it wrote; "
                      "write to another name or directory",
                      path, output.native()));
    }
  }
}

std::uint64_t input_bytes(storage::FileSystem& files, const TableJob& job) {
  for (const auto& path : input_paths(job)) require_file(path);
  if (job.records) return stream::plan(*job.records, {}, files).input_bytes;
  std::uint64_t bytes = 0;
  for (const auto* input : stream::inputs_of(job.query)) bytes += table::open_input(*input, files)->bytes();
  return bytes;
}

DataPlan plan_data(storage::FileSystem& files, const TableJob& job, const MemoryPlan& memory,
                   const storage::Path& work) {
  stream::CompileOptions options;
  options.memory_bytes = memory.budget_bytes;
  DataPlan plan;
  plan.memory = memory;
  plan.stages =
      job.records ? stream::plan(*job.records, options, files) : stream::plan(job.query, options, files);
  plan.least_scratch = least_scratch(job, plan.stages.input_bytes);
  plan.work = work;
  plan.free_bytes = files.free_bytes(existing(work));
  return plan;
}

}  // namespace surd::batch
