// Slurm as surd sees it: the environment of a job, and the commands squeue, sinfo and sbatch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "surd/base/json.hpp"

namespace surd::batch {

/// What Slurm says about the job this process is part of: job_id, job_name, restart_count, partition, nodes,
/// tasks, cluster, array_job_id, array_task_id as texts, and end_time (seconds since 1970) if it is known;
/// null outside Slurm.
[[nodiscard]] base::Json describe_slurm();

/// When Slurm ends this process's job, in seconds since 1970; 0 if there is no job or no limit. From
/// SLURM_JOB_END_TIME, which Slurm sets from 23.02 on and slurm/supervise.sh before; else squeue is asked,
/// once.
[[nodiscard]] double slurm_end_time();

/// Seconds until then, 1 at least; 0 if there is no job or no limit.
[[nodiscard]] double slurm_seconds_left();

/// What squeue answers (-o %L), and sinfo (-o %l): "4:00:00", "1-02:03:04"; 0 for INVALID, UNLIMITED,
/// infinite and everything else.
[[nodiscard]] double parse_squeue(std::string text);

/// What a command of Slurm said.
struct SlurmAnswer {
  bool found = false;  ///< The command is on PATH and ran.
  int status = 0;
  std::string output;
  std::string errors;  ///< In one line.
};

/// Runs a command of Slurm, no longer than that.
[[nodiscard]] SlurmAnswer ask_slurm(const std::vector<std::string>& words, double patience_seconds = 30);

/// One job or array task, as squeue lists it.
struct QueueEntry {
  std::string state;   ///< PENDING, RUNNING, COMPLETING ...
  std::string reason;  ///< Why it is not running: Priority, BeginTime ...
  std::string nodes;
  double seconds_left = 0;  ///< 0: unknown.
};

/// The queue's entries of a job, none if it has left the queue; nullopt if squeue is not here or does not
/// answer.
[[nodiscard]] std::optional<std::vector<QueueEntry>> slurm_queue(const std::string& job_id,
                                                                 double patience_seconds = 30);

/// What every node of a partition has, and how long its jobs may take.
struct SlurmPartition {
  int cores = 0;
  std::uint64_t memory_bytes = 0;
  double longest_seconds = 0;  ///< 0: no limit.
};

/// Of that name (empty: the default one); nullopt if sinfo does not say.
[[nodiscard]] std::optional<SlurmPartition> slurm_partition(const std::string& name);

}  // namespace surd::batch
