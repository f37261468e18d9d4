// Lazy row pipelines: the C++ face of `kind: table`.
//
//   using namespace surd::stream;
//   csv("sales/*.csv") | filter("status == 'completed'") | derive("revenue", "price * quantity")
//       | group({"product"}, {sum("revenue"), count("orders")}) | sort({descending("revenue")}) | take(10)
//       | to_csv("top.csv");
//
// Nothing runs until a to_*, collect, for_each or reduce does; these run in this process, in bounded memory.
// Across ranks: ranks::run_data_job() with compile(pipeline.query(), ...). A pipeline is a value: it may be
// extended in several ways and run again.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "surd/stream/compile.hpp"
#include "surd/stream/query.hpp"

namespace surd::stream {

struct RunOptions {
  std::uint64_t memory_bytes = 0;  ///< 0: the square root of the input's size, see memory::sqrt_budget().
  storage::Path scratch;           ///< Empty: $SURD_SCRATCH, $SLURM_TMPDIR, $TMPDIR, or the system's folder.
};

class Pipeline {
 public:
  explicit Pipeline(Query query) : query_(std::move(query)) {}

  [[nodiscard]] const Query& query() const noexcept { return query_; }
  /// Columns of the result. Opens the input. @throws UsageError  naming the step that does not fit.
  [[nodiscard]] table::Schema schema() const;

  /// Runs and gives all rows, some thousands at a time, in order.
  void each(const std::function<void(const table::Batch&)>& use) const;
  DataJob::Summary write(const table::OutputSpec& output) const;

  friend Pipeline operator|(Pipeline pipeline, Step step) {
    pipeline.query_.steps.push_back(std::move(step));
    return pipeline;
  }
  friend Pipeline operator|(Pipeline pipeline, RunOptions options) {
    pipeline.options_ = std::move(options);
    return pipeline;
  }

 private:
  Query query_;
  RunOptions options_;
};

/// Files and globs, as in table::InputSpec.
[[nodiscard]] Pipeline csv(std::string path);
[[nodiscard]] Pipeline jsonl(std::string path);
[[nodiscard]] Pipeline npy(std::string path);
[[nodiscard]] Pipeline hdf5(std::string path);  ///< "file.h5:/dataset"
[[nodiscard]] Pipeline fixed(std::string path, std::uint32_t record_bytes,
                             std::vector<table::FixedColumn> columns);
[[nodiscard]] inline Pipeline from(Query query) { return Pipeline(std::move(query)); }

[[nodiscard]] inline Step filter(std::string condition) { return Filter{std::move(condition)}; }
[[nodiscard]] inline Step derive(std::string column, std::string expression) {
  return Derive{std::move(column), std::move(expression)};
}
[[nodiscard]] inline Step select(std::vector<std::string> columns) { return Select{std::move(columns), {}}; }
[[nodiscard]] inline Step take(std::uint64_t rows) { return Take{rows}; }
[[nodiscard]] inline Step skip(std::uint64_t rows) { return Skip{rows}; }
[[nodiscard]] inline Step sample(double share, std::uint64_t seed = 0) { return Sample{share, seed}; }
[[nodiscard]] inline Step distinct(std::vector<std::string> by = {}) { return Distinct{std::move(by)}; }
[[nodiscard]] inline Step group(std::vector<std::string> by, std::vector<GroupColumn> results) {
  return Group{std::move(by), std::move(results)};
}
[[nodiscard]] inline Step sort(std::vector<SortKey> by) { return Sort{std::move(by)}; }
/// `on`: columns of the same name on both sides.
[[nodiscard]] Step join(const Pipeline& right, std::vector<std::string> on,
                        external::JoinKind kind = external::JoinKind::inner);
[[nodiscard]] inline Step flat_map(table::Schema schema, BatchFunction map) {
  return FlatMap{std::move(schema), std::move(map)};
}
/// Called with each full window of `size` rows, every `step` rows.
[[nodiscard]] inline Step window(std::uint64_t size, std::uint64_t step, table::Schema schema,
                                 BatchFunction map) {
  return Windows{size, step, false, std::move(schema), std::move(map)};
}
/// Called with every `rows` rows, and with those left at the end.
[[nodiscard]] inline Step chunk(std::uint64_t rows, table::Schema schema, BatchFunction map) {
  return Windows{rows, rows, true, std::move(schema), std::move(map)};
}

[[nodiscard]] inline SortKey ascending(std::string column) { return {std::move(column), false, false}; }
[[nodiscard]] inline SortKey descending(std::string column) { return {std::move(column), true, false}; }

/// Results of a group: `name`, of the column `of` (empty: of that name; count: of rows).
[[nodiscard]] GroupColumn aggregate(external::Aggregate what, std::string name, std::string of = "");
[[nodiscard]] GroupColumn aggregate(const external::UserAggregate& what, std::string name, std::string of);
[[nodiscard]] inline GroupColumn count(std::string name) {
  return aggregate(external::Aggregate::count, std::move(name));
}
[[nodiscard]] inline GroupColumn sum(std::string name, std::string of = "") {
  return aggregate(external::Aggregate::sum, std::move(name), std::move(of));
}
[[nodiscard]] inline GroupColumn min(std::string name, std::string of = "") {
  return aggregate(external::Aggregate::min, std::move(name), std::move(of));
}
[[nodiscard]] inline GroupColumn max(std::string name, std::string of = "") {
  return aggregate(external::Aggregate::max, std::move(name), std::move(of));
}
[[nodiscard]] inline GroupColumn mean(std::string name, std::string of = "") {
  return aggregate(external::Aggregate::mean, std::move(name), std::move(of));
}

struct ToFile {
  table::OutputSpec output;
};
[[nodiscard]] ToFile to_csv(storage::Path path);
[[nodiscard]] ToFile to_jsonl(storage::Path path);
[[nodiscard]] inline ToFile to_file(table::OutputSpec output) { return {std::move(output)}; }
DataJob::Summary operator|(const Pipeline& pipeline, const ToFile& sink);

/// All rows at once, for small results.
struct Collect {
  std::uint64_t limit_bytes = 64 << 20;
};
[[nodiscard]] inline Collect collect(std::uint64_t limit_bytes = 64 << 20) { return {limit_bytes}; }
/// @throws UsageError  if the rows take more than the limit.
[[nodiscard]] table::Batch operator|(const Pipeline& pipeline, Collect sink);

/// Calls a function with batches of rows, in order.
struct ForEach {
  std::function<void(const table::Batch&)> use;
};
[[nodiscard]] inline ForEach for_each(std::function<void(const table::Batch&)> use) {
  return {std::move(use)};
}
inline void operator|(const Pipeline& pipeline, const ForEach& sink) { pipeline.each(sink.use); }

/// Folds batches of rows, in order: value = fold(value, batch).
template <class T, std::invocable<T, const table::Batch&> Fold>
struct Reduce {
  T value;
  Fold fold;
};
template <class T, std::invocable<T, const table::Batch&> Fold>
[[nodiscard]] Reduce<T, Fold> reduce(T value, Fold fold) {
  return {std::move(value), std::move(fold)};
}
template <class T, class Fold>
[[nodiscard]] T operator|(const Pipeline& pipeline, Reduce<T, Fold> sink) {
  pipeline.each([&](const table::Batch& rows) { sink.value = sink.fold(std::move(sink.value), rows); });
  return std::move(sink.value);
}

}  // namespace surd::stream
