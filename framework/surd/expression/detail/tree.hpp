// The tree of a parsed expression. Evaluators (of single values, of columns) walk it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "surd/expression/expression.hpp"

namespace surd::expression {

namespace detail {

enum class Kind {
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
};

/// The operator as it is written, "**"; of a function its name.
[[nodiscard]] std::string_view symbol(Kind kind) noexcept;

/// A function of one number that gives a float.
using RealFunction = double (*)(double);

}  // namespace detail

class Expression::Node {
 public:
  detail::Kind kind = detail::Kind::literal;
  std::size_t column = 0;  ///< Where its operator or name is, from 1.
  std::size_t depth = 1;
  Value value;
  std::size_t variable = 0;
  detail::RealFunction function = nullptr;
  std::string_view name;  ///< Of the operator or function.
  std::vector<std::unique_ptr<const Node>> children;
};

namespace detail {

using Node = Expression::Node;
using NodePointer = std::unique_ptr<Node>;

/// @throws UsageError  as Expression::parse.
[[nodiscard]] NodePointer parse(std::string_view text, const std::vector<std::string>& names);

/// Value of a tree. @throws UsageError  for types that do not fit.
[[nodiscard]] Value evaluate(const Node& node, const std::function<Value(std::size_t)>& variable);

/// "a text", "an integer", "a float", "true or false".
[[nodiscard]] std::string_view type_name(const Value& value) noexcept;

}  // namespace detail
}  // namespace surd::expression
