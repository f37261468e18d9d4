// The script that `surd submit` gives to sbatch: options, the command, and slurm/supervise.sh.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "surd/batch/submit_flags.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch {

struct SubmitScript {
  std::string made_by;  ///< The command line that asked for it.
  std::string job_name;
  std::string time_basis;             ///< Where the time limit comes from; may be empty.
  SubmitFlags flags;                  ///< With tasks_per_node set; time_seconds 0: the partition's default.
  std::uint64_t memory_per_rank = 0;  ///< Bytes to ask Slurm for.
  storage::Path log_directory;        ///< Gets slurm-<job>.out. Absolute: Slurm looks for
                                      ///< placeholders in the directory it would put before it.
  std::string mpi_library = "Open MPI";  ///< Launchers are told different things for each.
  std::vector<std::string> run;          ///< The command of every rank.
};

/// @throws UsageError  if a line end is in a name or an option, which no #SBATCH line can hold.
[[nodiscard]] std::string to_text(const SubmitScript& script);

/// What Slurm must give a rank whose own budget is `budget_bytes`, if a point takes `point_bytes` beside it:
/// 1.25 times the budget, the points, and what MPI and the libraries take.
[[nodiscard]] std::uint64_t memory_per_rank(std::uint64_t budget_bytes, std::uint64_t point_bytes);

}  // namespace surd::batch
