// Writes the results of a job in the format that the name of the output asks for.
#pragma once

#include <cstdint>

#include "surd/batch/job.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/mpi/communicator.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch::verbs {

/// Collective. .h5 is written by all ranks, .csv, .jsonl and "-" (CSV to stdout) by rank 0. Returns the bytes
/// written.
/// @throws UsageError  for another extension.
std::uint64_t write_output(storage::FileSystem& files, const WorkDirectory& work, const Job& job,
                           const storage::Path& output, std::uint64_t memory_bytes, bool with_failed,
                           const mpi::Communicator& ranks);

}  // namespace surd::batch::verbs
