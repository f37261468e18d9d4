// surd run of a data job: stage by stage, from the last commit on; and surd sort, group and join.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/data_cut.hpp"
#include "surd/batch/data_progress.hpp"
#include "surd/batch/memory_plan.hpp"
#include "surd/batch/run_report.hpp"
#include "surd/batch/signals.hpp"
#include "surd/batch/slurm.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/ranks/data_job.hpp"

namespace surd::batch::verbs {
namespace {

using base::ExitStatus;
using base::Json;

/// One run, from the work directory to the report. All members are the same on all ranks unless said
/// otherwise.
class TableRun {
 public:
  TableRun(const Request& request, const mpi::Session& session, const TableJob& job)
      : request_(request),
        session_(session),
        world_(session.world()),
        job_(job),
        work_(work_directory(job_, request.line.work)),
        name_(world_.broadcast_text(new_run_name())),
        started_(utc_now()) {}

  ExitStatus operator()() {
    prepare();
    const auto data = compile();
    if (!data) return ExitStatus::usage;
    const auto result = compute(*data);
    return conclude(result);
  }

 private:
  /// Fails before any work if something that the end needs cannot be written.
  void prepare() {
    if (!world_.is_root()) return;
    auto& files = request_.files;
    files.make_directories(work_.root);
    if (!files.file_size(work_.job())) storage::write_atomically(files, work_.job(), job_.text);
    if (job_.output.path.has_parent_path()) files.make_directories(job_.output.path.parent_path());
    storage::remove_stale_parts(files, work_.state());
  }

  /// Collective. The stages; null, on all ranks, if the job does not fit its input: rank 0 has said why.
  std::unique_ptr<stream::DataJob> compile() {
    const auto phase = profile_.phase("plan");
    std::string error;
    if (world_.is_root()) {
      try {  // rank-local, before any collective: the others learn of it by the broadcast
        auto& files = request_.files;
        memory_ = memory_plan(job_.memory_bytes, input_bytes(files, job_), world_.size());
        cut_ = cut_for(files, work_, job_, options());
        (void)compile_job(files, job_, options(), cut_);
      } catch (const base::UsageError& e) {
        error = e.what();
      }
    }
    error = world_.broadcast_text(std::move(error));
    if (!error.empty()) {
      if (!world_.is_root()) return nullptr;
      base::log_error(fmt::format("{}: {}", job_.file.string(), error));
      if (request_.line.is_shortcut()) std::filesystem::remove_all(work_.root);
      return nullptr;
    }
    memory_.budget_bytes = world_.broadcast_value(memory_.budget_bytes);
    memory_.limit = memory::find_limit();
    cut_ = world_.broadcast_value(cut_);
    const auto warning = memory_.warning(world_.node().size());
    if (!warning.empty()) base::log_warning(warning);
    return compile_job(request_.files, job_, options(), cut_);
  }

  [[nodiscard]] stream::CompileOptions options() const {
    stream::CompileOptions options;
    options.memory_bytes = memory_.budget_bytes;
    return options;
  }

  ranks::DataJobResult compute(const stream::DataJob& data) {
    ranks::DataJobOptions options;
    options.work = work_.root;
    options.run = name_;
    options.scratch = scratch_directory();
    options.memory_bytes = memory_.budget_bytes;
    options.epoch_bytes = job_.epoch_bytes;
    options.grace_seconds = request_.line.grace_seconds;
    if (world_.is_root()) {
      const Json head = {
          {"run", name_},           {"job", job_.name},    {"host", mpi::host_name()}, {"pid", getpid()},
          {"ranks", world_.size()}, {"started", started_}, {"slurm", describe_slurm()}};
      progress_ = std::make_unique<DataProgress>(request_.files, work_.state(), head, request_.line.quiet);
    }
    auto result =
        ranks::run_data_job(session_, data, request_.files, options, stop_flag(),
                            [this](const ranks::DataJobState& state) { progress_->observe(state); });
    profile_.add(result.phases);
    return result;
  }

  ExitStatus conclude(const ranks::DataJobResult& result) {
    const auto profiles = gather_profiles(world_, profile_);
    const auto status = result.complete ? ExitStatus::done : ExitStatus::interrupted;
    if (!world_.is_root()) return status;
    progress_->finish(result.state, result.complete ? "complete" : "interrupted", static_cast<int>(status));
    write_report(result, status, profiles);
    if (!request_.line.quiet) summarise(result, largest_growth(profiles));
    if (result.complete && request_.line.is_shortcut()) std::filesystem::remove_all(work_.root);
    return status;
  }

  void write_report(const ranks::DataJobResult& result, ExitStatus status, const Json& profiles) const {
    const auto& state = result.state;
    Json report = {{"run", name_},
                   {"job", job_.name},
                   {"program", describe_program()},
                   {"command_line", request_.line.text},
                   {"started", started_},
                   {"ended", utc_now()},
                   {"seconds", state.seconds},
                   {"exit_status", static_cast<int>(status)},
                   {"end", result.complete ? "complete" : "interrupted"},
                   {"ranks", world_.size()}};
    report["data"] = {{"stages", state.stages},
                      {"units_resumed", state.units_resumed},
                      {"rows", result.summary.rows},
                      {"bytes", result.summary.bytes},
                      {"bad_rows", result.summary.bad_rows},
                      {"output", result.summary.output}};
    report["memory"] = {{"budget_bytes", memory_.budget_bytes}, {"per_rank", profiles}};
    report["slurm"] = describe_slurm();
    storage::write_atomically(request_.files, work_.report(name_), batch::to_text(report));
  }

  void summarise(const ranks::DataJobResult& result, std::uint64_t growth) const {
    const auto& summary = result.summary;
    if (result.complete) {
      base::log_info(fmt::format("wrote {} ({} rows, {}) in {}", summary.output,
                                 base::format_count(summary.rows), base::format_bytes(summary.bytes),
                                 base::format_seconds(result.state.seconds)));
    } else {
      base::log_info("interrupted; nothing is lost: run the same command again to go on");
    }
    const auto promise = memory_.budget_bytes + memory_.budget_bytes / 4;
    base::log_info(fmt::format("memory: at most {} per rank beyond its start, {} promised",
                               base::format_bytes(growth), base::format_bytes(promise)));
    if (summary.bad_rows > 0) {
      const bool kept = job_.query.input.on_bad_row == table::OnBadRow::quarantine;
      base::log_warning(fmt::format("{} rows could not be read and were left out{}",
                                    base::format_count(summary.bad_rows),
                                    kept ? ": see " + table::quarantine_path(job_.output).string() : ""));
    }
  }

  const Request& request_;
  const mpi::Session& session_;
  const mpi::Communicator& world_;
  const TableJob& job_;
  WorkDirectory work_;
  std::string name_;
  std::string started_;
  memory::Profile profile_;
  stream::Cut cut_;
  MemoryPlan memory_;
  std::unique_ptr<DataProgress> progress_;  ///< Rank 0's.
};

}  // namespace

ExitStatus run_table(const Request& request, const mpi::Session& session, const TableJob& job) {
  return TableRun(request, session, job)();
}

}  // namespace surd::batch::verbs
