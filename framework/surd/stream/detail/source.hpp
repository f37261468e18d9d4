// Where the rows of a stage come from: splits of the input, merged runs, groups, joined partitions, packed
// rows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "surd/external/group.hpp"
#include "surd/stream/detail/bind.hpp"
#include "surd/stream/detail/operator.hpp"
#include "surd/stream/detail/parts.hpp"
#include "surd/stream/detail/sinks.hpp"

namespace surd::stream::detail {

/// What a source gives its rows to.
class Flow {
 public:
  virtual ~Flow() = default;
  virtual void begin(std::uint64_t unit) = 0;
  /// Rows of the unit begun, as Operator::push().
  virtual void push(table::Batch& rows, std::uint64_t position) = 0;
  /// No more rows of this unit are wanted.
  [[nodiscard]] virtual bool full() const = 0;
  virtual void bad(const std::vector<table::BadRow>& rows, std::uint64_t count) = 0;
  /// The unit is complete: commits it.
  virtual void end() = 0;
};

/// Cut into units. Borrows the artifacts it is made from.
class Source {
 public:
  virtual ~Source() = default;
  [[nodiscard]] virtual std::uint64_t units() const = 0;
  [[nodiscard]] virtual std::uint64_t unit_bytes(std::uint64_t unit) const = 0;
  /// What run() takes of the stage's memory before it is divided.
  [[nodiscard]] virtual std::uint64_t beside_bytes() const { return 0; }
  /// Gives units [first, last), in order.
  virtual void run(std::uint64_t first, std::uint64_t last, const Setting& setting, Flow& flow) = 0;
};

/// Splits of a query's input, a unit each.
[[nodiscard]] std::unique_ptr<Source> input_source(std::shared_ptr<const BoundQuery> query,
                                                   std::uint64_t unit_bytes);

/// Rows of sorted runs in order, those of `range`; units are equal stretches of rows, of about `unit_bytes`.
/// Positions are those in the sorted whole. Errors name the `step`.
[[nodiscard]] std::unique_ptr<Source> merge_source(table::Schema schema, std::vector<external::Run> runs,
                                                   Range range, std::uint64_t unit_bytes, std::string step);

/// Groups, in the order of their hashes; units are consecutive partitions of about `unit_bytes`.
[[nodiscard]] std::unique_ptr<Source> group_source(const GroupTarget& target, table::Schema schema,
                                                   std::span<const Artifact> parts, std::uint64_t unit_bytes);

/// How the rows of two sides make one.
struct JoinPlan {
  external::JoinKind kind = external::JoinKind::inner;
  JoinTarget left;
  JoinTarget right;
  table::Schema schema;  ///< Of the result: the columns that the left packs, then those that the right does.
};

/// Joined partitions; a unit is part of a partition of the left with all of the right's, or several small
/// ones.
[[nodiscard]] std::unique_ptr<Source> join_source(const JoinPlan& plan, std::span<const Artifact> left,
                                                  std::span<const Artifact> right, std::uint64_t unit_bytes);
/// Whether a join's right side is so small that every process loads it: see broadcast_limit_bytes.
[[nodiscard]] bool is_small(const JoinTarget& target, std::span<const Artifact> right);
/// Joins the rows that come with a right side that is_small().
[[nodiscard]] std::unique_ptr<Operator> broadcast_join(const JoinPlan& plan, std::span<const Artifact> right,
                                                       const Setting& setting, Operator& next);

/// Packed rows, those of `range`; a unit per piece, or one for all if `one_unit`.
[[nodiscard]] std::unique_ptr<Source> rows_source(table::Schema schema, const std::vector<UnitOutput>& parts,
                                                  Range range, bool one_unit);

/// Consecutive things of given sizes, put together until they reach `unit_bytes`: where each unit begins, and
/// the end of the last.
[[nodiscard]] std::vector<std::size_t> stretches(const std::vector<std::uint64_t>& bytes,
                                                 std::uint64_t unit_bytes);

}  // namespace surd::stream::detail
