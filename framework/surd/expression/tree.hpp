// The tree of a parsed expression. Evaluators (of single values here, of columns in table/) walk it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "surd/expression/expression.hpp"

namespace surd::expression {

enum class Kind : std::uint8_t {
  literal,   ///< Node::value
  variable,  ///< Node::variable
  logical_or,
  logical_and,
  logical_not,
  equal,
  not_equal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,      ///< Children: the value, then the list's items.
  not_in,  ///< Likewise.
  add,
  subtract,
  multiply,
  divide,
  remainder,
  power,
  negate,
  absolute,
  floor,
  ceil,
  round,
  min,
  max,
  real_function,  ///< Node::function
  // From here on in Language::tables only.
  null,
  is_null,
  is_not_null,
  like,
  not_like,
  coalesce,
  choice,  ///< if(condition, value, otherwise)
  lower,
  upper,
  length,
  starts_with,
  ends_with,
  contains,
  substr,
  concat,
  year,
  month,
  day,
  hour,
  minute,
  second,
  to_integer,
  to_float,
  to_text,
};

/// The operator as it is written, "**"; empty for functions and operands.
[[nodiscard]] std::string_view symbol(Kind kind) noexcept;

/// A function of one number that gives a float.
using RealFunction = double (*)(double);

struct Node {
  Kind kind = Kind::literal;
  std::size_t column = 0;  ///< Where its operator or name is, in characters from 1.
  std::size_t depth = 1;   ///< Levels of the tree from here, at most 1000.
  Value value;
  std::size_t variable = 0;
  RealFunction function = nullptr;
  std::string_view name;  ///< Of the operator or function.
  std::vector<std::unique_ptr<const Node>> children;
};

using NodePointer = std::unique_ptr<Node>;

/// Points of sweeps have no nulls, and none of the functions of tables.
enum class Language : std::uint8_t { points, tables };

/// @throws UsageError  as Expression::parse.
[[nodiscard]] NodePointer parse(std::string_view text, const std::vector<std::string>& names,
                                Language language);

/// Value of a tree of Language::points. @throws UsageError  for types that do not fit.
[[nodiscard]] Value evaluate(const Node& node, const std::function<Value(std::size_t)>& variable);

/// @throws UsageError  "column 3: message", the column that of `node`.
[[noreturn]] void fail(const Node& node, const std::string& message);

/// "a text", "an integer", "a float", "true or false".
[[nodiscard]] std::string_view type_name(const Value& value) noexcept;

}  // namespace surd::expression
