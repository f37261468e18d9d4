// surd run of a data job: stage by stage, from the last commit on; and surd sort, group and join.
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/data_cut.hpp"
#include "surd/batch/data_plan.hpp"
#include "surd/batch/data_progress.hpp"
#include "surd/batch/memory_plan.hpp"
#include "surd/batch/run_report.hpp"
#include "surd/batch/signals.hpp"
#include "surd/batch/slurm.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/batch/work_claim.hpp"
#include "surd/mpi/fatal.hpp"
#include "surd/ranks/data_job.hpp"

namespace surd::batch::verbs {
namespace {

using base::ExitStatus;
using base::Json;

/// Tries, so that hours of work are not for nothing. @throws UsageError
void require_writable(storage::FileSystem& files, const storage::Path& output) {
  std::error_code unknown;
  const auto status = std::filesystem::status(output, unknown);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    throw base::UsageError(
        fmt::format("output {} is {}: name a file", output.native(),
                    std::filesystem::is_directory(status) ? "a directory" : "no regular file"));
  }
  try {
    if (output.has_parent_path()) files.make_directories(output.parent_path());
    storage::remove_stale_parts(files, output);
    const auto part = storage::part_path(output);
    files.create(part)->close();
    files.remove(part);
  } catch (const base::IoError& e) {
    throw base::UsageError(fmt::format("output {} cannot be written: {}", output.native(), e.what()));
  }
}

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
    if (!begin()) return ExitStatus::usage;
    const auto result = compute(*compile_job(request_.files, job_, options(), cut_));
    return conclude(result);
  }

 private:
  /// Collective. Takes the work directory and sees, before any work, that the job can be done and its output
  /// be written; false, on all ranks, if not: rank 0 has said why.
  bool begin() {
    const auto phase = profile_.phase("plan");
    const auto ranks_on_node = static_cast<int>(world_.max(std::uint64_t(world_.node().size())));
    std::string error;
    if (world_.is_root()) {
      try {  // rank-local, before any collective: the others learn of it by the broadcast
        open(ranks_on_node);
      } catch (const base::UsageError& e) {
        error = explain(job_, e);
        if (claim_) claim_->withdraw();
      }
    }
    error = world_.broadcast_text(std::move(error));
    if (!error.empty()) {
      if (world_.is_root()) base::log_error(error);
      return false;
    }
    memory_.budget_bytes = world_.broadcast_value(memory_.budget_bytes);
    memory_.limit = memory::find_limit("/", static_cast<unsigned>(world_.node().size()));
    cut_ = world_.broadcast_value(cut_);
    const auto warning = memory_.warning(world_.node().size());
    if (!warning.empty()) base::log_warning(warning);
    return true;
  }

  /// Rank 0's part of it.
  void open(int ranks_on_node) {
    auto& files = request_.files;
    claim_.emplace(files, work_, job_.text, name_);
    require_apart(files, job_);
    require_writable(files, job_.output.path);
    memory_ = memory_plan(job_.memory_bytes, input_bytes(files, job_), {world_.size(), ranks_on_node});
    const auto choice = cut_for(files, work_, job_, memory_);
    cut_ = choice.cut;
    (void)compile_job(files, job_, options(), cut_);
    if (choice.resumed) return;
    const auto plan = plan_data(files, job_, memory_, work_.root);
    if (!plan.refusal().empty()) throw base::UsageError(plan.refusal());
    if (!plan.warning().empty()) base::log_warning(plan.warning());
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
    options.locked = true;
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
    mpi::set_fatal_remark(
        fmt::format("what is done stays in {}: run the same command again to go on, or remove the directory",
                    work_.root.native()));
    auto result =
        ranks::run_data_job(session_, data, request_.files, options, stop_flag(),
                            [this](const ranks::DataJobState& state) { progress_->observe(state); });
    mpi::set_fatal_remark({});
    profile_.add(result.phases);
    return result;
  }

  ExitStatus conclude(const ranks::DataJobResult& result) {
    const auto profiles = gather_profiles(world_, profile_);
    const auto status = result.complete ? ExitStatus::done : ExitStatus::interrupted;
    if (!world_.is_root()) return status;
    progress_->finish(result.state, result.complete ? "complete" : "interrupted", static_cast<int>(status));
    write_report(result, status, profiles);
    if (!request_.line.quiet && !result.was_complete) summarise(result, largest_growth(profiles));
    if (result.complete && request_.line.is_shortcut()) claim_->clear();
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
      base::log_info(
          fmt::format("interrupted; nothing is lost: run the same command again to go on, or remove {} ({})",
                      work_.root.native(), base::format_bytes(claim_->bytes())));
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
  std::optional<WorkClaim> claim_;          ///< Rank 0's.
  std::unique_ptr<DataProgress> progress_;  ///< Rank 0's.
};

}  // namespace

ExitStatus run_table(const Request& request, const mpi::Session& session, const TableJob& job) {
  return TableRun(request, session, job)();
}

}  // namespace surd::batch::verbs
