// Comparisons.
#include <functional>
#include <utility>

#include "surd/table/detail/operations.hpp"

namespace surd::table::detail {
namespace {

/// Exact: an integer need not have an equal float.
template <class Compare>
bool holds(Compare compare, std::int64_t a, double b) {
  const auto rounded = static_cast<double>(a);  // Monotone: what differs after rounding differed so before.
  if (rounded != b) return compare(rounded, b);
  if (b >= 0x1p63) return compare(-1, 0);
  return compare(a, static_cast<std::int64_t>(b));
}
template <class Compare, class T>
bool holds(Compare compare, const T& a, const T& b) {
  return compare(a, b);
}

// How a comparison reads its operands.
struct Integers {
  static std::int64_t at(const Values& values, std::size_t i) { return values.integers[i]; }
};
struct Numbers {
  static double at(const Values& values, std::size_t i) { return values.numbers[i]; }
};
struct Truths {
  static std::uint8_t at(const Values& values, std::size_t i) { return values.truths[i]; }
};
struct TextOperands {
  static std::string_view at(const Values& values, std::size_t i) { return values.texts[i]; }
};

template <class A, class B, class Compare>
class Comparison final : public Operation {
 public:
  Comparison(const Node& node, OperationPointer a, OperationPointer b)
      : Operation(node, Type::boolean), a_(std::move(a)), b_(std::move(b)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    const auto b = b_->evaluate(rows);
    for (std::size_t i = 0; i < rows.count; ++i) truths_[i] = holds(Compare(), A::at(a, i), B::at(b, i));
    Values values;
    values.nulls = either_null(a.nulls, b.nulls, nulls_, rows.count);
    clear_nulls(truths_.data(), values.nulls, rows.count);
    values.truths = truths_.data();
    return values;
  }

 private:
  OperationPointer a_;
  OperationPointer b_;
  Scratch<std::uint8_t> truths_;
  Scratch<std::uint8_t> nulls_;
};

template <class A, class B>
OperationPointer compare(const Node& node, Kind kind, OperationPointer& a, OperationPointer& b) {
  switch (kind) {
    case Kind::equal:
      return std::make_unique<Comparison<A, B, std::equal_to<>>>(node, std::move(a), std::move(b));
    case Kind::not_equal:
      return std::make_unique<Comparison<A, B, std::not_equal_to<>>>(node, std::move(a), std::move(b));
    case Kind::less:
      return std::make_unique<Comparison<A, B, std::less<>>>(node, std::move(a), std::move(b));
    case Kind::less_equal:
      return std::make_unique<Comparison<A, B, std::less_equal<>>>(node, std::move(a), std::move(b));
    case Kind::greater:
      return std::make_unique<Comparison<A, B, std::greater<>>>(node, std::move(a), std::move(b));
    default:
      return std::make_unique<Comparison<A, B, std::greater_equal<>>>(node, std::move(a), std::move(b));
  }
}

/// The comparison that holds for (b, a) where `kind` holds for (a, b).
Kind mirrored(Kind kind) {
  switch (kind) {
    case Kind::less:
      return Kind::greater;
    case Kind::less_equal:
      return Kind::greater_equal;
    case Kind::greater:
      return Kind::less;
    case Kind::greater_equal:
      return Kind::less_equal;
    default:
      return kind;
  }
}

bool is_text(const Operation& operation) {
  const auto* const constant = operation.constant();
  return constant != nullptr && !constant->is_null() && operation.type() == Type::text;
}

}  // namespace

OperationPointer make_comparison(const Node& node, Kind kind, OperationPointer a, OperationPointer b) {
  if (!a->type()) adopt(a, b->type().value_or(Type::int64));
  if (!b->type()) adopt(b, *a->type());
  const auto type_a = *a->type();
  const auto type_b = *b->type();
  if (type_a == Type::int64 && type_b == Type::float64) return compare<Integers, Numbers>(node, kind, a, b);
  if (type_a == Type::float64 && type_b == Type::int64) {
    return compare<Integers, Numbers>(node, mirrored(kind), b, a);
  }
  const bool equality = kind == Kind::equal || kind == Kind::not_equal;
  if (type_a != type_b || (type_a == Type::boolean && !equality)) fail_types(node, type_a, type_b);
  if (type_a == Type::text && equality && (is_text(*a) || is_text(*b))) {
    if (is_text(*a)) std::swap(a, b);
    const auto text = b->constant()->values().texts[0];
    return make_text_equality(node, std::move(a), std::string(text), kind == Kind::not_equal);
  }
  switch (type_a) {
    case Type::int64:
      return compare<Integers, Integers>(node, kind, a, b);
    case Type::float64:
      return compare<Numbers, Numbers>(node, kind, a, b);
    case Type::boolean:
      return compare<Truths, Truths>(node, kind, a, b);
    case Type::text:
      break;
  }
  return compare<TextOperands, TextOperands>(node, kind, a, b);
}

}  // namespace surd::table::detail
