#include "surd/stream/detail/merge_pass.hpp"

#include <algorithm>

#include "surd/external/sort.hpp"
#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/pipe_stage.hpp"

namespace surd::stream::detail {
namespace {

/// base^exponent, at most `limit`.
std::uint64_t bounded_power(std::uint64_t base, std::size_t exponent, std::uint64_t limit) {
  std::uint64_t power = 1;
  for (; exponent > 0; --exponent) power = power > limit / base ? limit : power * base;
  return power;
}

class MergePassStage : public Stage {
 public:
  MergePassStage(external::RecordFormat format, std::vector<external::Run> runs, std::uint64_t fan_in,
                 std::uint64_t memory_bytes)
      : format_(std::move(format)), runs_(std::move(runs)), fan_in_(fan_in), memory_bytes_(memory_bytes) {}

  [[nodiscard]] std::string name() const override { return "merge runs"; }
  [[nodiscard]] std::uint64_t units() const override { return (runs_.size() + fan_in_ - 1) / fan_in_; }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override {
    std::uint64_t bytes = 0;
    for (const auto& run : runs_of(unit)) bytes += run.bytes;
    return bytes;
  }

  void run(std::uint64_t first, std::uint64_t last, Worker& worker,
           const std::function<void(Artifact)>& commit) override {
    const auto memory = divide(memory_bytes_, 1, 0);
    for (auto unit = first; unit < last && !(worker.stop && worker.stop()); ++unit) {
      UnitOutput output;
      OpenFiles files(worker.spills);
      auto runs = runs_of(unit);
      for (auto& run : runs) {
        run.file = files.index(run.file);
        output.rows += run.records;
      }
      output.runs.push_back(external::merge_to_run(format_, files.list(), runs, worker.budget, memory.heavy,
                                                   worker.spills.own(), worker.spills.own_number(),
                                                   worker.io));
      commit({.first = unit, .last = unit + 1, .content = encode(output)});
      if (worker.progress) worker.progress(output.rows, unit_bytes(unit));
    }
  }

 private:
  [[nodiscard]] std::vector<external::Run> runs_of(std::uint64_t unit) const {
    const auto begin = static_cast<std::ptrdiff_t>(unit * fan_in_);
    const auto end = static_cast<std::ptrdiff_t>(std::min<std::uint64_t>((unit + 1) * fan_in_, runs_.size()));
    return {runs_.begin() + begin, runs_.begin() + end};
  }

  external::RecordFormat format_;
  std::vector<external::Run> runs_;
  std::uint64_t fan_in_;
  std::uint64_t memory_bytes_;
};

}  // namespace

std::uint64_t runs_at_once(const external::RecordFormat& format, std::uint64_t memory_bytes) {
  return std::max<std::uint64_t>(2, external::fan_in(format, divide(memory_bytes, 2, 1).heavy));
}

std::size_t merge_passes_for(std::uint64_t expected_runs, std::uint64_t fan_in) {
  if (expected_runs <= fan_in) return 0;
  return expected_runs <= bounded_power(fan_in, 2, 1 << 30) / 4 ? 1 : 2;
}

std::vector<external::Run> last_runs(const std::vector<std::vector<Artifact>>& before,
                                     const std::vector<std::size_t>& stages) {
  std::vector<external::Run> runs;
  for (auto stage = stages.rbegin(); stage != stages.rend() && runs.empty(); ++stage) {
    for (auto& output : decode(before[*stage])) {
      runs.insert(runs.end(), output.runs.begin(), output.runs.end());
    }
  }
  return runs;
}

std::unique_ptr<Stage> merge_pass_stage(const external::RecordFormat& format, std::vector<external::Run> runs,
                                        const MergeLimits& limits, std::uint64_t memory_bytes) {
  const auto wanted = bounded_power(limits.fan_in, limits.passes_after, 1 << 20) * limits.last_runs;
  if (runs.size() <= wanted) return empty_stage("merge runs");
  const auto together = std::min<std::uint64_t>(limits.fan_in, (runs.size() + wanted - 1) / wanted);
  return std::make_unique<MergePassStage>(format, std::move(runs), together, memory_bytes);
}

}  // namespace surd::stream::detail
