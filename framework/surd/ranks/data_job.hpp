// Runs the stages of a data job (stream/stage.hpp) across ranks: units are handed out to ranks on request, in
// contiguous stretches; every rank logs what it committed in a log of its own; a run that finds logs goes on
// after them, with any number of ranks.
//
//   <work>/epochs/<run>-<rank>.log      committed artifacts (ranks/detail/epoch_log.hpp)
//   <work>/spill/<stage>-<run>-<rank>   spill files
//   <work>/running                      who is at it (ranks/work_lock.hpp)
//
// A rank syncs and logs once per epoch, and at the end of a stage. A job that is over before an epoch is
// syncs nothing. Spill files go as soon as no stage needs them, and what made them unnecessary is safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "surd/memory/profile.hpp"
#include "surd/mpi/session.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/stream/stage.hpp"

namespace surd::ranks {

struct DataJobOptions {
  storage::Path work;  ///< On storage that all ranks see.
  std::string run;     ///< Unique; the same on all ranks.
  storage::Path scratch;
  std::uint64_t memory_bytes = 0;  ///< Per rank.
  /// Input, and time, between two durable commits of a rank: what a kill costs at most. 0 bytes: the memory,
  /// at least 256 MiB, so that syncing stays below some percent of the time.
  std::uint64_t epoch_bytes = 0;
  double epoch_seconds = 10;
  double grace_seconds = 10;
  bool locked = false;        ///< The caller holds a WorkLock of `work` on rank 0; else it is taken here.
  double stale_seconds = 30;  ///< A run on another host that shows no life for so long is taken for dead.
};

/// What rank 0 knows while the job runs.
struct DataJobState {
  std::size_t stage = 0;
  std::size_t stages = 0;
  std::string stage_name;
  std::uint64_t units = 0;
  std::uint64_t units_done = 0;
  std::uint64_t units_resumed = 0;  ///< Found done, of all stages.
  std::uint64_t bytes = 0;          ///< Read by this stage's units, of total_bytes.
  std::uint64_t total_bytes = 0;
  std::uint64_t rows = 0;
  double seconds = 0;
};

struct DataJobResult {
  bool complete = false;      ///< False: stopped; run again to go on.
  bool was_complete = false;  ///< Already before: nothing was done.
  DataJobState state;
  stream::DataJob::Summary summary;      ///< On all ranks.
  std::uint64_t epochs = 0;              ///< Durable commits of this rank.
  std::vector<memory::PhaseUse> phases;  ///< Of this rank: one per stage that was not complete.
};

/// Collective. `job` is made from the same arguments on all ranks. `observe` is called on rank 0, every 0.1 s
/// or so, by any of its threads, one at a time. Nothing is done if the job has been finished and its output
/// is still there. Sets how much malloc keeps of what is freed, of the whole process
/// (memory::limit_kept_memory()).
/// @throws UsageError  on all ranks, if the work directory holds the unfinished work of another job or of
/// other input, or if another run is at work in it.
[[nodiscard]] DataJobResult run_data_job(const mpi::Session& session, const stream::DataJob& job,
                                         storage::FileSystem& files, const DataJobOptions& options,
                                         const std::atomic<bool>& stop,
                                         const std::function<void(const DataJobState&)>& observe);

}  // namespace surd::ranks
