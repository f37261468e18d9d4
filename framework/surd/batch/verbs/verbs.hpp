// What `surd VERB` does, one file per verb. Each returns the exit status; errors are exceptions.
#pragma once

#include <optional>
#include <span>
#include <variant>

#include "surd/base/error.hpp"
#include "surd/batch/command_line.hpp"
#include "surd/batch/detail/launch.hpp"
#include "surd/batch/job.hpp"
#include "surd/batch/table_job.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/mpi/session.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch::verbs {

/// What every verb gets.
struct Request {
  const CommandLine& line;
  std::span<const sweep::Function> functions;
  storage::FileSystem& files;
  detail::Launch launch = {};  ///< As it was before MPI started.
};

using AnyJob = std::variant<Job, TableJob>;

/// Reads the job, or makes it of a shortcut's flags, and applies the command line's options to it.
/// Rank-local. @throws JobError  also if there is no such file.
[[nodiscard]] AnyJob load_any_job(const Request& request);
/// The same for verbs that only sweeps have. @throws UsageError  if the job is no sweep.
[[nodiscard]] Job load_job(const Request& request);

/// Collective. load_any_job() with the file read by rank 0 alone. nullopt, on all ranks, if the job is
/// wrong: rank 0 has said so.
[[nodiscard]] std::optional<AnyJob> load_job_together(const Request& request, const mpi::Communicator& ranks);

/// @throws UsageError  "nothing is stored in ... yet" unless the memo's directory has segments.
void require_memo(const Request& request, const WorkDirectory& work);

// On one process; under a launcher, rank 0 does them without MPI and the others leave at once.
[[nodiscard]] base::ExitStatus plan(const Request& request);
[[nodiscard]] base::ExitStatus status(const Request& request);
[[nodiscard]] base::ExitStatus verify(const Request& request);
[[nodiscard]] base::ExitStatus show(const Request& request);
[[nodiscard]] base::ExitStatus compact(const Request& request);
[[nodiscard]] base::ExitStatus inspect(const Request& request);
[[nodiscard]] base::ExitStatus report(const Request& request);
[[nodiscard]] base::ExitStatus submit(const Request& request);

[[nodiscard]] base::ExitStatus plan_sweep(const Request& request, const Job& job);
[[nodiscard]] base::ExitStatus plan_table(const Request& request, const TableJob& job);
[[nodiscard]] base::ExitStatus status_sweep(const Request& request, const Job& job);
[[nodiscard]] base::ExitStatus status_table(const Request& request, const TableJob& job);
[[nodiscard]] base::ExitStatus verify_sweep(const Request& request, const Job& job);
[[nodiscard]] base::ExitStatus verify_table(const Request& request, const TableJob& job);

// Collective.
[[nodiscard]] base::ExitStatus run_sweep(const Request& request, const mpi::Session& session, const Job& job);
[[nodiscard]] base::ExitStatus run_table(const Request& request, const mpi::Session& session,
                                         const TableJob& job);
[[nodiscard]] base::ExitStatus run(const Request& request, const mpi::Session& session);
[[nodiscard]] base::ExitStatus write(const Request& request, const mpi::Session& session);  ///< surd export
[[nodiscard]] base::ExitStatus doctor(const Request& request, const mpi::Session& session);

}  // namespace surd::batch::verbs
