// A data job that ends in a file.
#pragma once

#include <memory>
#include <string>

#include "surd/stream/detail/planner.hpp"

namespace surd::stream::detail {

[[nodiscard]] std::unique_ptr<DataJob> file_job(std::string identity, JobPlan plan, const FilePlan& file);

/// A data job whose last stage leaves packed rows.
[[nodiscard]] std::unique_ptr<DataJob> rows_job(JobPlan plan);

/// Renames a finished part file to its name, unless that is done, and makes it durable. Removes parts of the
/// same name that other jobs have abandoned: those that were not written to in the hour before this one was.
/// @throws IoError  if the part is missing.
void publish(storage::FileSystem& files, const DataJob::Output& output, bool renamed);

}  // namespace surd::stream::detail
