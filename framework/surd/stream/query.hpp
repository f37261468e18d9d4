// What a row pipeline does, as data: an input and steps. A job file's `steps:` and the operators of
// pipeline.hpp both make these; compile.hpp cuts them into stages.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "surd/base/spec.hpp"
#include "surd/external/group.hpp"
#include "surd/external/join.hpp"
#include "surd/table/input.hpp"

namespace surd::stream {

/// Keeps rows whose condition is true.
struct Filter {
  std::string condition;
};

/// A new column, or new values of a column that exists.
struct Derive {
  std::string column;
  std::string expression;
};

struct Select {
  std::vector<std::string> columns;
  std::vector<std::string> names;  ///< As renamed; empty: as they are.
};

struct GroupColumn {
  std::string name;
  external::Aggregate aggregate = external::Aggregate::count;
  std::string input;  ///< Empty: rows are counted.
  const external::UserAggregate* user = nullptr;
};

struct Group {
  std::vector<std::string> by;
  std::vector<GroupColumn> results;
  bool sorted = true;  ///< By the keys, ascending; else groups come in the order of their keys' hashes.
};

struct SortKey {
  std::string column;
  bool descending = false;
  bool nulls_first = false;  ///< Else last, in both directions.
};

/// Stable.
struct Sort {
  std::vector<SortKey> by;
};

/// The first row of each combination of these columns; of whole rows if empty. Ordered by the hash of the
/// columns.
struct Distinct {
  std::vector<std::string> by;
};

struct Take {
  std::uint64_t rows = 0;
};

struct Skip {
  std::uint64_t rows = 0;
};

/// Each row with this probability. Drawn from the row's position: the same for any ranks and memory.
struct Sample {
  double share = 1;
  std::uint64_t seed = 0;
};

/// Called with rows and an empty batch of `schema`, to which it adds any number of rows.
using BatchFunction = std::function<void(const table::Batch& rows, table::Batch& into)>;

/// C++ only. Must be a pure function of the rows, whatever batches they come in.
struct FlatMap {
  table::Schema schema;
  BatchFunction map;
};

/// C++ only. `map` is called with each stretch of `size` consecutive rows that begins at a multiple of
/// `step`; with a shorter last one too if `partial`. Runs on one rank, in row order.
struct Windows {
  std::uint64_t size = 1;
  std::uint64_t step = 1;
  bool partial = false;
  table::Schema schema;
  BatchFunction map;
};

struct Join;
using Step = std::variant<Filter, Derive, Select, Group, Sort, Distinct, Take, Skip, Sample, FlatMap, Windows,
                          std::shared_ptr<Join>>;

struct Query {
  table::InputSpec input;
  std::vector<Step> steps;
  std::vector<std::string> places;  ///< [steps], "steps.2.filter"; empty if no job says them.
};

/// Rows of the left with their matches of the right. Columns: the left's, then the right's without its keys;
/// a right column named like a left one gets "_right" appended. Semi and anti joins: the left's alone.
struct Join {
  Query right;
  std::vector<std::string> left_by;
  std::vector<std::string> right_by;
  external::JoinKind kind = external::JoinKind::inner;
};

/// A step that the columns before it do not allow.
class StepError : public base::UsageError {
 public:
  StepError(std::string path, const std::string& message) : UsageError(message), path_(std::move(path)) {}
  /// Where the step stands in its job: "steps.2.filter", "steps.2.join.steps.0.filter"; "" if in none.
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

/// The inputs of a query and of its joins, in the order in which they are opened.
[[nodiscard]] std::vector<const table::InputSpec*> inputs_of(const Query& query);

/// Reads `input:` and `steps:` of a job. @throws SpecError  with the step's place.
[[nodiscard]] Query parse_query(const base::Spec& job);

/// One list of `steps:`. @throws SpecError
[[nodiscard]] std::vector<Step> parse_steps(const base::Spec& steps);

/// "group by product: revenue = sum(price)", for plans, progress and the job's identity.
[[nodiscard]] std::string to_text(const Step& step);

/// What sum, mean ... are called in job files; "user" is not among them.
[[nodiscard]] std::string_view aggregate_name(external::Aggregate aggregate) noexcept;

}  // namespace surd::stream
