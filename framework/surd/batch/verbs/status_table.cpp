// surd status of a data job: how far it is, from its work directory, while it runs or after.
#include <chrono>
#include <cstdio>
#include <string>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/slurm_status.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/ranks/work_lock.hpp"

namespace surd::batch::verbs {
namespace {

using base::ExitStatus;
using base::Json;

/// A run writes its state every two seconds; one of another machine that is silent for so long is gone.
constexpr double silence_seconds = 30;

struct DataStatus {
  Json last_run;  ///< state.json, null if the job never ran.
  Json slurm;     ///< slurm_status()
  double silent_seconds = 0;
  bool complete = false;
  bool running = false;
};

DataStatus look(const Request& request, const WorkDirectory& work) {
  DataStatus status;
  status.last_run = read_json(request.files, work.state());
  if (!status.last_run.is_object()) return status;
  if (const auto version = request.files.file_version(work.state())) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto age =
        std::chrono::duration_cast<std::chrono::nanoseconds>(now).count() - version->modified_nanoseconds;
    status.silent_seconds = static_cast<double>(age) * 1e-9;
  }
  const auto end = text_in(status.last_run, "end", "");
  status.complete = end == "complete";
  const auto holder = ranks::work_holder(request.files, work.root);
  status.running =
      end.empty() && (holder == ranks::Holder::alive ||
                      (holder == ranks::Holder::unknown && status.silent_seconds < silence_seconds));
  return status;
}

/// "stage 2 of 3 (sort by revenue), 41.3 % of it"
std::string stage_text(const Json& last) {
  if (!last.contains("stage")) return "no stage begun";
  const auto& stage = last["stage"];
  const auto total = number_in(stage, "total_bytes", 0);
  const auto share = total > 0 ? 100 * number_in(stage, "bytes", 0) / total : 0.0;
  return fmt::format("stage {:.0f} of {:.0f} ({}), {:.1f} % of it", number_in(stage, "number", 0),
                     number_in(stage, "of", 0), text_in(stage, "name", "?"), share);
}

void print_stage(const DataStatus& status, const TableJob& job) {
  const auto& last = status.last_run;
  const auto progress = status.complete ? "complete" : last.is_object() ? stage_text(last) : "never run";
  fmt::print("{}: {}\n", job.name, progress);
  std::fflush(stdout);
}

void print_last_run(const DataStatus& status) {
  const auto& last = status.last_run;
  if (!last.is_object()) return;
  const auto run = fmt::format("{} on {}", text_in(last, "run", "?"), text_in(last, "host", "?"));
  const auto end = text_in(last, "end", "");
  if (!end.empty()) {
    fmt::print("  last run  {}: {} at {}\n", run, end, text_in(last, "updated", "?"));
  } else if (status.running) {
    fmt::print("  last run  {}: running since {}\n", run, text_in(last, "started", "?"));
  } else {
    fmt::print("  last run  {}: {}\n", run, lost_run_text(last, status.slurm));
  }
}

void print_runs(const DataStatus& status) {
  print_last_run(status);
  if (status.slurm.is_object()) fmt::print("  Slurm job {}\n", slurm_status_text(status.slurm));
}

}  // namespace

ExitStatus status_table(const Request& request, const TableJob& job) {
  const auto work = work_directory(job, request.line.work);
  auto status = look(request, work);
  if (!request.line.json) print_stage(status, job);
  status.slurm = slurm_status(request.files, work, status.last_run, status.running);
  const auto exit = status.complete ? ExitStatus::done : ExitStatus::interrupted;
  if (request.line.json) {
    const Json json = {{"job", job.name},
                       {"exit_status", static_cast<int>(exit)},
                       {"complete", status.complete},
                       {"running", status.running},
                       {"slurm", status.slurm},
                       {"last_run", status.last_run}};
    std::fputs(batch::to_text(json).c_str(), stdout);
  } else {
    print_runs(status);
  }
  return exit;
}

}  // namespace surd::batch::verbs
