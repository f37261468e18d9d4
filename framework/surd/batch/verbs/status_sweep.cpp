// surd status of a sweep: how far it is, from its work directory, while it runs or after.
#include <cstdio>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/run_report.hpp"
#include "surd/batch/slurm_status.hpp"
#include "surd/batch/survey.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/sweep/lease.hpp"

namespace surd::batch::verbs {
namespace {

using base::ExitStatus;
using base::format_count;
using base::Json;

struct JobStatus {
  Survey survey;
  std::size_t running = 0;  ///< Jobs that hold a lease.
  Json last_run;            ///< state.json, null if the job never ran.
  Json slurm;               ///< slurm_status()
  std::size_t reports = 0;
};

JobStatus look(const Request& request, const Job& job) {
  const auto work = work_directory(job, request.line.work);
  JobStatus status;
  status.survey = survey(request.files, work, job);
  sweep::Leases leases(request.files, work.leases, *job.definition, new_run_name(), job.lease_seconds);
  status.running = leases.neighbours_at_a_glance();
  status.last_run = read_json(request.files, work.state());
  for (const auto& name : request.files.list(work.root)) {
    if (name.starts_with("report-")) ++status.reports;
  }
  return status;
}

/// May take some seconds, if Slurm must be asked and is slow.
Json look_at_slurm(const Request& request, const Job& job, const JobStatus& status) {
  const bool writing = status.running > 0 && text_in(status.last_run, "end", "").empty();
  return slurm_status(request.files, work_directory(job, request.line.work), status.last_run, writing);
}

ExitStatus exit_status(const JobStatus& status) {
  if (status.survey.missing() == 0)
    return status.survey.failed == 0 ? ExitStatus::done : ExitStatus::points_failed;
  const bool idle =
      status.running == 0 && status.last_run.is_object() &&
      status.last_run.value("exit_status", Json()) == Json(static_cast<int>(ExitStatus::no_progress));
  return idle ? ExitStatus::no_progress : ExitStatus::interrupted;
}

/// What state.json says about the last run, in a few words.
std::string last_run_text(const JobStatus& status) {
  const auto& last = status.last_run;
  if (!last.is_object()) return "never run";
  const auto run = fmt::format("{} on {}", text_in(last, "run", "?"), text_in(last, "host", "?"));
  const auto end = last.value("end", Json());
  if (end.is_string())
    return fmt::format("{}: {} at {}", run, end.get<std::string>(), text_in(last, "updated", "?"));
  if (status.running == 0) return fmt::format("{}: {}", run, lost_run_text(last, status.slurm));
  auto text = fmt::format("{}: running, {:.3g} points/s", run, number_in(last, "rate", 0));
  const auto eta = last.value("eta_seconds", Json());
  if (eta.is_number()) text += fmt::format(", {} left", base::format_seconds(eta.get<double>()));
  return text;
}

Json describe(const JobStatus& status, const Job& job, ExitStatus exit) {
  const auto& survey = status.survey;
  return {{"job", job.name},
          {"exit_status", static_cast<int>(exit)},
          {"complete", survey.missing() == 0},
          {"points",
           {{"total", survey.total},
            {"excluded", survey.excluded},
            {"done", survey.done},
            {"failed", survey.failed},
            {"missing", survey.missing()}}},
          {"running_jobs", status.running},
          {"runs_reported", status.reports},
          {"slurm", status.slurm},
          {"last_run", status.last_run}};
}

void print_points(const JobStatus& status, const Job& job) {
  const auto& survey = status.survey;
  const auto percent = survey.total == 0
                           ? 100.0
                           : 100.0 * static_cast<double>(survey.done) / static_cast<double>(survey.total);
  fmt::print("{}: {} of {} points done ({:.1f} %), {} failed, {} missing\n", job.name,
             format_count(survey.done), format_count(survey.total), percent, format_count(survey.failed),
             format_count(survey.missing()));
  std::fflush(stdout);
}

void print_runs(const JobStatus& status) {
  fmt::print("  jobs at work  {}\n  last run      {}\n", status.running, last_run_text(status));
  if (status.slurm.is_object()) fmt::print("  Slurm job     {}\n", slurm_status_text(status.slurm));
  const auto failure = text_in(status.last_run, "last_failure", "");
  if (!failure.empty()) fmt::print("  last failure  {}\n", failure);
}

}  // namespace

ExitStatus status_sweep(const Request& request, const Job& job) {
  auto status = look(request, job);
  const auto exit = exit_status(status);
  if (!request.line.json) print_points(status, job);
  status.slurm = look_at_slurm(request, job, status);
  if (request.line.json) {
    fmt::print("{}", batch::to_text(describe(status, job, exit)));
  } else {
    print_runs(status);
  }
  return exit;
}

}  // namespace surd::batch::verbs
