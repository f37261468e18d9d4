// From a query to a data job: cuts its steps into stages of units, sized for the memory of a rank.
//
// Narrow steps (filter, derive, select, sample, flat_map) run inside the stage that makes their input, and
// inputs are read by the columns that somebody uses. A sort is a stage that forms runs, one or two that merge
// them into longer ones should they be too many (else they are empty), and the merge that feeds what follows;
// a group one that scatters partial states over partitions and one that finishes them (then a sort by the
// keys); a join two that scatter, unless its right side is small, and one that joins. The output's bytes are
// written as pieces and put in place by a last stage.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "surd/external/sort.hpp"
#include "surd/stream/query.hpp"
#include "surd/stream/stage.hpp"
#include "surd/table/output.hpp"

namespace surd::stream {

/// What a job will do, for `surd plan`.
struct PipelinePlan {
  std::vector<std::string> stages;  ///< In words.
  table::Schema schema;             ///< Of the result.
  std::uint64_t input_bytes = 0;
  std::uint64_t scratch_bytes = 0;  ///< Estimated largest total of spill files.
  std::uint64_t least_memory = 0;
};

struct CompileOptions {
  std::uint64_t memory_bytes = 0;  ///< Per rank.
  std::uint64_t block_bytes = 256 << 10;
};

/// The sizes by which a job is cut into units. A job that is resumed must be cut as it was begun: keep its
/// cut with its epochs and compile with it, whatever ranks and memory there are now.
struct Cut {
  std::uint64_t unit_bytes = 0;    ///< Of input, runs or pieces per unit, about.
  std::uint64_t memory_bytes = 0;  ///< That one rank's stage divides.
  std::uint32_t partitions = 0;    ///< Of groups and joins; from the input's size alone.

  friend bool operator==(const Cut&, const Cut&) = default;
};

/// "{unit_bytes: ..., memory_bytes: ..., partitions: ...}" as JSON, and back. @throws SpecError
[[nodiscard]] std::string to_text(const Cut& cut);
[[nodiscard]] Cut parse_cut(std::string_view text);

/// @throws UsageError  if memory is below the least.
[[nodiscard]] Cut choose_cut(const Query& query, const CompileOptions& options, storage::FileSystem& files);

/// Checks names and types of all steps and cuts the query into stages.
/// @throws UsageError  naming the step, if something does not fit; if options.memory_bytes is less than the
/// cut's.
[[nodiscard]] std::unique_ptr<DataJob> compile(const Query& query, const table::OutputSpec& output,
                                               const CompileOptions& options, const Cut& cut,
                                               storage::FileSystem& files);
[[nodiscard]] std::unique_ptr<DataJob> compile(const Query& query, const table::OutputSpec& output,
                                               const CompileOptions& options, storage::FileSystem& files);
[[nodiscard]] PipelinePlan plan(const Query& query, const CompileOptions& options,
                                storage::FileSystem& files);

/// A sort of fixed-size binary records as they stand: `surd sort --format fixed:100 --key 0:10`.
struct RecordSort {
  std::vector<std::string> inputs;  ///< Files and globs.
  external::RecordFormat format;
  storage::Path output;
};
[[nodiscard]] Cut choose_cut(const RecordSort& sort, const CompileOptions& options,
                             storage::FileSystem& files);
[[nodiscard]] std::unique_ptr<DataJob> compile(const RecordSort& sort, const CompileOptions& options,
                                               const Cut& cut, storage::FileSystem& files);
[[nodiscard]] std::unique_ptr<DataJob> compile(const RecordSort& sort, const CompileOptions& options,
                                               storage::FileSystem& files);
[[nodiscard]] PipelinePlan plan(const RecordSort& sort, const CompileOptions& options,
                                storage::FileSystem& files);

/// Runs a job in this process, without a work directory.
DataJob::Summary run_here(const DataJob& job, storage::FileSystem& files, const storage::Path& scratch,
                          std::uint64_t memory_bytes);

}  // namespace surd::stream
