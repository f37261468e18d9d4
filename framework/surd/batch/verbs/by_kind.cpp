// Verbs that mean something for every kind of job: each reads the job and goes on by its kind.
#include <variant>

#include "surd/batch/verbs/verbs.hpp"

namespace surd::batch::verbs {
namespace {

template <class OnSweep, class OnTable>
base::ExitStatus by_kind(const AnyJob& job, OnSweep on_sweep, OnTable on_table) {
  if (const auto* sweep = std::get_if<Job>(&job)) return on_sweep(*sweep);
  return on_table(std::get<TableJob>(job));
}

}  // namespace

base::ExitStatus plan(const Request& request) {
  return by_kind(
      load_any_job(request), [&](const Job& job) { return plan_sweep(request, job); },
      [&](const TableJob& job) { return plan_table(request, job); });
}

base::ExitStatus status(const Request& request) {
  return by_kind(
      load_any_job(request), [&](const Job& job) { return status_sweep(request, job); },
      [&](const TableJob& job) { return status_table(request, job); });
}

base::ExitStatus verify(const Request& request) {
  return by_kind(
      load_any_job(request), [&](const Job& job) { return verify_sweep(request, job); },
      [&](const TableJob& job) { return verify_table(request, job); });
}

base::ExitStatus run(const Request& request, const mpi::Session& session) {
  const auto job = load_job_together(request, session.world());
  if (!job) return base::ExitStatus::usage;
  return by_kind(
      *job, [&](const Job& sweep) { return run_sweep(request, session, sweep); },
      [&](const TableJob& table) { return run_table(request, session, table); });
}

}  // namespace surd::batch::verbs
