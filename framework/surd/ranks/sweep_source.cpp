#include "surd/ranks/sweep_source.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "surd/base/log.hpp"

#include <fmt/format.h>

namespace surd::ranks {
namespace {

constexpr double shortest_batch_seconds = 1e-3;
constexpr double longest_batch_seconds = 0.25;
constexpr double claim_seconds = 2;  ///< Work claimed from the lease at a time.
constexpr double claim_retry_seconds = 0.2;
constexpr double long_point_seconds = 0.1;  ///< From here on no point is claimed before a rank can take it.
constexpr double look_seconds = 0.5;        ///< Between looks at what neighbours have stored.
constexpr double state_seconds = 0.1;
constexpr double end_margin_seconds = 2;  ///< Kept free before the time limit, to flush and leave.

/// Learns from stored points what points cost; a few of each block are enough.
void learn(sweep::CostModel& costs, const sweep::Block& block) {
  const auto step = std::max<std::size_t>(1, block.size() / 4);
  for (std::size_t i = 0; i < block.size(); i += step) {
    costs.observe(block.position(i), block.seconds(i), static_cast<double>(std::min(step, block.size() - i)));
  }
}

}  // namespace

SweepSource::SweepSource(storage::FileSystem& files, const sweep::Definition& definition,
                         const SweepOptions& options, std::vector<std::string> hosts,
                         const SweepObserver& observe)
    : options_(options),
      observe_(observe),
      start_(std::chrono::steady_clock::now()),
      costs_(definition, options.cost),
      memo_(files, options.memo, definition,
            {options.keep_other_versions, [this](const sweep::Block& block) { learn(costs_, block); }}),
      leases_(files, options.leases, definition, options.origin.run, options.lease_seconds),
      running_(hosts.size()),
      busy_seconds_(hosts.size()),
      last_report_(hosts.size()) {
  sweep::PointSet missing(sweep::Run{0, definition.grid.size()});
  excluded_ = definition.grid.excluded();
  missing -= excluded_;
  state_.total = missing.size();
  missing -= memo_.done();
  sweep::PointSet stored(memo_.done());
  stored -= excluded_;
  state_.stored_before = state_.done = stored.size();
  sweep::PointSet failed(memo_.failed());
  failed -= excluded_;
  state_.failed = failed.size();
  if (options.retry_failed) {
    state_.failed = 0;  // they are missing again
  } else {
    missing -= failed;
  }
  queue_.emplace(definition.grid, std::move(missing));
  for (auto& host : hosts) {
    state_.ranks.emplace_back();
    state_.ranks.back().host = std::move(host);
  }
  sort_by_cost();
}

double SweepSource::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
}

double SweepSource::seconds_left() const {
  return options_.time_left_seconds - elapsed() - end_margin_seconds;
}

bool SweepSource::memory_allows(int rank) const {
  const auto need = std::max(options_.memory_per_point, point_bytes_);
  const auto place = static_cast<std::size_t>(rank);
  if (options_.memory_per_node == 0 || need == 0 || !running_[place].empty()) return true;
  std::uint64_t at_work = 0;
  for (std::size_t other = 0; other < running_.size(); ++other) {
    if (!running_[other].empty() && state_.ranks[other].host == state_.ranks[place].host) ++at_work;
  }
  return at_work < std::max<std::uint64_t>(1, options_.memory_per_node / need);
}

sweep::WorkQueue::BatchLimits SweepSource::limits() const {
  sweep::WorkQueue::BatchLimits limits;
  const double each = costs_.mean();
  if (options_.time_left_seconds > 0) limits.longest_point = std::max(1e-9, seconds_left() / costs_.spread());
  if (each < 0) return limits;  // nothing is known yet: one point
  const auto left = static_cast<double>(queue_->claimed() + queue_->open());
  const auto workers = static_cast<double>(running_.size());
  limits.seconds = std::clamp(left * each / (4 * workers), shortest_batch_seconds, longest_batch_seconds);
  limits.points = static_cast<std::uint64_t>(
      std::clamp(limits.seconds / each, 1.0, std::max(1.0, std::ceil(left / (2 * workers)))));
  return limits;
}

WorkSource::Answer SweepSource::next(int rank, sweep::Batch& batch) {
  if (stopping_) return Answer::finished;
  if (!memory_allows(rank)) return Answer::wait;
  if (queue_->claimed() == 0) claim_more();
  do {  // claimed points may all be too long for the time left
    batch = queue_->take(limits(), costs_.observations() > 0 ? &costs_ : nullptr);
  } while (batch.run_count == 0 && queue_->open() > 0 && claim_more());
  if (batch.run_count > 0) {
    running_[static_cast<std::size_t>(rank)].push_back(batch);
    state_.running += batch.points();
    return Answer::work;
  }
  if (queue_->claimed() > 0) {  // only points that cannot end before the time limit
    out_of_time_ = true;
    return Answer::finished;
  }
  return queue_->open() == 0 ? Answer::finished : Answer::wait;
}

bool SweepSource::claim_more() {
  const double now = elapsed();
  if (queue_->open() == 0 ||
      (last_claim_ >= 0 && claim_points_ == 0 && now - last_claim_ < claim_retry_seconds)) {
    return false;
  }
  last_claim_ = now;
  const auto workers = static_cast<double>(running_.size());
  const double each = costs_.mean();
  const double wanted_points = each > 0 ? claim_seconds * workers / each : 0;
  const double least = each >= 0 && each < long_point_seconds ? 16 * workers : workers;
  const auto points = static_cast<std::uint64_t>(std::clamp(wanted_points, least, 1e12));
  const auto wanted = queue_->claim_next(points, leases_.others());
  auto mine = queue_->claimed_points();
  for (const auto& batches : running_) {
    for (const auto& batch : batches) {
      for (std::size_t i = 0; i < batch.run_count; ++i) mine.add(batch.runs[i]);
    }
  }
  mine |= wanted;
  auto granted = leases_.claim(mine);
  granted &= wanted;
  claim_points_ = granted.size();
  queue_->admit(granted);
  // What a neighbour has stored since the last look is no longer in its claim, and so may be in ours.
  if (leases_.neighbours() > 0 || had_neighbours_) take_over_stored();
  return claim_points_ > 0;
}

void SweepSource::finished(int rank, const sweep::Batch& batch, const Report& report) {
  const auto place = static_cast<std::size_t>(rank);
  running_[place].erase(running_[place].begin());
  state_.running -= batch.points();
  if (report.given_up > 0) stopping_ = true;  // points are missing: this run cannot be complete
  state_.computed += report.points;
  state_.failed_here += report.failed;
  state_.failed += report.failed;
  state_.done += report.points - report.failed;
  auto& shown = state_.ranks[place];
  shown.computed += report.points;
  shown.resident_bytes = report.resident_bytes;
  shown.peak_bytes = report.peak_bytes;
  busy_seconds_[place] += report.seconds;
  last_report_[place] = elapsed();
  point_bytes_ = std::max(point_bytes_, report.point_bytes);
  if (report.points > 0) {
    const double each = report.seconds / static_cast<double>(report.points);
    for (std::size_t i = 0; i < batch.run_count; ++i) {
      costs_.observe(batch.runs[i].first + batch.runs[i].count / 2, each,
                     static_cast<double>(batch.runs[i].count));
    }
  }
  if (state_.failed_here > options_.max_failures) too_many_failures_ = stopping_ = true;
}

void SweepSource::sort_by_cost() {
  // Sorting pays once costs are known to differ, and again when four times as much is known.
  if (!costs_.distinguishes() || (queue_->sorted() && costs_.observations() < 4 * sorted_at_)) return;
  if (sorted_at_ > 0 && costs_.mean() < shortest_batch_seconds) return;
  sorted_at_ = std::max(1.0, costs_.observations());
  queue_->sort(costs_);
}

bool SweepSource::upkeep() {
  const double now = elapsed();
  if (now - last_state_ < state_seconds) return stopping_;
  leases_.beat();
  if (now - last_look_ >= look_seconds) {
    last_look_ = now;
    look_at_neighbours();
  }
  if (!stopping_) sort_by_cost();
  if (options_.time_left_seconds > 0 &&
      seconds_left() < std::min(options_.grace_seconds, options_.time_left_seconds / 10))
    out_of_time_ = stopping_ = true;
  update_state(now);
  if (observe_) observe_(state_);
  return stopping_;
}

void SweepSource::look_at_neighbours() {
  (void)leases_.others();
  state_.neighbours = leases_.neighbours();
  if (state_.neighbours > 0 || had_neighbours_) take_over_stored();
}

void SweepSource::take_over_stored() {
  had_neighbours_ = true;
  memo_.refresh();
  queue_->drop(memo_.done());
  sweep::PointSet failed(memo_.failed());
  if (!options_.retry_failed) queue_->drop(failed);
  state_.done = std::max(state_.done, memo_.done().size());
}

void SweepSource::update_state(double now) {
  const double step = now - last_state_;
  const auto rate = static_cast<double>(state_.computed - computed_at_last_state_) / step;
  const double weight = std::min(1.0, step / 2);  // forgets over about two seconds
  state_.rate += weight * (rate - state_.rate);
  if (now < 2) state_.rate = static_cast<double>(state_.computed) / now;
  state_.seconds = now;
  state_.stopping = stopping_;
  const auto left = static_cast<double>(queue_->open() + queue_->claimed() + state_.running);
  state_.eta_seconds = state_.rate > 0 ? left / state_.rate : -1;
  for (std::size_t rank = 0; rank < running_.size(); ++rank) {
    // A rank that has not reported for a while but has work is inside a long point.
    const bool inside = !running_[rank].empty() && now - last_report_[rank] > 1;
    const double share = inside ? 1 : std::min(1.0, busy_seconds_[rank] / step);
    state_.ranks[rank].busy += weight * (share - state_.ranks[rank].busy);
    busy_seconds_[rank] = 0;
  }
  last_state_ = now;
  computed_at_last_state_ = state_.computed;
}

SweepResult SweepSource::conclude() {
  leases_.release();
  if (had_neighbours_) {
    look_at_neighbours();
    sweep::PointSet done(memo_.done());
    sweep::PointSet failed(memo_.failed());
    done -= excluded_;
    failed -= excluded_;
    state_.done = done.size();
    state_.failed = failed.size();
  }
  state_.seconds = elapsed();
  state_.running = 0;
  state_.eta_seconds = 0;
  if (observe_) observe_(state_);
  const bool complete = state_.done + state_.failed >= state_.total || (!stopping_ && !out_of_time_);
  const auto end = too_many_failures_ ? SweepEnd::too_many_failures
                   : complete         ? SweepEnd::complete
                                      : SweepEnd::interrupted;
  return {end, state_};
}

}  // namespace surd::ranks
