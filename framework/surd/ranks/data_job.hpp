// Runs the stages of a data job (stream/stage.hpp) across ranks: units are handed out to ranks on request, in
// contiguous stretches; every rank logs what it committed in a log of its own; a run that finds logs goes on
// after them, with any number of ranks.
//
//   <work>/epochs/<run>-<rank>.log      committed artifacts: one record per commit (storage/log.hpp)
//   <work>/spill/<stage>-<run>-<rank>   spill files
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "surd/mpi/session.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/stream/stage.hpp"

namespace surd::ranks {

struct DataJobOptions {
  storage::Path work;  ///< On storage that all ranks see.
  std::string run;     ///< Unique; the same on all ranks.
  storage::Path scratch;
  std::uint64_t memory_bytes = 0;  ///< Per rank.
  std::uint64_t epoch_bytes = 0;   ///< Input between two durable commits of a rank; 0: chosen.
  double grace_seconds = 10;
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
  bool complete = false;  ///< False: stopped; run again to go on.
  DataJobState state;
  stream::DataJob::Summary summary;  ///< On all ranks.
};

/// Collective. `job` is made from the same arguments on all ranks. `observe` is called on rank 0, often.
/// @throws UsageError  if the work directory holds the epochs of another job or changed input.
[[nodiscard]] DataJobResult run_data_job(const mpi::Session& session, const stream::DataJob& job,
                                         storage::FileSystem& files, const DataJobOptions& options,
                                         const std::atomic<bool>& stop,
                                         const std::function<void(const DataJobState&)>& observe);

}  // namespace surd::ranks
