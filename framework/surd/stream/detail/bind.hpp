// A query bound to its input: the schema before and after every step, and which columns anybody needs.
#pragma once

#include <memory>
#include <vector>

#include "surd/storage/file_system.hpp"
#include "surd/stream/query.hpp"

namespace surd::stream::detail {

struct BoundQuery;

struct BoundStep {
  Step step;
  table::Schema before;                 ///< All columns.
  table::Schema after;                  ///< All columns.
  std::vector<bool> needed;             ///< [after]: read by a later step, or part of the result.
  std::shared_ptr<BoundQuery> right{};  ///< Of a join.

  /// The columns of `after` that are needed: what a stage that ends here stores.
  [[nodiscard]] table::Schema kept() const;
};

struct BoundQuery {
  std::shared_ptr<const table::Input> input;
  std::vector<BoundStep> steps;
  table::Schema schema;      ///< Of the result.
  std::vector<bool> needed;  ///< [input's columns]

  /// Bytes of all inputs, joined ones too.
  [[nodiscard]] std::uint64_t input_bytes() const;
  /// What the columns of wide tables take, whatever their rows hold: names, in every copy of a schema, and
  /// the heads of vectors in every batch. Counts those of joined queries; 0 for tables of some 100 columns.
  [[nodiscard]] std::uint64_t columns_bytes() const;
  /// The most columns that a table has on the way.
  [[nodiscard]] std::size_t most_columns() const;
  /// Whether a step, of joined queries too, is a `What`.
  template <class What>
  [[nodiscard]] bool has() const {
    for (const auto& step : steps) {
      if (std::holds_alternative<What>(step.step)) return true;
      if (step.right && step.right->has<What>()) return true;
    }
    return false;
  }
};

/// Columns after `step`. `right`: those of a join's right side.
/// @throws UsageError  for unknown columns, with the nearest, types that do not fit, names used twice.
[[nodiscard]] table::Schema schema_after(const Step& step, const table::Schema& before,
                                         const table::Schema& right = {});

/// Of `before`, which columns `step` needs so that `needed` of `after` can be made.
[[nodiscard]] std::vector<bool> needed_before(const Step& step, const table::Schema& before,
                                              const table::Schema& after, const std::vector<bool>& needed);

/// Opens the inputs and binds all steps.
/// @throws UsageError  naming the step, as schema_after(); what open_input() throws.
[[nodiscard]] std::shared_ptr<BoundQuery> bind(const Query& query, storage::FileSystem& files);

/// Names that the columns of a join's right side get, "" for those that are left out: its keys.
[[nodiscard]] std::vector<std::string> right_names(const Join& join, const table::Schema& left,
                                                   const table::Schema& right);

/// What an aggregate of a column gets as input and gives.
[[nodiscard]] external::AggregateSpec aggregate_spec(const GroupColumn& column, const table::Schema& schema);

[[nodiscard]] external::ValueType value_type(table::Type type) noexcept;
[[nodiscard]] table::Type column_type(external::ValueType type) noexcept;

}  // namespace surd::stream::detail
