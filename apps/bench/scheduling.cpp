// How fast work is handed out, and how evenly.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <queue>
#include <thread>

#include <fmt/format.h>

#include "surd/ranks/scheduler.hpp"
#include "surd/ranks/sweep.hpp"
#include "workload.hpp"

namespace bench {
namespace {

using surd::ranks::Report;
using surd::ranks::Scheduler;
using surd::ranks::WorkSource;
using surd::sweep::Batch;

/// Hands out [0, total), a fixed number at a time or guided; to other ranks only, so that every grant is a
/// message.
class Numbers final : public WorkSource {
 public:
  Numbers(std::uint64_t total, std::uint64_t batch, std::uint64_t guided_by)
      : total_(total), batch_(batch), guided_by_(guided_by) {}

  Answer next(int rank, Batch& batch) override {
    if (next_ == total_) return Answer::finished;
    if (rank == 0) return Answer::wait;
    const auto left = total_ - next_;
    const auto guided = guided_by_ == 0 ? batch_ : std::clamp<std::uint64_t>(left / guided_by_, 1, batch_);
    batch.run_count = 1;
    batch.runs[0] = {next_, std::min(guided, left)};
    next_ += batch.runs[0].count;
    ++grants;
    return Answer::work;
  }
  void finished(int, const Batch&, const Report&) override {}
  void stop_requested() override {}
  void point_failed(const std::string&) override {}
  bool upkeep() override { return false; }

  std::uint64_t grants = 0;

 private:
  std::uint64_t total_;
  std::uint64_t batch_;
  std::uint64_t guided_by_;
  std::uint64_t next_ = 0;
};

/// Seconds for all ranks to go through the source's work doing nothing; the best of three.
double drain(const surd::mpi::Communicator& world, const std::function<Numbers()>& make,
             std::uint64_t& grants) {
  double best = 1e300;
  for (int round = 0; round < 3; ++round) {
    auto source = make();
    const std::atomic<bool> stop{false};
    world.barrier();
    const Stopwatch watch;
    Scheduler scheduler(world, world.is_root() ? &source : nullptr, stop);
    volatile std::uint64_t sink = 0;
    while (const auto batch = scheduler.next()) {
      for (std::size_t i = 0; i < batch->run_count; ++i) sink = sink + batch->runs[i].count;
      scheduler.done({.points = batch->points(), .seconds = 1e-9});
      scheduler.between_points(watch.seconds());
    }
    scheduler.finish();
    best = std::min(best, world.max(watch.seconds()));
    grants = source.grants;
  }
  return best;
}

}  // namespace

std::vector<Figure> grants(const surd::mpi::Session& session, const Options& options) {
  const std::uint64_t n = options.n > 0 ? options.n : 400'000;
  std::uint64_t count = 0;
  const double seconds = drain(
      session.world(), [&] { return Numbers(n, 1, 0); }, count);
  const double goal = session.world().size() == 2 ? 600e3 : session.world().size() == 4 ? 200e3 : 0;
  return {{"one point per message", static_cast<double>(count) / seconds, "grants/s", goal}};
}

std::vector<Figure> guided(const surd::mpi::Session& session, const Options& options) {
  const std::uint64_t n = options.n > 0 ? options.n : 20'000'000;
  std::uint64_t count = 0;
  const double seconds = drain(
      session.world(), [&] { return Numbers(n, 64, 4); }, count);
  return {{"at most 64 points per message", static_cast<double>(n) / seconds, "points/s", 20e6}};
}

namespace {

/// Seconds of a sweep whose point i sleeps costs[i] seconds, and of which the job knows the cost if `told`.
double sleep_sweep(const surd::mpi::Session& session, const Options& options,
                   const std::vector<double>& costs, bool told, const std::string& name) {
  surd::base::Json axes;
  axes["axes"]["cost"]["zip"] = {{"i", surd::base::Json::array()}, {"seconds", surd::base::Json::array()}};
  for (std::size_t i = 0; i < costs.size(); ++i) {
    axes["axes"]["cost"]["zip"]["i"].push_back(i);
    axes["axes"]["cost"]["zip"]["seconds"].push_back(costs[i]);
  }
  const auto wanted = definition(axes.dump(), name);
  const auto evaluator = surd::sweep::evaluate_function([](const surd::sweep::Point& point,
                                                           surd::sweep::Context&) {
    const Stopwatch watch;  // busy, as real work is: sleeping would leave the core to rank 0's helper thread
    const double seconds = point.f64("seconds");
    while (watch.seconds() < seconds) continue;
    return surd::sweep::Values{{"x", 1.0}};
  });
  surd::ranks::SweepOptions sweep;
  sweep.memo = options.directory / name / "memo";
  sweep.leases = options.directory / name / "leases";
  sweep.scratch = options.directory / name / "scratch";
  sweep.origin.run = "bench-" + name;
  if (told) sweep.cost = "seconds";
  const std::atomic<bool> stop{false};
  session.world().barrier();
  const Stopwatch watch;
  const auto result = run_sweep(session, wanted, *evaluator, surd::storage::local_file_system(), sweep, stop);
  surd::base::expect(result.state.done == costs.size(), "the balance sweep is incomplete");
  return session.world().max(watch.seconds());
}

/// The best of three: what else the machine did meanwhile is not the scheduler's.
double best_sleep_sweep(const surd::mpi::Session& session, const Options& options,
                        const std::vector<double>& costs, bool told, const std::string& name) {
  double best = std::numeric_limits<double>::infinity();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    best = std::min(best, sleep_sweep(session, options, costs, told, name + std::to_string(attempt)));
  }
  return best;
}

/// The makespan of longest-processing-time-first list scheduling.
double lpt(std::vector<double> costs, int ranks) {
  std::sort(costs.rbegin(), costs.rend());
  std::priority_queue<double, std::vector<double>, std::greater<>> free_at;
  for (int rank = 0; rank < ranks; ++rank) free_at.push(0);
  double end = 0;
  for (const double cost : costs) {
    const double done = free_at.top() + cost;
    free_at.pop();
    free_at.push(done);
    end = std::max(end, done);
  }
  return end;
}

}  // namespace

std::vector<Figure> balance(const surd::mpi::Session& session, const Options& options) {
  const int ranks = session.world().size();
  const std::size_t n = options.n > 0 ? options.n : 400;
  const std::vector<double> even(n, 10e-3);
  const double ideal = 10e-3 * static_cast<double>(n) / ranks;
  const double even_seconds = best_sleep_sweep(session, options, even, false, "even");

  surd::base::RandomStream random(7, 11);
  std::vector<double> skewed;
  for (std::size_t i = 0; i < n; ++i) skewed.push_back(1.5e-3 * std::exp(2 * random.normal()));
  const double bound = lpt(skewed, ranks);
  const double told = best_sleep_sweep(session, options, skewed, true, "skewed-told");
  const double blind = sleep_sweep(session, options, skewed, false, "skewed-blind");
  return {{"10 ms points, share of ideal", ideal / even_seconds, "", 0.98},
          {"log-normal sigma 2, cost known, makespan / LPT bound", told / bound, "", 1.05, true},
          {"log-normal sigma 2, cost unknown, makespan / LPT bound", blind / bound, "", 0, true}};
}

}  // namespace bench
