// The Slurm job behind a work directory, for `surd status`.
#pragma once

#include <string>

#include "surd/base/json.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch {

/// {job_id, state, reason, nodes, partition, restart_count, seconds_left}; null if neither `surd submit` nor
/// the last run (state.json) had to do with Slurm. `writing`: that run was heard of just now, so that squeue
/// need not be asked. state is Slurm's word, "not in the queue", or null if nobody can be asked.
[[nodiscard]] base::Json slurm_status(storage::FileSystem& files, const WorkDirectory& work,
                                      const base::Json& last_run, bool writing);

/// "123: running on n[1-2], restart 1, 1 h 20 min left"
[[nodiscard]] std::string slurm_status_text(const base::Json& slurm);

/// Of a last run that has not ended and is not heard of: "killed, last seen ...", unless Slurm says
/// otherwise.
[[nodiscard]] std::string lost_run_text(const base::Json& last_run, const base::Json& slurm);

}  // namespace surd::batch
