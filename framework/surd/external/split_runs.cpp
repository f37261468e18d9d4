// Exact multisequence selection. Keys from the indices tell in which blocks the cuts lie. Of each cut, these
// blocks are read, and brackets narrowed there by comparing with pivots until their ends add up to the cut.
#include <algorithm>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/random.hpp"
#include "surd/external/detail/key_samples.hpp"
#include "surd/external/detail/run_regions.hpp"
#include "surd/external/run.hpp"

namespace surd::external {
namespace {

using detail::Bracket;

std::uint64_t sum(const std::vector<Bracket>& brackets, std::uint64_t Bracket::*end) {
  return std::accumulate(brackets.begin(), brackets.end(), std::uint64_t{0},
                         [&](std::uint64_t total, const Bracket& bracket) { return total + bracket.*end; });
}

class Selection {
 public:
  Selection(const detail::Order& order, const RunFiles& files, const std::vector<Run>& runs,
            std::uint64_t memory_bytes)
      : order_(order), runs_(runs), memory_bytes_(memory_bytes), regions_(order, files, runs) {}

  std::vector<std::vector<CutPosition>> split(const RunFiles& files, const std::vector<std::uint64_t>& cuts) {
    std::vector<Bracket> whole;
    for (const auto& run : runs_) whole.push_back({0, run.records, 0, 0, run.bytes});
    const auto most_samples = std::max<std::uint64_t>(memory_bytes_ / sample_bytes, 2 * runs_.size());
    auto brackets = sample_indices(order_, files, runs_, most_samples).brackets(cuts, whole);
    std::vector<std::vector<CutPosition>> positions;
    for (std::size_t i = 0; i < cuts.size(); ++i) positions.push_back(locate(cuts[i], brackets[i]));
    return positions;
  }

 private:
  /// Of an index entry, sampled and sorted.
  static constexpr std::uint64_t sample_bytes = 96;

  std::vector<CutPosition> locate(std::uint64_t cut, std::vector<Bracket> brackets) {
    for (auto bytes = regions_.bytes(brackets); bytes > memory_bytes_;) {
      brackets = regions_.narrow(brackets, cut, memory_bytes_ / 2);
      const auto narrowed = regions_.bytes(brackets);
      if (narrowed == bytes) break;  // single records, longer than memory: merging needs as much
      bytes = narrowed;
    }
    regions_.load(brackets);
    const auto loaded = brackets;
    select(cut, brackets);
    std::vector<CutPosition> position;
    for (std::size_t run = 0; run < runs_.size(); ++run) {
      const auto records = brackets[run].low;
      const auto& was = loaded[run];
      position.push_back({records, was.low == was.high ? was.end_byte : regions_[run].byte_of(records)});
    }
    return position;
  }

  /// Narrows the brackets until low says where the cut goes.
  void select(std::uint64_t cut, std::vector<Bracket>& brackets) {
    for (bool guess = true;; guess = !guess) {
      const auto low = sum(brackets, &Bracket::low);
      const auto high = sum(brackets, &Bracket::high);
      base::expect(low <= cut && cut <= high, "a cut left its bracket");
      if (low == cut) return;
      if (high == cut) {
        for (auto& bracket : brackets) bracket.low = bracket.high;
        return;
      }
      const auto [run, number] =
          guess ? interpolate(brackets, cut - low, high - low) : draw(brackets, high - low);
      compare_with(run, number, cut, brackets);
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
  void compare_with(std::size_t pivot_run, std::uint64_t number, std::uint64_t cut,
                    std::vector<Bracket>& brackets) {
    const auto* const record = regions_[pivot_run].record(number);
    counts_.resize(brackets.size());
    std::uint64_t before = 0;
    for (std::size_t run = 0; run < brackets.size(); ++run) {
      counts_[run] = run == pivot_run ? number : count(run, brackets[run], record, run < pivot_run);
      before += counts_[run];
    }
    const bool behind = before < cut;  // then the pivot itself comes before the cut, too
    for (std::size_t run = 0; run < brackets.size(); ++run) {
      (behind ? brackets[run].low : brackets[run].high) = counts_[run];
    }
    if (behind) ++brackets[pivot_run].low;
  }

  /// Records of `run` before `pivot`, or also those equal to it.
  [[nodiscard]] std::uint64_t count(std::size_t run, Bracket bracket, const std::byte* pivot,
                                    bool or_equal) const {
    while (bracket.low < bracket.high) {
      const auto middle = bracket.low + (bracket.high - bracket.low) / 2;
      const auto order = order_.compare(regions_[run].record(middle), pivot);
      if (order < 0 || (or_equal && order == 0)) {
        bracket.low = middle + 1;
      } else {
        bracket.high = middle;
      }
    }
    return bracket.low;
  }

  const detail::Order& order_;
  const std::vector<Run>& runs_;
  std::uint64_t memory_bytes_;
  detail::RunRegions regions_;
  base::RandomStream random_{0, 0};
  std::vector<std::uint64_t> counts_;
};

}  // namespace

std::vector<std::vector<CutPosition>> split_runs(const RecordFormat& format, const RunFiles& files,
                                                 const std::vector<Run>& runs,
                                                 const std::vector<std::uint64_t>& cuts,
                                                 std::uint64_t memory_bytes) {
  const detail::Order order(format);
  std::uint64_t records = 0;
  for (const auto& run : runs) records += run.records;
  if (!std::is_sorted(cuts.begin(), cuts.end()) || (!cuts.empty() && cuts.back() > records)) {
    throw base::UsageError(fmt::format("cuts must ascend to at most {} records", records));
  }
  return Selection(order, files, runs, memory_bytes).split(files, cuts);
}

}  // namespace surd::external
