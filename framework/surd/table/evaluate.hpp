// Expressions over batches: the language of expression/expression.hpp, evaluated column by column, with
// nulls.
//
// Null in, null out for arithmetic, comparisons and functions; `and` and `or` follow SQL's three-valued logic
// (false and null is false, true or null is true); `is null`, `is not null`, coalesce(a, b, ...) and if(c, a,
// b) deal with nulls. A filter keeps rows whose condition is true: null is not. Besides the operators of
// sweeps: `like 'a%_'`, lower, upper, length, starts_with, ends_with, contains, substr(text, from 1, length),
// concat, year/month/day/hour('2026-01-31T12:00:00'), int, float, text (conversions; null where they fail).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "surd/table/column.hpp"

namespace surd::table {

/// An expression bound to a schema: types are checked once, evaluation is typed loops over columns.
class BoundExpression {
 public:
  /// @throws UsageError  with the column of the text and what was expected: syntax, unknown names (with the
  /// nearest), types that do not fit.
  BoundExpression(std::string_view text, const Schema& schema);
  BoundExpression(BoundExpression&&) noexcept;
  BoundExpression& operator=(BoundExpression&&) noexcept;
  ~BoundExpression();

  [[nodiscard]] Type type() const noexcept;
  [[nodiscard]] const std::vector<std::size_t>& uses() const noexcept;  ///< Columns read, ascending.

  /// Values for all rows; `into` is overwritten. @throws UsageError  for integer overflow, naming the
  /// operator and the values.
  void evaluate(const Batch& batch, Column& into);
  /// Rows for which the expression, a boolean one, is true, ascending. `into` is overwritten.
  void select(const Batch& batch, std::vector<std::uint32_t>& into);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::table
