// surd run of a sweep: computes what is missing and writes the output when nothing is.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/base/version.hpp"
#include "surd/batch/memory_plan.hpp"
#include "surd/batch/progress.hpp"
#include "surd/batch/run_report.hpp"
#include "surd/batch/signals.hpp"
#include "surd/batch/slurm.hpp"
#include "surd/batch/survey.hpp"
#include "surd/batch/time_left.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/batch/verbs/write_output.hpp"
#include "surd/ranks/sweep.hpp"

namespace surd::batch::verbs {
namespace {

using base::ExitStatus;
using base::Json;

/// One run, from the work directory to the report. All members are the same on all ranks unless said
/// otherwise.
class Run {
 public:
  Run(const Request& request, const mpi::Session& session, Job job)
      : request_(request),
        session_(session),
        world_(session.world()),
        job_(std::move(job)),
        work_(work_directory(job_, request.line.work)),
        name_(world_.broadcast_text(new_run_name())),
        started_(utc_now()) {}

  ExitStatus operator()() {
    prepare();
    const auto refusal = world_.broadcast_text(world_.is_root() ? look() : std::string());
    if (!refusal.empty()) {
      if (world_.is_root()) base::log_error(refusal);
      return ExitStatus::usage;
    }
    const auto result = compute();
    if (result.end == ranks::SweepEnd::complete) write_results();
    return conclude(result);
  }

 private:
  /// Fails before any work if something that the end needs cannot be written.
  void prepare() {
    if (!world_.is_root()) return;
    auto& files = request_.files;
    files.make_directories(work_.root);
    if (!files.file_size(work_.job())) storage::write_atomically(files, work_.job(), job_.text);
    if (job_.output.has_parent_path()) files.make_directories(job_.output.parent_path());
    storage::remove_stale_parts(files, job_.output);
    storage::remove_stale_parts(files, work_.state());
    const auto probe = storage::part_path(job_.output);
    files.create(probe)->close();
    files.remove(probe);
  }

  /// Rank 0: what is stored; why the run must not go on.
  std::string look() {
    const auto before = read_json(request_.files, work_.state());
    if (before.is_object() && before.contains("points") && ended_early(before.value("end", Json()))) {
      const auto stored =
          before["points"].is_object() ? before["points"].value("stored_before", Json()) : Json();
      if (stored.is_number_unsigned()) stored_before_last_ = stored.get<std::uint64_t>();
    }
    const auto phase = profile_.phase("survey");
    survey_ = survey(request_.files, work_, job_);
    for (const auto& damage : survey_.damage) {
      if (damage.tail) continue;
      base::log_warning(fmt::format("{}: {} damaged bytes at {} ({}): their points are computed again",
                                    damage.path.string(), damage.bytes, damage.offset, damage.reason));
    }
    return version_refusal(survey_, job_);
  }

  static bool ended_early(const Json& end) { return end.is_null() || end == Json("interrupted"); }

  ranks::SweepResult compute() {
    const auto evaluator = make_evaluator();
    const auto options = sweep_options();
    if (world_.is_root()) {
      progress_ = std::make_unique<Progress>(request_.files, work_.state(), head(), request_.line.quiet);
    }
    const auto phase = profile_.phase("sweep");
    return ranks::run_sweep(session_, *job_.definition, *evaluator, request_.files, options, stop_flag(),
                            [this](const ranks::SweepState& state) { progress_->observe(state); });
  }

  [[nodiscard]] std::unique_ptr<sweep::Evaluator> make_evaluator() const {
    if (job_.command) return sweep::evaluate_command(*job_.command);
    const auto named = [&](const sweep::Function& f) { return f.name == job_.definition->subject.name; };
    const auto function = std::find_if(request_.functions.begin(), request_.functions.end(), named);
    return sweep::evaluate_function(function->body, job_.retries);
  }

  /// Collective.
  ranks::SweepOptions sweep_options() {
    const int node_ranks = world_.node().size();
    const auto bytes_per_point = world_.broadcast_value(survey_.bytes_per_point());
    memory_ = memory_plan(job_, bytes_per_point, {world_.size(), node_ranks});
    memory_.budget_bytes = world_.min(memory_.budget_bytes);
    const auto warning = memory_.warning(node_ranks);
    if (!warning.empty()) base::log_warning(warning);
    ranks::SweepOptions options;
    options.memo = work_.memo;
    options.leases = work_.leases;
    options.scratch = scratch_directory();
    options.origin = {name_, world_.rank(), mpi::host_name(),
                      fmt::format("{} {}", base::version(), base::git_revision())};
    options.ranks_per_point = job_.ranks_per_point;
    options.retry_failed = request_.line.retry_failed;
    options.keep_other_versions = job_.on_version_change == VersionChange::keep;
    options.max_failures = job_.max_failures;
    options.lease_seconds = job_.lease_seconds;
    options.grace_seconds = request_.line.grace_seconds;
    const bool stuck = world_.broadcast_value(survey_.done == stored_before_last_);
    options.give_up_status = static_cast<int>(stuck ? ExitStatus::no_progress : ExitStatus::interrupted);
    const double left = world_.is_root() ? time_left_seconds(job_, request_.line) : 0;
    options.time_left_seconds = world_.broadcast_value(left);
    options.memory_per_point = job_.memory_per_point;
    const auto sharing = memory_.limit.per_process ? static_cast<std::uint64_t>(node_ranks) : 1;
    options.memory_per_node = memory_.limit.bytes * sharing;
    options.cost = job_.cost;
    return options;
  }

  [[nodiscard]] Json head() const {
    return {{"run", name_},    {"job", job_.name},    {"host", mpi::host_name()},
            {"pid", getpid()}, {"started", started_}, {"slurm", describe_slurm()}};
  }

  void write_results() {
    const auto phase = profile_.phase("results");
    written_ = write_output(request_.files, work_, job_, job_.output, memory_.budget_bytes, false, world_);
  }

  ExitStatus conclude(const ranks::SweepResult& result) {
    const auto profiles = gather_profiles(world_, profile_);
    const auto status = exit_status(result);
    if (world_.is_root()) {
      progress_->finish(result.state, batch::to_text(result.end), static_cast<int>(status));
      write_report(result, status, profiles);
      if (!request_.line.quiet) summarise(result, status, largest_growth(profiles));
    }
    return static_cast<ExitStatus>(world_.broadcast_value(static_cast<int>(status)));
  }

  [[nodiscard]] ExitStatus exit_status(const ranks::SweepResult& result) const {
    if (result.end == ranks::SweepEnd::interrupted) {
      const bool idle = result.state.computed == 0 && result.state.stored_before == stored_before_last_;
      return idle ? ExitStatus::no_progress : ExitStatus::interrupted;
    }
    if (result.end == ranks::SweepEnd::too_many_failures) return ExitStatus::fatal;
    return result.state.failed == 0 ? ExitStatus::done : ExitStatus::points_failed;
  }

  void write_report(const ranks::SweepResult& result, ExitStatus status, const Json& profiles) const {
    const auto& state = result.state;
    Json report = {{"run", name_},
                   {"job", job_.name},
                   {"program", describe_program()},
                   {"command_line", request_.line.text},
                   {"started", started_},
                   {"ended", utc_now()},
                   {"seconds", state.seconds},
                   {"exit_status", static_cast<int>(status)},
                   {"end", batch::to_text(result.end)},
                   {"ranks", world_.size()}};
    report["points"] = {{"total", state.total},
                        {"excluded", survey_.excluded},
                        {"stored_before", state.stored_before},
                        {"computed", state.computed},
                        {"failed", state.failed},
                        {"done", state.done},
                        {"remaining", state.total - state.done - state.failed}};
    report["memory"] = {{"budget_bytes", memory_.budget_bytes}, {"per_rank", profiles}};
    report["timeline"] = progress_->timeline().describe();
    report["slurm"] = describe_slurm();
    storage::write_atomically(request_.files, work_.report(name_), batch::to_text(report));
  }

  void summarise(const ranks::SweepResult& result, ExitStatus status, std::uint64_t growth) const {
    const auto& state = result.state;
    base::log_info(fmt::format(
        "{}: {} of {} points done, {} failed, {} computed now in {}{}", batch::to_text(result.end),
        base::format_count(state.done), base::format_count(state.total), base::format_count(state.failed),
        base::format_count(state.computed), base::format_seconds(state.seconds),
        written_ > 0 ? fmt::format("; wrote {} ({})", job_.output.string(), base::format_bytes(written_))
                     : ""));
    const auto promise = memory_.budget_bytes + memory_.budget_bytes / 4;
    base::log_info(
        fmt::format("memory: at most {} per rank beyond its start, {} promised for surd's own part",
                    base::format_bytes(growth), base::format_bytes(promise)));
    if (state.failed > 0) {
      base::log_warning(
          fmt::format("{} points failed, the last: {}; `show` tells why, run --retry-failed tries again",
                      base::format_count(state.failed),
                      state.last_failure.empty() ? "in an earlier run" : state.last_failure));
    }
    if (result.end == ranks::SweepEnd::too_many_failures) {
      base::log_warning(
          fmt::format("stopped: more than max_failures = {} points failed; no output was written",
                      base::format_count(job_.max_failures)));
    }
    if (status == ExitStatus::interrupted)
      base::log_info("nothing is lost: run the same command again to go on");
    if (status == ExitStatus::no_progress) {
      base::log_warning(
          "interrupted for the second time without one new point: running again alone will not help");
    }
  }

  const Request& request_;
  const mpi::Session& session_;
  const mpi::Communicator& world_;
  Job job_;
  WorkDirectory work_;
  std::string name_;
  std::string started_;
  memory::Profile profile_;
  Survey survey_;                                         ///< Rank 0's.
  std::uint64_t stored_before_last_ = ~std::uint64_t{0};  ///< Rank 0's: if the run before was cut short.
  MemoryPlan memory_;
  std::unique_ptr<Progress> progress_;  ///< Rank 0's.
  std::uint64_t written_ = 0;           ///< Bytes of the output.
};

}  // namespace

ExitStatus run_sweep(const Request& request, const mpi::Session& session, const Job& job) {
  if (job.ranks_per_point > 1 && job.retries > 0 && !job.command) {
    throw base::UsageError(
        "retries of a function need ranks_per_point: 1, for its ranks would retry at different moments");
  }
  return Run(request, session, job)();
}

}  // namespace surd::batch::verbs
