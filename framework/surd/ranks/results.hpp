// Writes what a memo holds of a definition as one labelled HDF5 file, or as a table.
//
// The file opens in xarray (engine="h5netcdf"), h5py and ncdump: each axis of the grid is a dimension scale
// with its values as coordinates; a zip or sample is one dimension with a coordinate per axis; each result
// field is one dataset of the grid's shape (times its own); `status` says 0 missing, 1 done, 2 failed, 3
// excluded. Bytes depend on the job and its results alone: not on ranks, order, restarts, times or hosts.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "surd/mpi/communicator.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::ranks {

struct ResultsOptions {
  storage::Path output;   ///< .h5; written as output.part and renamed.
  storage::Path scratch;  ///< Node-local, for results bigger than memory_bytes.
  std::uint64_t memory_bytes = std::uint64_t{16} << 20;
  bool keep_other_versions = false;
  std::string compression = "deflate";  ///< none | deflate | zstd (filter 32015)
  /// Results of at least this size (without `compression` being asked for) are written uncompressed by all
  /// ranks in parallel; smaller ones compressed by rank 0.
  std::uint64_t parallel_bytes = std::uint64_t{256} << 20;
  bool compression_asked = false;
  std::map<std::string, std::string> attributes;  ///< Of the file: job text, program version ...
  std::map<std::string, std::map<std::string, std::string>> fields;  ///< name -> {units: K, long_name: ...}
};

struct ResultsSummary {
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t missing = 0;
  std::uint64_t excluded = 0;
  std::uint64_t bytes = 0;  ///< Of the file.
};

/// Collective. @throws IoError  if the output cannot be written (checked before any work), on all ranks
/// together.
ResultsSummary write_results(const mpi::Communicator& ranks, storage::FileSystem& files,
                             const storage::Path& memo, const sweep::Definition& definition,
                             const ResultsOptions& options);

/// Why a result of `definition` may not be called `name` (an axis has the name), empty if it may; to be asked
/// at the first result of a run, not after the last.
[[nodiscard]] std::string result_name_conflict(const sweep::Definition& definition, const std::string& name);

/// One row per done (and, if asked, failed) point in row-major order: axes, status, fields; arrays as a JSON
/// list in one cell. `format`: "csv" or "jsonl". Rank-local; "-" writes to stdout. Memory as
/// options.memory_bytes.
ResultsSummary export_table(storage::FileSystem& files, const storage::Path& memo,
                            const sweep::Definition& definition, const std::string& format,
                            const ResultsOptions& options, bool with_failed = false);

}  // namespace surd::ranks
