#include "surd/sweep/work_queue.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace surd::sweep {
namespace {

constexpr std::uint64_t most_units = std::uint64_t{1} << 16;

}  // namespace

std::uint64_t Batch::points() const noexcept {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < run_count; ++i) total += runs[i].count;
  return total;
}

WorkQueue::WorkQueue(const Grid& grid, PointSet open)
    : grid_(grid), open_(std::move(open)), open_count_(open_.size()) {}

Run WorkQueue::unit_run(std::uint64_t unit) const {
  if (units_are_points_) return {unit, 1};
  const auto begin = grid_.chunk_begin(unit);
  return {begin, grid_.chunk_begin(unit + 1) - begin};
}

void WorkQueue::sort(const CostModel& costs) {
  // Tranches already admitted keep their points, but walk them in the new order from the start.
  const bool by_points = open_count_ + claimed_count_ <= most_units;
  if (!by_points && grid_.chunk_count() > most_units) return;
  std::vector<std::pair<double, std::uint64_t>> ranked;
  const auto rank_open = [&](const PointSet& points) {
    for (auto run = points.next_run(0); run; run = points.next_run(run->end())) {
      if (by_points) {
        for (auto p = run->first; p < run->end(); ++p) ranked.emplace_back(-costs.relative(p), p);
      } else {
        for (auto c = grid_.chunk_of(run->first); c <= grid_.chunk_of(run->end() - 1); ++c) {
          if (!ranked.empty() && ranked.back().second == c) continue;
          const auto begin = grid_.chunk_begin(c);
          ranked.emplace_back(-costs.relative(begin + (grid_.chunk_begin(c + 1) - begin) / 2), c);
        }
      }
    }
  };
  PointSet all = open_;
  all |= claimed_points();
  rank_open(all);
  std::sort(ranked.begin(), ranked.end());
  std::vector<PointSet> admitted;
  for (auto& tranche : tranches_) {
    PointSet left;
    Run run;
    while (next_run(tranche, ~std::uint64_t{0}, run)) left.add(run);
    admitted.push_back(std::move(left));
  }
  units_.clear();
  for (const auto& [cost, unit] : ranked) units_.push_back(unit);
  units_are_points_ = by_points;
  claim_unit_ = 0;
  claim_position_ = 0;
  tranches_.clear();
  if (admitted.empty()) return;
  PointSet merged;
  for (const auto& points : admitted) merged |= points;
  const auto left = merged.size();
  if (left > 0) tranches_.push_back({std::move(merged), 0, 0, left});
}

PointSet WorkQueue::claim_next(std::uint64_t points, const PointSet& avoid) {
  PointSet chosen;
  std::uint64_t count = 0;
  const auto choose = [&](Run run) {
    PointSet part(run);
    part -= avoid;
    count += part.size();
    chosen |= part;
  };
  for (int pass = 0; pass < 2 && count < points; ++pass) {
    if (units_.empty()) {
      while (count < points) {
        const auto run = open_.next_run(claim_position_, points - count);
        if (!run) break;
        const auto before = count;
        choose(*run);
        claim_position_ = run->end();
        if (count == before) {  // wholly avoided: jump to the end of what is to be avoided
          const auto avoided = avoid.next_run(run->first);
          if (avoided && avoided->first == run->first)
            claim_position_ = std::max(claim_position_, avoided->end());
        }
      }
      if (count < points) claim_position_ = 0;
      continue;
    }
    for (; claim_unit_ < units_.size() && count < points; ++claim_unit_) {
      const auto unit = unit_run(units_[claim_unit_]);
      for (auto run = open_.next_run(unit.first); run && run->first < unit.end();
           run = open_.next_run(run->end())) {
        choose({run->first, std::min(run->end(), unit.end()) - run->first});
      }
    }
    if (count < points) claim_unit_ = 0;
  }
  return chosen;
}

void WorkQueue::admit(const PointSet& claimed) {
  Tranche tranche;
  tranche.points = claimed;
  tranche.points &= open_;
  tranche.left = tranche.points.size();
  if (tranche.left == 0) return;
  open_ -= tranche.points;
  open_count_ -= tranche.left;
  claimed_count_ += tranche.left;
  tranches_.push_back(std::move(tranche));
}

void WorkQueue::drop(const PointSet& stored) {
  open_ -= stored;
  open_count_ = open_.size();
  claimed_count_ = 0;
  for (auto& tranche : tranches_) {
    Tranche walk = tranche;
    PointSet left;
    Run run;
    while (next_run(walk, ~std::uint64_t{0}, run)) left.add(run);
    left -= stored;
    tranche.points = std::move(left);
    tranche.left = tranche.points.size();
    claimed_count_ += tranche.left;
  }
  std::erase_if(tranches_, [](const Tranche& t) { return t.left == 0; });
}

bool WorkQueue::next_run(Tranche& tranche, std::uint64_t limit, Run& run) const {
  if (tranche.left == 0) return false;
  if (units_.empty()) {
    const auto next = tranche.points.next_run(tranche.position, limit);
    if (!next) return false;
    run = *next;
    tranche.position = run.end();
    tranche.left -= run.count;
    return true;
  }
  for (; tranche.unit < units_.size(); ++tranche.unit, tranche.position = 0) {
    const auto unit = unit_run(units_[tranche.unit]);
    const auto next = tranche.points.next_run(std::max(unit.first, tranche.position), limit);
    if (!next || next->first >= unit.end()) continue;
    run = {next->first, std::min(next->end(), unit.end()) - next->first};
    tranche.position = run.end();
    tranche.left -= run.count;
    return true;
  }
  return false;
}

Batch WorkQueue::take(const BatchLimits& limits, const CostModel* costs) {
  Batch batch;
  double seconds = 0;
  std::uint64_t points = 0;
  PointSet skipped;
  while (batch.run_count < Batch::max_runs && points < limits.points && !tranches_.empty()) {
    auto& tranche = tranches_.front();
    Run run;
    if (!next_run(tranche, limits.points - points, run)) {
      tranches_.pop_front();
      continue;
    }
    const double estimate = costs != nullptr ? costs->estimate(run.first) : -1;
    if (limits.seconds > 0 && estimate > 0) {  // give back what the first point's estimate says is too much
      const double room = std::max(1.0, (limits.seconds - seconds) / estimate);
      const auto fits = room < static_cast<double>(run.count) ? static_cast<std::uint64_t>(room) : run.count;
      tranche.position -= run.count - fits;
      tranche.left += run.count - fits;
      run.count = fits;
    }
    claimed_count_ -= run.count;
    if (limits.longest_point > 0 && estimate > limits.longest_point) {
      skipped.add(run);
      continue;
    }
    batch.runs[batch.run_count++] = run;
    points += run.count;
    if (estimate > 0) seconds += estimate * static_cast<double>(run.count);
    if (limits.seconds > 0 && seconds >= limits.seconds) break;
  }
  if (const auto left = skipped.size(); left > 0) {
    claimed_count_ += left;
    tranches_.push_back({std::move(skipped), 0, 0, left});
  }
  return batch;
}

PointSet WorkQueue::claimed_points() const {
  PointSet all;
  for (const auto& tranche : tranches_) {
    Tranche walk = tranche;
    Run run;
    while (next_run(walk, ~std::uint64_t{0}, run)) all.add(run);
  }
  return all;
}

}  // namespace surd::sweep
