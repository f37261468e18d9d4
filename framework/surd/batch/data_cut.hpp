// How a data job is cut into units: chosen by its first run, kept in the work directory, used by every resume.
#pragma once

#include <memory>
#include <string>

#include "surd/batch/table_job.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/stream/compile.hpp"

namespace surd::batch {

/// The cut that the work directory holds, else a new one, which is stored. Opens the job's input.
/// @throws UsageError  if the stored cut needs more memory than the job gives now.
[[nodiscard]] base::Json cut_for(storage::FileSystem& files, const WorkDirectory& work, const TableJob& job,
                                 int ranks);

[[nodiscard]] stream::Cut cut_from_text(const std::string& text);

/// The job's stages. @throws UsageError  naming the step that does not fit the input.
[[nodiscard]] std::unique_ptr<stream::DataJob> compile_job(storage::FileSystem& files, const TableJob& job,
                                                           const stream::Cut& cut);

}  // namespace surd::batch
