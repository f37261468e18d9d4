// Exact multisequence selection. Keys from the indices tell in which blocks the cuts lie. There, brackets are
// narrowed by comparing with pivots until their ends add up to the cut: in memory as soon as what lies
// between them fits, until then on disk, where a pivot costs some reads per run.
#include <algorithm>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/random.hpp"
#include "surd/external/detail/key_samples.hpp"
#include "surd/external/detail/run_probe.hpp"
#include "surd/external/detail/run_regions.hpp"
#include "surd/external/detail/workspace.hpp"
#include "surd/external/run.hpp"

namespace surd::external {
namespace {

using detail::Bracket;

std::uint64_t sum(const std::vector<Bracket>& brackets, std::uint64_t Bracket::*end) {
  return std::accumulate(brackets.begin(), brackets.end(), std::uint64_t{0},
                         [&](std::uint64_t total, const Bracket& bracket) { return total + bracket.*end; });
}

/// Of an index entry, sampled and sorted.
constexpr std::uint64_t sample_bytes = 96;

class Selection {
 public:
  /// `memory`: what RunProbe needs, and more to hold stretches of runs in.
  Selection(const detail::Order& order, const RunFiles& files, const std::vector<Run>& runs,
            detail::Workspace& memory)
      : runs_(runs),
        probe_(order, files, runs, memory.take(detail::RunProbe::memory_bytes(longest_of(runs)))),
        regions_(order, files, runs, memory.take_rest(64)) {}

  std::vector<CutPosition> locate(std::uint64_t cut, std::vector<Bracket> brackets) {
    select(cut, brackets);
    std::vector<CutPosition> position;
    for (std::size_t run = 0; run < runs_.size(); ++run) {
      position.push_back(probe_.find(run, brackets[run], brackets[run].low));
    }
    return position;
  }

 private:
  /// Narrows the brackets until low says where the cut goes.
  void select(std::uint64_t cut, std::vector<Bracket>& brackets) {
    bool loaded = false;
    for (bool guess = true;; guess = !guess) {
      const auto low = sum(brackets, &Bracket::low);
      const auto high = sum(brackets, &Bracket::high);
      base::expect(low <= cut && cut <= high, "a cut left its bracket");
      if (low == cut) return;
      if (high == cut) {
        for (auto& bracket : brackets) bracket.low = bracket.high;
        return;
      }
      if (!loaded && regions_.fit(brackets)) {
        regions_.load(brackets);
        loaded = true;
      }
      const auto pivot = guess ? interpolate(brackets, cut - low, high - low) : draw(brackets, high - low);
      if (loaded) {
        compare_with(pivot, regions_, cut, brackets);
      } else {
        compare_with(pivot, probe_, cut, brackets);
      }
    }
  }

  struct Pivot {
    std::size_t run;
    std::uint64_t number;
  };

  /// In the widest bracket, as far along as the cut is in all of them: close, if runs are alike.
  static Pivot interpolate(const std::vector<Bracket>& brackets, std::uint64_t wanted, std::uint64_t total) {
    const auto widest = std::max_element(brackets.begin(), brackets.end(), [](const auto& a, const auto& b) {
      return a.high - a.low < b.high - b.low;
    });
    const auto width = widest->high - widest->low;
    const auto share = static_cast<double>(wanted) / static_cast<double>(total);
    const auto step = static_cast<std::uint64_t>(share * static_cast<double>(width));
    return {static_cast<std::size_t>(widest - brackets.begin()), widest->low + std::min(step, width - 1)};
  }

  /// Any record of a bracket with equal chance: halves them, whatever the runs are like.
  Pivot draw(const std::vector<Bracket>& brackets, std::uint64_t total) {
    auto left = random_.below(total);
    for (std::size_t run = 0;; ++run) {
      const auto width = brackets[run].high - brackets[run].low;
      if (left < width) return {run, brackets[run].low + left};
      left -= width;
    }
  }

  /// Counts the records before the pivot, and moves the lower or the upper ends there.
  void compare_with(const Pivot& pivot, detail::PivotCount& records, std::uint64_t cut,
                    std::vector<Bracket>& brackets) {
    const auto place = records.set_pivot(pivot.run, brackets[pivot.run], pivot.number);
    counts_.resize(brackets.size());
    std::uint64_t before = 0;
    for (std::size_t run = 0; run < brackets.size(); ++run) {
      counts_[run] = run == pivot.run ? place : records.count(run, brackets[run], run < pivot.run);
      before += counts_[run].records;
    }
    const bool behind = before < cut;  // then the pivot itself comes before the cut, too
    for (std::size_t run = 0; run < brackets.size(); ++run) {
      auto& bracket = brackets[run];
      const auto& count = counts_[run];
      if (behind) {
        bracket.low = bracket.begin_record = count.records;
        bracket.begin_byte = count.bytes;
      } else {
        bracket.high = count.records;
        bracket.end_byte = count.bytes;
      }
    }
    if (behind) ++brackets[pivot.run].low;
  }

  const std::vector<Run>& runs_;
  detail::RunProbe probe_;
  detail::RunRegions regions_;
  base::RandomStream random_{0, 0};
  std::vector<CutPosition> counts_;
};

/// Shape [cuts][runs]: what the indices tell.
std::vector<std::vector<Bracket>> indexed(const detail::Order& order, const RunFiles& files,
                                          const std::vector<Run>& runs,
                                          const std::vector<std::uint64_t>& cuts,
                                          std::uint64_t memory_bytes) {
  std::vector<Bracket> whole;
  whole.reserve(runs.size());
  for (const auto& run : runs) whole.push_back({0, run.records, 0, 0, run.bytes});
  const auto most = std::max<std::uint64_t>(memory_bytes / sample_bytes, 2 * runs.size());
  return sample_indices(order, files, runs, most).brackets(cuts, whole);
}

}  // namespace

std::uint64_t least_split_memory(const std::vector<Run>& runs) noexcept {
  return std::max(detail::RunProbe::memory_bytes(longest_of(runs)), 2 * runs.size() * sample_bytes);
}

std::vector<std::vector<CutPosition>> split_runs(const RecordFormat& format, const RunFiles& files,
                                                 const std::vector<Run>& runs,
                                                 const std::vector<std::uint64_t>& cuts,
                                                 memory::Budget& budget, std::uint64_t memory_bytes) {
  const detail::Order order(format);
  std::uint64_t records = 0;
  for (const auto& run : runs) records += run.records;
  if (!std::is_sorted(cuts.begin(), cuts.end()) || (!cuts.empty() && cuts.back() > records)) {
    throw base::UsageError(fmt::format("cuts must ascend to at most {} records", records));
  }
  const auto least = least_split_memory(runs);
  detail::Workspace memory(budget, least, std::max(least, memory_bytes), "cutting sorted runs");
  // Sampled keys are gone before the workspace, which has no pages until then, takes their place.
  const auto brackets = indexed(order, files, runs, cuts, memory.bytes());
  Selection selection(order, files, runs, memory);
  std::vector<std::vector<CutPosition>> positions;
  for (std::size_t i = 0; i < cuts.size(); ++i) positions.push_back(selection.locate(cuts[i], brackets[i]));
  return positions;
}

}  // namespace surd::external
