// How a data job is cut into units: chosen by its first run, kept in the work directory, used by every
// resume until the job is finished.
//
// cut.json: unit_bytes, memory_bytes and partitions (stream::Cut); job, the text of the job; inputs, for each
// its paths, bytes and fingerprint.
#pragma once

#include <memory>

#include "surd/batch/memory_plan.hpp"
#include "surd/batch/table_job.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/stream/compile.hpp"

namespace surd::batch {

struct CutChoice {
  stream::Cut cut;
  bool resumed = false;  ///< It is that of work that is stored.
};

/// The cut that a run goes by, on rank 0, which holds the work directory. What is committed but not finished
/// keeps the cut it was made with, and the memory too if the user chose none: `memory` is changed. Else a new
/// cut is made for `memory` and stored.
/// @throws UsageError  if memory is less than the stored cut or any cut needs; if unfinished work is of
/// another job or of other input, saying what differs.
[[nodiscard]] CutChoice cut_for(storage::FileSystem& files, const WorkDirectory& work, const TableJob& job,
                                MemoryPlan& memory);

/// The job's stages. @throws UsageError  naming the step that does not fit the input.
[[nodiscard]] std::unique_ptr<stream::DataJob> compile_job(storage::FileSystem& files, const TableJob& job,
                                                           const stream::CompileOptions& options,
                                                           const stream::Cut& cut);

}  // namespace surd::batch
