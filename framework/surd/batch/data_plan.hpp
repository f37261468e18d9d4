// What a data job will need, for `surd plan` and before `surd run` begins.
#pragma once

#include <string>

#include "surd/batch/memory_plan.hpp"
#include "surd/batch/table_job.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/stream/compile.hpp"

namespace surd::batch {

struct DataPlan {
  MemoryPlan memory;
  stream::PipelinePlan stages;
  std::uint64_t least_scratch = 0;  ///< Bytes of temporary files below which the job cannot end.
  std::uint64_t free_bytes = 0;     ///< Where the work directory lies, or will.
  storage::Path work;

  /// The disk is clearly too small; empty if it may do.
  [[nodiscard]] std::string refusal() const;
  /// The disk may turn out to be too small; empty if not, or if there is a refusal.
  [[nodiscard]] std::string warning() const;
};

/// How long a data job may take: all it reads and writes, at a speed that is assumed.
struct DataTime {
  std::uint64_t bytes = 0;  ///< The input and an output as large, and what is spilled, to the disk and back.
  double bytes_per_second = 0;
  double seconds = 0;

  /// "12.0 GiB to read and write, at 400 MiB/s (assumed: 50 MiB/s per rank, at most 400 MiB/s per node)"
  [[nodiscard]] std::string basis() const;
};

[[nodiscard]] DataTime data_time(const stream::PipelinePlan& stages, int ranks, int nodes);

/// Bytes of the job's input files. @throws UsageError  if one is missing, or no file.
[[nodiscard]] std::uint64_t input_bytes(storage::FileSystem& files, const TableJob& job);

/// @throws UsageError  if the job reads what it writes: run again, it would start from its own output.
void require_apart(storage::FileSystem& files, const TableJob& job);

[[nodiscard]] DataPlan plan_data(storage::FileSystem& files, const TableJob& job, const MemoryPlan& memory,
                                 const storage::Path& work);

}  // namespace surd::batch
