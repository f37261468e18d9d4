// A job of `kind: table`, read and checked: a pipeline over files, or a sort of binary records.
//
//   kind: table
//   name: top-products
//   input: sales/*.csv                       # or {path: ..., types: {...}, on_bad_row: skip, ...}
//   steps: [{filter: "price > 0"}, {group: {by: [product], revenue: {sum: price}}}]
//   output: top.csv
//   memory: 64MiB                            # per rank; default sqrt
//   epoch: 1GiB                              # input of a rank between two commits: what a kill may cost
//
//   kind: table                              # records as they stand: no columns, one sort
//   name: sorted
//   input: {path: records.bin, fixed: {record_bytes: 100, key: [0, 10]}}
//   output: sorted.bin
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "surd/batch/job.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/stream/compile.hpp"
#include "surd/table/output.hpp"

namespace surd::batch {

enum class JobKind { sweep, table };

/// What `kind:` of a job says. @throws JobError  if there is none, or one that surd does not know.
[[nodiscard]] JobKind job_kind(const std::string& text, const storage::Path& file,
                               std::span<const std::string> settings);

struct TableJob {
  storage::Path file;                 ///< For a shortcut its verb: "surd sort".
  bool is_shortcut = false;           ///< Its text is surd's, not the user's.
  std::string text;                   ///< As it was read, with --set applied as comments at its end.
  std::vector<std::string> settings;  ///< Of --set.
  std::string name;
  stream::Query query;  ///< Unless `records` is set.
  std::optional<stream::RecordSort> records;
  table::OutputSpec output;
  std::uint64_t memory_bytes = 0;  ///< Per rank; 0: sqrt.
  std::uint64_t epoch_bytes = 0;   ///< Input between two commits of a rank; 0: chosen.
  double time_limit_seconds = 0;
};

/// Reads and checks a job, but opens no input. Rank-local: all ranks parse the same text.
/// @throws JobError  at the first mistake.
[[nodiscard]] TableJob parse_table_job(const std::string& text, const storage::Path& file,
                                       std::span<const std::string> settings);

/// The text of `error`, a mistake found with the inputs open; shows the line of a step that is wrong.
[[nodiscard]] std::string explain(const TableJob& job, const base::UsageError& error);

}  // namespace surd::batch
