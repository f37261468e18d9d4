// Values of trees, one at a time.
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/expression/arithmetic.hpp"
#include "surd/expression/tree.hpp"

namespace surd::expression {
namespace {

using Variable = std::function<Value(std::size_t)>;

[[noreturn]] void fail_types(const Node& node, const Value& a, const Value& b) {
  fail(node, fmt::format("'{}' does not fit {} and {}", node.name, type_name(a), type_name(b)));
}

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

double real(const Value& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  return integer != nullptr ? static_cast<double>(*integer) : std::get<double>(value);
}

template <class T>
std::optional<int> order_alike(const T& a, const T& b) {
  return a < b ? -1 : b < a ? 1 : 0;
}

/// nullopt if they have no order: NaN.
std::optional<int> compare(const Node& node, const Value& a, const Value& b) {
  const auto* integer_a = std::get_if<std::int64_t>(&a);
  const auto* integer_b = std::get_if<std::int64_t>(&b);
  if (integer_a != nullptr && integer_b != nullptr) return order_alike(*integer_a, *integer_b);
  if (is_number(a) && is_number(b)) {
    if (integer_a != nullptr) return order(*integer_a, std::get<double>(b));
    if (integer_b != nullptr) {
      const auto reversed = order(*integer_b, std::get<double>(a));
      return reversed ? std::optional(-*reversed) : std::nullopt;
    }
    if (std::isnan(std::get<double>(a)) || std::isnan(std::get<double>(b))) return std::nullopt;
    return order_alike(std::get<double>(a), std::get<double>(b));
  }
  if (a.index() != b.index()) fail_types(node, a, b);
  if (const auto* text = std::get_if<std::string>(&a)) return order_alike(*text, std::get<std::string>(b));
  const bool equality = node.kind != Kind::less && node.kind != Kind::less_equal &&
                        node.kind != Kind::greater && node.kind != Kind::greater_equal &&
                        node.kind != Kind::min && node.kind != Kind::max;
  if (!equality) fail_types(node, a, b);
  return order_alike(std::get<bool>(a), std::get<bool>(b));
}

bool holds(Kind kind, std::optional<int> order) {
  if (!order) return kind == Kind::not_equal;
  switch (kind) {
    case Kind::equal:
      return *order == 0;
    case Kind::not_equal:
      return *order != 0;
    case Kind::less:
      return *order < 0;
    case Kind::less_equal:
      return *order <= 0;
    case Kind::greater:
      return *order > 0;
    default:
      return *order >= 0;
  }
}

Value integer_arithmetic(const Node& node, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool overflow = false;
  switch (node.kind) {
    case Kind::add:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case Kind::subtract:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case Kind::multiply:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case Kind::remainder:
      if (b == 0) fail(node, fmt::format("{} % 0", a));
      result = remainder(a, b);
      break;
    case Kind::power:
      if (b < 0) return std::pow(static_cast<double>(a), static_cast<double>(b));
      overflow = power_overflows(a, b, result);
      break;
    default:
      return static_cast<double>(a) / static_cast<double>(b);
  }
  if (overflow) fail(node, fmt::format("{} {} {} is beyond 64 bits", a, node.name, b));
  return result;
}

double real_arithmetic(Kind kind, double a, double b) {
  switch (kind) {
    case Kind::add:
      return a + b;
    case Kind::subtract:
      return a - b;
    case Kind::multiply:
      return a * b;
    case Kind::divide:
      return a / b;
    case Kind::power:
      return std::pow(a, b);
    default:
      return remainder(a, b);
  }
}

Value arithmetic(const Node& node, const Value& a, const Value& b) {
  if (!is_number(a) || !is_number(b)) fail_types(node, a, b);
  const auto* integer_a = std::get_if<std::int64_t>(&a);
  const auto* integer_b = std::get_if<std::int64_t>(&b);
  if (integer_a != nullptr && integer_b != nullptr) return integer_arithmetic(node, *integer_a, *integer_b);
  return real_arithmetic(node.kind, real(a), real(b));
}

Value negate(const Node& node, const Value& value) {
  const auto* integer = std::get_if<std::int64_t>(&value);
  if (integer == nullptr) return -std::get<double>(value);
  if (*integer == std::numeric_limits<std::int64_t>::min()) fail(node, "the result is beyond 64 bits");
  return -*integer;
}

/// floor, ceil and round: an integer.
Value whole(const Node& node, const Value& value) {
  if (std::holds_alternative<std::int64_t>(value)) return value;
  const double number = std::get<double>(value);
  const double result = node.kind == Kind::floor  ? std::floor(number)
                        : node.kind == Kind::ceil ? std::ceil(number)
                                                  : std::nearbyint(number);
  if (!(result >= -0x1p63 && result < 0x1p63))
    fail(node, fmt::format("{} of {} is no integer", node.name, number));
  return static_cast<std::int64_t>(result);
}

Value of_one_number(const Node& node, const Value& value) {
  if (!is_number(value)) fail(node, fmt::format("'{}' does not fit {}", node.name, type_name(value)));
  switch (node.kind) {
    case Kind::negate:
      return negate(node, value);
    case Kind::absolute:
      return real(value) < 0 ? negate(node, value) : value;
    case Kind::real_function:
      return node.function(real(value));
    default:
      return whole(node, value);
  }
}

bool truth(const Node& node, const Node& operand, const Variable& variable) {
  const auto value = evaluate(operand, variable);
  const auto* result = std::get_if<bool>(&value);
  if (result == nullptr) fail(node, fmt::format("'{}' does not fit {}", node.name, type_name(value)));
  return *result;
}

bool member(const Node& node, const Variable& variable) {
  const auto value = evaluate(*node.children[0], variable);
  for (std::size_t i = 1; i < node.children.size(); ++i) {
    if (compare(node, value, evaluate(*node.children[i], variable)) == 0) return true;
  }
  return false;
}

Value extreme(const Node& node, const Variable& variable) {
  auto best = evaluate(*node.children[0], variable);
  if (!is_number(best)) fail(node, fmt::format("'{}' does not fit {}", node.name, type_name(best)));
  for (std::size_t i = 1; i < node.children.size(); ++i) {
    auto value = evaluate(*node.children[i], variable);
    const auto order = compare(node, value, best);
    if (!order) return std::numeric_limits<double>::quiet_NaN();
    if (node.kind == Kind::min ? *order < 0 : *order > 0) best = std::move(value);
  }
  return best;
}

}  // namespace

std::string_view type_name(const Value& value) noexcept {
  switch (value.index()) {
    case 0:
      return "true or false";
    case 1:
      return "an integer";
    case 2:
      return "a float";
    default:
      return "a text";
  }
}

Value evaluate(const Node& node, const Variable& variable) {
  const auto child = [&](std::size_t i) { return evaluate(*node.children[i], variable); };
  switch (node.kind) {
    case Kind::literal:
      return node.value;
    case Kind::variable:
      return variable(node.variable);
    case Kind::logical_or:
      return truth(node, *node.children[0], variable) || truth(node, *node.children[1], variable);
    case Kind::logical_and:
      return truth(node, *node.children[0], variable) && truth(node, *node.children[1], variable);
    case Kind::logical_not:
      return !truth(node, *node.children[0], variable);
    case Kind::equal:
    case Kind::not_equal:
    case Kind::less:
    case Kind::less_equal:
    case Kind::greater:
    case Kind::greater_equal:
      return holds(node.kind, compare(node, child(0), child(1)));
    case Kind::in:
      return member(node, variable);
    case Kind::not_in:
      return !member(node, variable);
    case Kind::add:
    case Kind::subtract:
    case Kind::multiply:
    case Kind::divide:
    case Kind::remainder:
    case Kind::power:
      return arithmetic(node, child(0), child(1));
    case Kind::min:
    case Kind::max:
      return extreme(node, variable);
    default:
      return of_one_number(node, child(0));
  }
}

}  // namespace surd::expression
