#include "surd/ranks/sweep.hpp"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "surd/base/clock.hpp"
#include "surd/memory/limits.hpp"
#include "surd/ranks/results.hpp"
#include "surd/ranks/scheduler.hpp"
#include "surd/ranks/sweep_source.hpp"
#include "surd/ranks/team.hpp"
#include "surd/ranks/watch.hpp"

namespace surd::ranks {
namespace {

/// Growth of a rank below this is surd's own, not its points'.
constexpr std::uint64_t small_point_bytes = std::uint64_t{64} << 20;

/// Outcomes wait at most this long to be written, so that a kill costs a rank the point it is in and little
/// more.
constexpr double unwritten_seconds = 2e-3;

/// One rank at work: evaluates batches and stores what comes out.
class Worker {
 public:
  Worker(const sweep::Definition& definition, sweep::Evaluator& evaluator, const Team& team,
         Scheduler& scheduler, SharedWriter& writer, Watch& watch, sweep::Context& context)
      : evaluator_(evaluator),
        team_(team),
        scheduler_(scheduler),
        writer_(writer),
        watch_(watch),
        context_(context),
        definition_(definition),
        point_(definition) {}

  void work() {
    while (const auto batch = scheduler_.next()) {
      report_ = Report{};
      now_ = base::now_seconds();
      for (std::size_t i = 0; i < batch->run_count; ++i) {
        for (auto position = batch->runs[i].first; position < batch->runs[i].end(); ++position)
          work_on(position);
      }
      measure_memory();
      writer_.flush();  // what is reported as done is stored
      scheduler_.done(report_);
    }
  }

 private:
  void work_on(std::uint64_t position) {
    if (scheduler_.stopping()) {
      ++report_.given_up;
      return;
    }
    point_.move_to(position);
    team_.announce(position);
    watch_.enter(now_);
    const double start = now_;
    std::optional<sweep::Outcome> outcome;
    try {  // the item boundary: a point given up in order to stop is nobody's error
      bool stop = false;
      outcome = team_.evaluate(evaluator_, point_, context_, stop);
      if (stop) scheduler_.request_stop();
    } catch (const sweep::Abandoned&) {
      ++report_.given_up;
    }
    now_ = base::now_seconds();
    watch_.leave();
    if (outcome) store(*outcome, now_ - start);
    scheduler_.between_points(now_);
  }

  void store(sweep::Outcome& outcome, double seconds) {
    if (outcome.seconds <= 0) outcome.seconds = seconds;
    check(outcome);
    writer_.add(point_.position(), outcome);
    ++report_.points;
    report_.seconds += seconds;
    if (outcome.capture) report_.point_bytes = std::max(report_.point_bytes, outcome.capture->peak_bytes);
    if (outcome.status == sweep::Status::ok) return;
    if (++report_.failed == 1) scheduler_.point_failed(fmt::format("{}: {}", point_.name(), outcome.message));
  }

  /// A point whose values cannot be stored has failed; names that can never become a result end the job at
  /// once.
  void check(sweep::Outcome& outcome) {
    if (outcome.status != sweep::Status::ok) return;
    auto why = sweep::why_unstorable(outcome.values);
    if (!why.empty()) {
      outcome.status = sweep::Status::failed;
      outcome.message = std::move(why);
      outcome.values.clear();
      return;
    }
    const auto same = [](const sweep::Field& field, const std::string& name) { return field.name == name; };
    if (std::equal(outcome.values.begin(), outcome.values.end(), checked_names_.begin(), checked_names_.end(),
                   same)) {
      return;
    }
    checked_names_.clear();
    for (const auto& field : outcome.values) {
      const auto conflict = result_name_conflict(definition_, field.name);
      if (!conflict.empty()) throw base::UsageError(conflict);
      checked_names_.push_back(field.name);
    }
  }

  /// Not more than ten times a second: it reads a file of the kernel.
  void measure_memory() {
    if (now_ - measured_ > 0.1) {
      measured_ = now_;
      usage_ = memory::usage();
    }
    report_.resident_bytes = usage_.resident;
    report_.peak_bytes = usage_.peak_resident;
    const auto grown = usage_.peak_resident - std::min(usage_.peak_resident, baseline_);
    if (grown > small_point_bytes) report_.point_bytes = std::max(report_.point_bytes, grown);
  }

  sweep::Evaluator& evaluator_;
  const Team& team_;
  Scheduler& scheduler_;
  SharedWriter& writer_;
  Watch& watch_;
  sweep::Context& context_;
  const sweep::Definition& definition_;
  sweep::Point point_;
  std::vector<std::string> checked_names_;
  Report report_;
  memory::Usage usage_;
  std::uint64_t baseline_ = memory::usage().resident;
  double measured_ = 0;
  double now_ = 0;
};

/// A rank that helps its leader with one point after the other.
void assist(const sweep::Definition& definition, sweep::Evaluator& evaluator, const Team& team,
            sweep::Context& context, const std::atomic<bool>& stop) {
  sweep::Point point(definition);
  while (const auto position = team.await()) {
    point.move_to(*position);
    try {  // the item boundary, as the leader's
      bool asked_to_stop = stop;
      (void)team.evaluate(evaluator, point, context, asked_to_stop);
    } catch (const sweep::Abandoned&) {
      continue;
    }
  }
}

/// Rank 0 scans the memo; if that fails, all ranks must throw together.
std::unique_ptr<SweepSource> open_source(const mpi::Communicator& world, storage::FileSystem& files,
                                         const sweep::Definition& definition, const SweepOptions& options,
                                         std::vector<std::string> hosts, const SweepObserver& observe) {
  std::unique_ptr<SweepSource> source;
  std::string error;
  if (world.is_root()) {
    try {  // rank-local work before any collective: agree() turns its failure into everybody's
      source = std::make_unique<SweepSource>(files, definition, options, std::move(hosts), observe);
    } catch (const base::Error& e) {
      error = e.what();
    }
  }
  world.agree(error);
  return source;
}

}  // namespace

SweepResult run_sweep(const mpi::Session& session, const sweep::Definition& definition,
                      sweep::Evaluator& evaluator, storage::FileSystem& files, const SweepOptions& options,
                      const std::atomic<bool>& stop, const SweepObserver& observe) {
  const auto& world = session.world();
  const Team team(session, options.ranks_per_point);
  std::vector<std::string> hosts;
  if (team.leads()) hosts = team.leaders().gather_text(mpi::host_name());
  const auto source = open_source(world, files, definition, options, std::move(hosts), observe);

  // Ranks that share a point would see the request at different moments, and leave each other waiting: with
  // teams a stop comes between points, or by the grace.
  static const std::atomic<bool> never{false};
  const Grace grace{options.grace_seconds, options.give_up_status, world.is_root()};
  if (team.leads()) {
    auto origin = options.origin;
    origin.rank = world.rank();
    SharedWriter writer(
        sweep::MemoWriter(files, options.memo, definition, origin, {.flush_seconds = unwritten_seconds}));
    Scheduler scheduler(team.leaders(), source.get(), stop);
    {
      sweep::Context context(team.ranks(), options.ranks_per_point == 1 ? scheduler.stop_flag() : never,
                             options.scratch);
      Watch watch(&scheduler, &writer, stop, session.threads(), world.is_root(), grace);
      Worker(definition, evaluator, team, scheduler, writer, watch, context).work();
      team.announce(std::nullopt);
      writer.close();
      scheduler.finish();
    }
  } else if (!team.idle()) {
    sweep::Context context(team.ranks(), never, options.scratch);
    Watch watch(nullptr, nullptr, stop, session.threads(), false, grace);
    assist(definition, evaluator, team, context, stop);
  }

  world.barrier();
  SweepResult result;
  if (source) result = source->conclude();
  const auto from_root = [&](std::uint64_t value) { return world.broadcast_value(value); };
  result.end = static_cast<SweepEnd>(from_root(static_cast<std::uint64_t>(result.end)));
  for (auto* count : {&result.state.total, &result.state.stored_before, &result.state.done,
                      &result.state.failed, &result.state.computed, &result.state.failed_here}) {
    *count = from_root(*count);
  }
  return result;
}

}  // namespace surd::ranks
