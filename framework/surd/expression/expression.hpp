// Expressions over named values, as jobs write them: "L * T < 100 and not (model == 'b')".
//
// Grammar (PEGTL), loosest first: or; and; not; comparison == != < <= > >= and `in [..]`, `not in [..]`; + -;
// * / %; unary -; ** ; literals (numbers, 'text' or "text", true, false), names (`odd names` in backquotes),
// calls abs sqrt exp log log2 log10 sin cos tan floor ceil round min max. Integers stay integers under + - *
// % and ** (beyond 64 bits is an error), / gives a float, floor, ceil and round (halves to even) an integer;
// % has the sign of its right side. Floats follow IEEE 754: 1 / 0 is infinite. Types must fit: 'a' + 1 is an
// error, and so is 'a' == 1. Tables (table/evaluate.hpp) add nulls and functions of texts; tree.hpp has all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace surd::expression {

using Value = std::variant<bool, std::int64_t, double, std::string>;

struct Node;

/// A parsed expression. Immutable; cheap to copy; evaluating is thread-safe.
class Expression {
 public:
  /// @throws UsageError  with the column and what was expected, or naming a name not in `names`, with the
  /// nearest.
  static Expression parse(std::string_view text, const std::vector<std::string>& names);

  /// Indices into `names` that the expression reads, ascending.
  [[nodiscard]] const std::vector<std::size_t>& uses() const noexcept;

  /// `value(i)` gives names[i]. @throws UsageError  for types that do not fit, naming the operator.
  [[nodiscard]] Value evaluate(const std::function<Value(std::size_t)>& value) const;
  /// @throws UsageError  also if the result is no bool / no number.
  [[nodiscard]] bool test(const std::function<Value(std::size_t)>& value) const;
  [[nodiscard]] double number(const std::function<Value(std::size_t)>& value) const;

 private:
  explicit Expression(std::shared_ptr<const Node> root);
  std::shared_ptr<const Node> root_;
  std::vector<std::size_t> uses_;
};

}  // namespace surd::expression
