// The work directory of a job, and the facts about this process that go into its files.
//
//   .surd/<name>/job.yaml           the job as it was first run
//                memo/              results (sweep/memo.hpp), unless the job names a memo of its own
//                leases/            who works on what (sweep/lease.hpp)
//                epochs/, spill/    a data job's commits and what they refer to (ranks/data_job.hpp)
//                cut.json           how a data job is cut into units, for resumes on other numbers of ranks;
//                                   and the job and input that it was begun with
//                running            which process is at a data job (ranks/work_lock.hpp)
//                state.json         written every two seconds by rank 0 of the run that started last
//                submit.json, submit.sbatch, slurm-<job>.out
//                                what `surd submit` gave to Slurm last, and what the Slurm jobs printed
//                report-<run>.json  one per run that ended by itself
#pragma once

#include <string>
#include <string_view>

#include "surd/base/json.hpp"
#include "surd/batch/job.hpp"
#include "surd/batch/table_job.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch {

struct WorkDirectory {
  storage::Path root;
  storage::Path memo;
  storage::Path leases;  ///< Beside the memo, so that jobs that share a memo share its leases.

  [[nodiscard]] storage::Path job() const { return root / "job.yaml"; }
  [[nodiscard]] storage::Path cut() const { return root / "cut.json"; }
  [[nodiscard]] storage::Path state() const { return root / "state.json"; }
  [[nodiscard]] storage::Path submitted() const { return root / "submit.json"; }
  [[nodiscard]] storage::Path report(const std::string& run) const {
    return root / ("report-" + run + ".json");
  }
};

/// `chosen`: --work; empty for .surd/<name>. Creates nothing.
[[nodiscard]] WorkDirectory work_directory(const Job& job, const storage::Path& chosen);
[[nodiscard]] WorkDirectory work_directory(const TableJob& job, const storage::Path& chosen);

/// The JSON document in `path`; null if the file is missing or holds none (rank 0 of a run that was killed
/// may have left anything).
[[nodiscard]] base::Json read_json(storage::FileSystem& files, const storage::Path& path);

/// The text, or number, under `key`; the other one if there is none, or something else: nobody promises what
/// a file holds.
[[nodiscard]] std::string text_in(const base::Json& json, std::string_view key, const char* otherwise);
[[nodiscard]] double number_in(const base::Json& json, std::string_view key, double otherwise);

/// Indented, with a line end; bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string to_text(const base::Json& json);

/// "20260131T120000-1a2b3c4d": unique, sorts by start time.
[[nodiscard]] std::string new_run_name();

/// "2026-01-31T12:00:00Z"
[[nodiscard]] std::string utc_now();

/// Rank and number of ranks as the launcher (mpirun, srun) says, before or without MPI; 0 of 1 without one.
[[nodiscard]] int launched_rank() noexcept;
[[nodiscard]] int launched_ranks() noexcept;
/// Of this node; 1 if the launcher does not say.
[[nodiscard]] int launched_ranks_on_node() noexcept;

/// Node-local scratch: $SURD_SCRATCH, else $SLURM_TMPDIR, else $TMPDIR, else /tmp.
[[nodiscard]] storage::Path scratch_directory();

}  // namespace surd::batch
