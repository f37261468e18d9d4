// surd compact: merges the segments of a memo.
#include <chrono>
#include <cstdio>
#include <thread>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/base/version.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/mpi/communicator.hpp"
#include "surd/sweep/lease.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::batch::verbs {
namespace {

/// @throws UsageError  if a job is at work. A lease whose job died on another node shows it by not moving, so
/// this may take as long as a lease lives.
void require_silence(const Request& request, const WorkDirectory& work, const Job& job) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  sweep::Leases leases(request.files, work.leases, *job.definition, new_run_name(), job.lease_seconds);
  (void)leases.others();
  while (leases.neighbours() > 0) {
    if (std::chrono::duration<double>(Clock::now() - start).count() > job.lease_seconds + 2) {
      throw base::UsageError(fmt::format("{} jobs are writing to {}: compact it when they have ended",
                                         leases.neighbours(), work.memo.string()));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    (void)leases.others();
  }
}

}  // namespace

base::ExitStatus compact(const Request& request) {
  const auto job = load_job(request);
  const auto work = work_directory(job, request.line.work);
  require_memo(request, work);
  require_silence(request, work, job);
  const sweep::Origin origin{new_run_name(), 0, mpi::host_name(),
                             fmt::format("{} {}", base::version(), base::git_revision())};
  const auto [before, after] = sweep::compact_memo(request.files, work.memo, *job.definition, origin);
  fmt::print("{}: {} before, {} now\n", work.memo.string(), base::format_bytes(before),
             base::format_bytes(after));
  return base::ExitStatus::done;
}

}  // namespace surd::batch::verbs
