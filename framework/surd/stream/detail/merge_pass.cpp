#include "surd/stream/detail/merge_pass.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/sort.hpp"
#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/pipe_stage.hpp"

namespace surd::stream::detail {
namespace {

using external::Run;

/// base^exponent, at most `limit`.
std::uint64_t bounded_power(std::uint64_t base, std::size_t exponent, std::uint64_t limit) {
  std::uint64_t power = 1;
  for (; exponent > 0; --exponent) power = power > limit / base ? limit : power * base;
  return power;
}

/// Merges the runs of one unit into one, in as many levels as it takes. What lies between the levels goes to
/// scratch files that vanish with this process.
class UnitMerge {
 public:
  UnitMerge(const Merging& merging, std::uint64_t fan_in, Worker& worker)
      : merging_(merging), fan_in_(fan_in), worker_(worker), files_(worker.spills) {}

  /// nullopt if the job is stopping.
  std::optional<Run> merge(std::vector<Run> runs) {
    for (auto& run : runs) run.file = files_.index(run.file);
    auto readers = files_.list();
    std::optional<external::SpillFile> level;
    while (runs.size() > fan_in_) {
      auto next = external::SpillFile::scratch(worker_.files, worker_.scratch);
      const auto number = files_.list().size();
      std::vector<Run> fewer;
      for (std::size_t begin = 0; begin < runs.size(); begin += fan_in_) {
        if (worker_.stop && worker_.stop()) return std::nullopt;
        fewer.push_back(merge_some(runs, begin, readers, next, number));
      }
      next.flush(worker_.io);
      level.emplace(std::move(next));
      readers.resize(number);
      readers.push_back(&level->reader());
      runs = std::move(fewer);
    }
    return merge_some(runs, 0, readers, worker_.spills.own(), worker_.spills.own_number());
  }

 private:
  Run merge_some(const std::vector<Run>& runs, std::size_t begin, const external::RunFiles& readers,
                 external::SpillFile& into, std::uint64_t number) {
    const auto end = std::min<std::size_t>(begin + fan_in_, runs.size());
    return external::merge_to_run(
        merging_.format, readers,
        {runs.begin() + static_cast<std::ptrdiff_t>(begin), runs.begin() + static_cast<std::ptrdiff_t>(end)},
        worker_.budget, merge_pass_bytes(merging_.memory_bytes, merging_.beside_bytes), into, number,
        worker_.io);
  }

  const Merging& merging_;
  std::uint64_t fan_in_;
  Worker& worker_;
  OpenFiles files_;
};

class MergePassStage : public Stage {
 public:
  MergePassStage(Merging merging, std::vector<Run> runs, std::uint64_t together, std::uint64_t fan_in)
      : merging_(std::move(merging)), runs_(std::move(runs)), together_(together), fan_in_(fan_in) {}

  [[nodiscard]] std::string name() const override { return "merge runs"; }
  [[nodiscard]] std::uint64_t units() const override { return (runs_.size() + together_ - 1) / together_; }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override {
    std::uint64_t bytes = 0;
    for (const auto& run : runs_of(unit)) bytes += run.bytes;
    return bytes;
  }

  void run(std::uint64_t first, std::uint64_t last, Worker& worker,
           const std::function<void(Artifact)>& commit) override {
    for (auto unit = first; unit < last && !(worker.stop && worker.stop()); ++unit) {
      const auto merged = UnitMerge(merging_, fan_in_, worker).merge(runs_of(unit));
      if (!merged) return;
      UnitOutput output;
      output.rows = merged->records;
      output.runs.push_back(*merged);
      commit({.first = unit, .last = unit + 1, .content = encode(output)});
      if (worker.progress) worker.progress(output.rows, unit_bytes(unit));
    }
  }

 private:
  [[nodiscard]] std::vector<Run> runs_of(std::uint64_t unit) const {
    const auto begin = static_cast<std::ptrdiff_t>(unit * together_);
    const auto end =
        static_cast<std::ptrdiff_t>(std::min<std::uint64_t>((unit + 1) * together_, runs_.size()));
    return {runs_.begin() + begin, runs_.begin() + end};
  }

  Merging merging_;
  std::vector<Run> runs_;
  std::uint64_t together_;
  std::uint64_t fan_in_;
};

}  // namespace

std::uint64_t runs_at_once(const external::RecordFormat& format, std::uint64_t memory_bytes,
                           std::uint64_t beside) {
  return std::max<std::uint64_t>(2, external::fan_in(format, divide(memory_bytes, 2, 1, beside).heavy));
}

PassPlan plan_passes(std::uint64_t expected_runs, std::uint64_t fan_in) {
  if (expected_runs <= fan_in) return {.passes = 1, .spare = true, .name = "merge runs, if rows are long"};
  const bool one = expected_runs <= bounded_power(fan_in, 2, 1 << 30) / 4;
  return {.passes = one ? 1U : 2U, .spare = false, .name = "merge runs"};
}

std::vector<Run> last_runs(const std::vector<std::vector<Artifact>>& before,
                           const std::vector<std::size_t>& stages) {
  std::vector<Run> runs;
  for (auto stage = stages.rbegin(); stage != stages.rend() && runs.empty(); ++stage) {
    for (auto& output : decode(before[*stage])) {
      runs.insert(runs.end(), output.runs.begin(), output.runs.end());
    }
  }
  return runs;
}

MergeLimits limits_for(const Merging& merging, const std::vector<Run>& runs, std::size_t passes_after) {
  const auto longest = external::longest_of(runs);
  MergeLimits limits{.passes_after = passes_after};
  const auto last_bytes = merging.last_bytes;
  // One run needs no merge, though its rows must still be read: whoever does so says what that takes.
  limits.last_runs = std::max<std::uint64_t>(1, external::fan_in(merging.format, last_bytes, longest));
  const auto pass_bytes = [&](std::uint64_t memory) {
    return external::without_index(merge_pass_bytes(memory, merging.beside_bytes));
  };
  limits.fan_in = external::fan_in(merging.format, pass_bytes(merging.memory_bytes), longest);
  if (limits.fan_in < 2 && runs.size() > limits.last_runs) {
    const auto needed = external::least_merge_memory(merging.format, 2, longest);
    refuse_long_rows(merging.step, longest, merging.memory_bytes, memory_for(needed, pass_bytes));
  }
  limits.fan_in = std::max<std::uint64_t>(2, limits.fan_in);
  return limits;
}

void refuse_long_rows(const std::string& step, std::uint64_t longest_bytes, std::uint64_t memory_bytes,
                      std::uint64_t needed_bytes) {
  throw base::UsageError(fmt::format("{}: merging rows of up to {} takes at least --memory {}MiB, not {}",
                                     step, base::format_bytes(longest_bytes), needed_bytes / base::MiB,
                                     base::format_bytes(memory_bytes)));
}

std::unique_ptr<Stage> merge_pass_stage(const Merging& merging, std::vector<Run> runs,
                                        const MergeLimits& limits) {
  const auto wanted = bounded_power(limits.fan_in, limits.passes_after, 1 << 20) * limits.last_runs;
  if (runs.size() <= wanted) return empty_stage("merge runs");
  auto together = (runs.size() + wanted - 1) / wanted;
  if (limits.passes_after > 0) together = std::min<std::uint64_t>(limits.fan_in, together);
  return std::make_unique<MergePassStage>(merging, std::move(runs), together, limits.fan_in);
}

}  // namespace surd::stream::detail
