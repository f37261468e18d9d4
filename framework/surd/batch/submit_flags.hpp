// What `surd submit` takes beside the options of the run it submits.
#pragma once

#include <string>
#include <vector>

namespace surd::batch {

enum class Launcher { srun, mpirun };

struct SubmitFlags {
  int nodes = 1;
  int least_nodes = 0;  ///< Whole nodes: after a node's death the job goes on with so few. 0: with `nodes`.
  int tasks_per_node = 0;  ///< 0: as many as the partition's nodes have cores.
  int cpus_per_task = 1;   ///< Threads of a rank.
  int gpus_per_node = 0;
  double time_seconds = 0;  ///< 0: from the plan's estimate.
  std::string partition;    ///< Empty: Slurm's default; so with the account.
  std::string account;
  int array = 0;  ///< Jobs that share the memo; 0: one job, no array.
  int max_restarts = 20;
  Launcher launcher = Launcher::srun;
  bool dry_run = false;
  std::vector<std::string> sbatch_options;  ///< What follows "--".
};

/// "2", or "1-2" as sbatch reads it: the least and the most. @throws UsageError  if it is neither.
void parse_nodes(const std::string& text, SubmitFlags& flags);

/// A time limit as sbatch reads it: "90" (minutes), "90:00", "1:30:00", "1-12", "1-12:00"; or "90m", "2h30m".
/// Seconds. @throws UsageError  if it is none, or zero.
[[nodiscard]] double parse_time_limit(const std::string& text);

/// "D-HH:MM:SS", rounded up to whole minutes, which is what Slurm counts in.
[[nodiscard]] std::string format_time_limit(double seconds);

}  // namespace surd::batch
