// How a data job is cut into units: chosen by its first run, kept in the work directory, used by every
// resume.
#pragma once

#include <memory>

#include "surd/batch/memory_plan.hpp"
#include "surd/batch/table_job.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/stream/compile.hpp"

namespace surd::batch {

/// Bytes of the job's input files. @throws UsageError  if one is missing.
[[nodiscard]] std::uint64_t input_bytes(storage::FileSystem& files, const TableJob& job);

/// The cut that the work directory holds, else a new one for `memory_bytes` per rank, which is stored.
/// @throws UsageError  if memory is less than the stored cut or any cut needs.
[[nodiscard]] stream::Cut cut_for(storage::FileSystem& files, const WorkDirectory& work, const TableJob& job,
                                  const stream::CompileOptions& options);

/// The job's stages. @throws UsageError  naming the step that does not fit the input.
[[nodiscard]] std::unique_ptr<stream::DataJob> compile_job(storage::FileSystem& files, const TableJob& job,
                                                           const stream::CompileOptions& options,
                                                           const stream::Cut& cut);

}  // namespace surd::batch
