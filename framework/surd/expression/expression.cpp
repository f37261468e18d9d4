#include "surd/expression/expression.hpp"

#include <set>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/expression/tree.hpp"

namespace surd::expression {
namespace {

void collect(const Node& node, std::set<std::size_t>& into) {
  if (node.kind == Kind::variable) into.insert(node.variable);
  for (const auto& child : node.children) collect(*child, into);
}

}  // namespace

Expression::Expression(std::shared_ptr<const Node> root) : root_(std::move(root)) {
  std::set<std::size_t> used;
  collect(*root_, used);
  uses_.assign(used.begin(), used.end());
}

Expression Expression::parse(std::string_view text, const std::vector<std::string>& names) {
  return Expression(expression::parse(text, names, Language::points));
}

const std::vector<std::size_t>& Expression::uses() const noexcept { return uses_; }

Value Expression::evaluate(const std::function<Value(std::size_t)>& value) const {
  return expression::evaluate(*root_, value);
}

bool Expression::test(const std::function<Value(std::size_t)>& value) const {
  const auto result = evaluate(value);
  if (const auto* truth = std::get_if<bool>(&result)) return *truth;
  throw base::UsageError(fmt::format("the result is {}, not true or false", type_name(result)));
}

double Expression::number(const std::function<Value(std::size_t)>& value) const {
  const auto result = evaluate(value);
  if (const auto* real = std::get_if<double>(&result)) return *real;
  if (const auto* integer = std::get_if<std::int64_t>(&result)) return static_cast<double>(*integer);
  throw base::UsageError(fmt::format("the result is {}, not a number", type_name(result)));
}

}  // namespace surd::expression
