#include "surd/ranks/watch.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "surd/base/clock.hpp"
#include "surd/base/error.hpp"
#include "surd/mpi/fatal.hpp"

namespace surd::ranks {
namespace {

constexpr double save_after_seconds =
    0.05;  ///< Into a point, outcomes of earlier points are written and synced.
constexpr double others_wait_seconds = 0.5;
constexpr double idle_period = 5e-3;
constexpr double shortest_period = 100e-6;
constexpr double longest_serving_period = 2e-3;

}  // namespace

Watch::Watch(Scheduler* scheduler, SharedWriter* writer, const std::atomic<bool>& stop, bool threads,
             bool serves, Grace grace)
    : scheduler_(scheduler),
      writer_(writer),
      stop_(stop),
      threads_(threads),
      serves_(serves && threads),
      grace_(grace),
      thread_([this] { run(); }) {}

Watch::~Watch() {
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

double Watch::period(double inside_seconds) const {
  if (!serves_ || inside_seconds <= 0) return idle_period;
  // A rank that waits loses at most a twentieth of the time this point has taken so far.
  return std::clamp(inside_seconds / 20, shortest_period, longest_serving_period);
}

void Watch::run() {
  std::unique_lock lock(mutex_);
  double inside = 0;
  while (!over_) {
    wake_.wait_for(lock, std::chrono::duration<double>(period(inside)));
    const double now = base::now_seconds();
    const double since = inside_since_.load(std::memory_order_relaxed);
    inside = since > 0 ? now - since : 0;
    if (scheduler_ != nullptr && threads_ && inside > shortest_period) scheduler_->poll();
    if (writer_ != nullptr && inside > save_after_seconds && saved_point_ != since) {
      saved_point_ = since;
      writer_->save();
    }
    enforce_grace(now);
  }
}

void Watch::enforce_grace(double now) {
  const bool stopping =
      stop_.load(std::memory_order_relaxed) || (scheduler_ != nullptr && scheduler_->stopping());
  if (!stopping) return;
  if (stop_seen_ == 0) stop_seen_ = now;
  if (now - stop_seen_ < grace_.seconds + (grace_.first ? 0 : others_wait_seconds)) return;
  if (writer_ != nullptr) writer_->save();
  const bool progress =
      (writer_ != nullptr && writer_->any()) || (scheduler_ != nullptr && scheduler_->progressed());
  std::fprintf(
      stderr,
      "surd: the work at hand did not end within %.0f s of the stop request; it is given up, and the "
      "next run does it\n",
      grace_.seconds);
  mpi::leave_job(progress ? static_cast<int>(base::ExitStatus::interrupted) : grace_.status);
}

}  // namespace surd::ranks
