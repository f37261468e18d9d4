// How long this job may still run.
#pragma once

#include "surd/batch/command_line.hpp"
#include "surd/batch/job.hpp"

namespace surd::batch {

/// The least of --time-left, the job's time_limit and, inside a Slurm job, what Slurm leaves it; 0 if nothing
/// is known.
[[nodiscard]] double time_left_seconds(const Job& job, const CommandLine& line);

/// What Slurm leaves this job; 0 outside Slurm, without a limit, or if it does not answer.
[[nodiscard]] double slurm_seconds_left();

}  // namespace surd::batch
