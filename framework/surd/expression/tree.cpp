#include "surd/expression/tree.hpp"

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::expression {

void fail(const Node& node, const std::string& message) {
  throw base::UsageError(fmt::format("column {}: {}", node.column, message));
}

std::string_view symbol(Kind kind) noexcept {
  switch (kind) {
    case Kind::logical_or:
      return "or";
    case Kind::logical_and:
      return "and";
    case Kind::logical_not:
      return "not";
    case Kind::equal:
      return "==";
    case Kind::not_equal:
      return "!=";
    case Kind::less:
      return "<";
    case Kind::less_equal:
      return "<=";
    case Kind::greater:
      return ">";
    case Kind::greater_equal:
      return ">=";
    case Kind::in:
      return "in";
    case Kind::not_in:
      return "not in";
    case Kind::is_null:
      return "is null";
    case Kind::is_not_null:
      return "is not null";
    case Kind::like:
      return "like";
    case Kind::not_like:
      return "not like";
    case Kind::null:
      return "null";
    case Kind::add:
      return "+";
    case Kind::subtract:
    case Kind::negate:
      return "-";
    case Kind::multiply:
      return "*";
    case Kind::divide:
      return "/";
    case Kind::remainder:
      return "%";
    case Kind::power:
      return "**";
    default:
      return {};
  }
}

}  // namespace surd::expression
