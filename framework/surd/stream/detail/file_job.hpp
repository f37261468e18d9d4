// A data job that ends in a file.
#pragma once

#include <memory>
#include <string>

#include "surd/stream/detail/planner.hpp"

namespace surd::stream::detail {

[[nodiscard]] std::unique_ptr<DataJob> file_job(std::string identity, JobPlan plan, FilePlan file);

/// A data job whose last stage leaves packed rows.
[[nodiscard]] std::unique_ptr<DataJob> rows_job(JobPlan plan);

/// Renames a finished part file to its name and makes that durable; removes parts of the same name that other
/// jobs left behind. No error if it has been renamed already.
void publish(storage::FileSystem& files, const storage::Path& part, const storage::Path& path);

}  // namespace surd::stream::detail
