// Makers of operations. Each checks the types of its operands, gives null operands the type that fits, and
// throws UsageError for types that do not fit.
#pragma once

#include <string>

#include "surd/table/detail/operation.hpp"

namespace surd::table::detail {

/// A value that all rows have.
class Constant final : public Operation {
 public:
  Constant(const Node& node, std::int64_t value);
  Constant(const Node& node, double value);
  Constant(const Node& node, bool value);
  Constant(const Node& node, std::string value);
  /// Null, of a type or of none yet.
  Constant(const Node& node, std::optional<Type> type);

  [[nodiscard]] Values evaluate(const Rows& rows) override;
  [[nodiscard]] const Constant* constant() const noexcept override { return this; }
  /// Of row 0, as of any.
  [[nodiscard]] const Values& values() const noexcept { return values_; }
  [[nodiscard]] bool is_null() const noexcept { return values_.nulls != nullptr; }

 private:
  std::vector<std::int64_t> integers_;
  std::vector<double> numbers_;
  std::vector<std::uint8_t> truths_;
  std::vector<std::uint8_t> nulls_;
  std::string text_;
  Values values_;
};

/// The constant that an operation on constants gives.
[[nodiscard]] OperationPointer fold(Operation& operation);

[[nodiscard]] OperationPointer make_variable(const Node& node, const Field& field);

/// Gives a null without type the type `type`.
void adopt(OperationPointer& operation, Type type);
/// Integers to floats; a null becomes a float.
[[nodiscard]] OperationPointer as_float(OperationPointer operation);

[[nodiscard]] OperationPointer make_arithmetic(const Node& node, OperationPointer a, OperationPointer b);
/// negate, absolute, floor, ceil, round, real_function
[[nodiscard]] OperationPointer make_numeric(const Node& node, OperationPointer a);
/// min, max
[[nodiscard]] OperationPointer make_extreme(const Node& node, Operations operands);
/// equal to greater_equal
[[nodiscard]] OperationPointer make_comparison(const Node& node, Kind kind, OperationPointer a,
                                               OperationPointer b);
/// a == text, or a != text
[[nodiscard]] OperationPointer make_text_equality(const Node& node, OperationPointer a, std::string text,
                                                  bool negated);
/// in, not_in
[[nodiscard]] OperationPointer make_membership(const Node& node, Operations operands);
/// logical_and, logical_or
[[nodiscard]] OperationPointer make_logic(const Node& node, OperationPointer a, OperationPointer b);
[[nodiscard]] OperationPointer make_not(const Node& node, OperationPointer a);
/// is_null, is_not_null
[[nodiscard]] OperationPointer make_null_test(const Node& node, OperationPointer a);
[[nodiscard]] OperationPointer make_coalesce(const Node& node, Operations operands);
[[nodiscard]] OperationPointer make_choice(const Node& node, Operations operands);
/// like, not_like
[[nodiscard]] OperationPointer make_like(const Node& node, OperationPointer a, OperationPointer pattern);
/// lower to concat
[[nodiscard]] OperationPointer make_text_function(const Node& node, Operations operands);
/// year to to_text
[[nodiscard]] OperationPointer make_conversion(const Node& node, OperationPointer a);

}  // namespace surd::table::detail
