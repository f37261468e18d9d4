#include "surd/table/detail/bind.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "surd/base/error.hpp"
#include "surd/table/detail/operations.hpp"

namespace surd::table::detail {
namespace {

OperationPointer literal(const Node& node) {
  return std::visit(
      [&](const auto& value) -> OperationPointer { return std::make_unique<Constant>(node, value); },
      node.value);
}

OperationPointer make(const Node& node, Operations operands) {
  switch (node.kind) {
    case Kind::logical_or:
    case Kind::logical_and:
      return make_logic(node, std::move(operands[0]), std::move(operands[1]));
    case Kind::logical_not:
      return make_not(node, std::move(operands[0]));
    case Kind::equal:
    case Kind::not_equal:
    case Kind::less:
    case Kind::less_equal:
    case Kind::greater:
    case Kind::greater_equal:
      return make_comparison(node, node.kind, std::move(operands[0]), std::move(operands[1]));
    case Kind::in:
    case Kind::not_in:
      return make_membership(node, std::move(operands));
    case Kind::add:
    case Kind::subtract:
    case Kind::multiply:
    case Kind::divide:
    case Kind::remainder:
    case Kind::power:
      return make_arithmetic(node, std::move(operands[0]), std::move(operands[1]));
    case Kind::min:
    case Kind::max:
      return make_extreme(node, std::move(operands));
    case Kind::is_null:
    case Kind::is_not_null:
      return make_null_test(node, std::move(operands[0]));
    case Kind::like:
    case Kind::not_like:
      return make_like(node, std::move(operands[0]), std::move(operands[1]));
    case Kind::coalesce:
      return make_coalesce(node, std::move(operands));
    case Kind::choice:
      return make_choice(node, std::move(operands));
    default:
      break;
  }
  if (node.kind >= Kind::year) return make_conversion(node, std::move(operands[0]));
  if (node.kind >= Kind::lower) return make_text_function(node, std::move(operands));
  return make_numeric(node, std::move(operands[0]));
}

}  // namespace

OperationPointer bind(const Node& node, const Schema& schema) {
  if (node.kind == Kind::literal) return literal(node);
  if (node.kind == Kind::null) return std::make_unique<Constant>(node, std::optional<Type>());
  if (node.kind == Kind::variable) return make_variable(node, schema.at(node.variable));
  Operations operands;
  for (const auto& child : node.children) operands.push_back(bind(*child, schema));
  const bool foldable =
      std::all_of(operands.begin(), operands.end(), [](const auto& o) { return o->constant() != nullptr; });
  auto operation = make(node, std::move(operands));
  if (!foldable || operation->constant() != nullptr) return operation;
  try {
    return fold(*operation);
  } catch (const base::UsageError&) {
    return operation;  // 1 % 0: an error if a row gets here, not in "false and 1 % 0 == 1".
  }
}

}  // namespace surd::table::detail
