// Lazy row pipelines: the C++ face of `kind: table`.
//
//   using namespace surd::stream;
//   csv("sales/*.csv") | filter("status == 'completed'") | derive("revenue", "price * quantity")
//       | group({"product"}, {sum("revenue"), count("orders")}) | sort({descending("revenue")}) | take(10)
//       | to_csv("top.csv");
//
// Nothing runs until a to_*, collect or reduce does. A pipeline is a value: it may be run again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "surd/base/spec.hpp"
#include "surd/external/group.hpp"
#include "surd/external/join.hpp"
#include "surd/stream/stage.hpp"
#include "surd/table/input.hpp"
#include "surd/table/output.hpp"

namespace surd::stream {

/// The steps of a pipeline, as data. A job file's `steps:` and the C++ operators both make these.
struct Filter {
  std::string condition;
};
struct Derive {
  std::string column;
  std::string expression;
};
struct Select {
  std::vector<std::string> columns;
  std::vector<std::string> names;
};  ///< Names: as renamed.
struct GroupColumn {
  std::string name;
  external::Aggregate aggregate;
  std::string input;
};  ///< Input may be empty.
struct Group {
  std::vector<std::string> by;
  std::vector<GroupColumn> results;
  bool sorted = true;
};
struct SortKey {
  std::string column;
  bool descending = false;
  bool nulls_first = false;
};
struct Sort {
  std::vector<SortKey> by;
};
struct Distinct {
  std::vector<std::string> by;
};  ///< Empty: all columns. Keeps the first row.
struct Take {
  std::uint64_t rows = 0;
};
struct Skip {
  std::uint64_t rows = 0;
};
struct Sample {
  double share = 1;
  std::uint64_t seed = 0;
};                ///< By row position: the same for any ranks.
struct FlatMap {  ///< C++ only.
  table::Schema schema;
  std::function<void(const table::Batch&, table::Batch&)> map;
};
struct Join;
using Step = std::variant<Filter, Derive, Select, Group, Sort, Distinct, Take, Skip, Sample, FlatMap,
                          std::shared_ptr<Join>>;

struct Query {
  table::InputSpec input;
  std::vector<Step> steps;
};
struct Join {
  Query right;
  std::vector<std::string> left_by;
  std::vector<std::string> right_by;
  external::JoinKind kind = external::JoinKind::inner;
};

/// Reads `input:` and `steps:` of a job. @throws SpecError  with the step's place.
[[nodiscard]] Query parse_query(const base::Spec& job);

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
  int ranks = 1;                   ///< For the sizes of units alone, never for results.
  std::uint64_t block_bytes = 256 << 10;
  storage::Path work;  ///< Where pieces of the output and spill files lie.
};

/// Checks names and types of all steps and cuts the query into stages.
/// @throws UsageError  naming the step, if something does not fit; if memory is below the least.
[[nodiscard]] std::unique_ptr<DataJob> compile(const Query& query, const table::OutputSpec& output,
                                               const CompileOptions& options, storage::FileSystem& files);
[[nodiscard]] PipelinePlan plan(const Query& query, const CompileOptions& options,
                                storage::FileSystem& files);

/// A sort of fixed-size binary records as they stand: `surd sort --format fixed:100 --key 0:10`.
struct RecordSort {
  std::vector<storage::Path> inputs;
  external::RecordFormat format;
  storage::Path output;
};
[[nodiscard]] std::unique_ptr<DataJob> compile(const RecordSort& sort, const CompileOptions& options,
                                               storage::FileSystem& files);

/// Runs a job in this process, without a work directory.
DataJob::Summary run_here(const DataJob& job, storage::FileSystem& files, const storage::Path& scratch,
                          std::uint64_t memory_bytes);

}  // namespace surd::stream
