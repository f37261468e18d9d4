// How long this job may still run.
#pragma once

#include "surd/batch/command_line.hpp"
#include "surd/batch/job.hpp"

namespace surd::batch {

/// The least of --time-left, the job's time_limit and, inside a Slurm job, what squeue says (asked once); 0
/// if nothing is known.
[[nodiscard]] double time_left_seconds(const Job& job, const CommandLine& line);

/// What squeue says of this Slurm job; 0 outside Slurm, without a limit, or if it does not answer in 20 s.
[[nodiscard]] double slurm_seconds_left();

/// What squeue answers (-o %L): "4:00:00", "1-02:03:04"; 0 for INVALID, UNLIMITED and everything else.
[[nodiscard]] double parse_squeue(std::string text);

}  // namespace surd::batch
