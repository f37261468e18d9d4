// Arithmetic and functions of numbers.
//
// Loops run over all rows without a branch, gathering whether any row went wrong; only then rows are looked
// at one by one, as those that are null or do not matter may go wrong.
#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "surd/expression/arithmetic.hpp"
#include "surd/table/detail/operations.hpp"

namespace surd::table::detail {
namespace {

// Integer operators: true if the result is wrong.
struct Add {
  static bool apply(std::int64_t a, std::int64_t b, std::int64_t& r) {
    return __builtin_add_overflow(a, b, &r);
  }
};
struct Subtract {
  static bool apply(std::int64_t a, std::int64_t b, std::int64_t& r) {
    return __builtin_sub_overflow(a, b, &r);
  }
};
struct Multiply {
  static bool apply(std::int64_t a, std::int64_t b, std::int64_t& r) {
    return __builtin_mul_overflow(a, b, &r);
  }
};
struct Remainder {
  static bool apply(std::int64_t a, std::int64_t b, std::int64_t& r) {
    r = b == 0 ? 0 : expression::remainder(a, b);
    return b == 0;
  }
};
struct Power {
  static bool apply(std::int64_t a, std::int64_t b, std::int64_t& r) {
    r = 0;
    return b < 0 || expression::power_overflows(a, b, r);
  }
};

template <class Operator>
class IntegerArithmetic final : public Operation {
 public:
  IntegerArithmetic(const Node& node, OperationPointer a, OperationPointer b)
      : Operation(node, Type::int64), a_(std::move(a)), b_(std::move(b)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    const auto b = b_->evaluate(rows);
    bool wrong = false;
    for (std::size_t i = 0; i < rows.count; ++i) {
      wrong |= Operator::apply(a.integers[i], b.integers[i], results_[i]);
    }
    Values values;
    values.integers = results_.data();
    values.nulls = either_null(a.nulls, b.nulls, nulls_, rows.count);
    if (wrong) check(rows, values, a.integers, b.integers);
    return values;
  }

 private:
  void check(const Rows& rows, const Values& values, const std::int64_t* a, const std::int64_t* b) const {
    for (std::size_t i = 0; i < rows.count; ++i) {
      std::int64_t ignored = 0;
      if (!rows.is_active(i) || values.is_null(i) || !Operator::apply(a[i], b[i], ignored)) continue;
      const auto& name = node().name;
      if (node().kind == Kind::remainder) expression::fail(node(), fmt::format("{} % 0", a[i]));
      if (node().kind == Kind::power && b[i] < 0) {
        expression::fail(node(),
                         fmt::format("{0} ** {1} is no integer; write float({0}) ** {1}", a[i], b[i]));
      }
      expression::fail(node(), fmt::format("{} {} {} is beyond 64 bits", a[i], name, b[i]));
    }
  }

  OperationPointer a_;
  OperationPointer b_;
  Scratch<std::int64_t> results_;
  Scratch<std::uint8_t> nulls_;
};

/// `Operator` gives a number of two of the type of `T`.
template <class T, class Operator>
class Binary final : public Operation {
 public:
  Binary(const Node& node, OperationPointer a, OperationPointer b)
      : Operation(node, is_integer ? Type::int64 : Type::float64), a_(std::move(a)), b_(std::move(b)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    const auto b = b_->evaluate(rows);
    Values values;
    if constexpr (is_integer) {
      combine(a.integers, b.integers, rows.count);
      values.integers = results_.data();
    } else {
      combine(a.numbers, b.numbers, rows.count);
      values.numbers = results_.data();
    }
    values.nulls = either_null(a.nulls, b.nulls, nulls_, rows.count);
    return values;
  }

 private:
  static constexpr bool is_integer = std::is_same_v<T, std::int64_t>;

  void combine(const T* a, const T* b, std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) results_[i] = Operator()(a[i], b[i]);
  }

  OperationPointer a_;
  OperationPointer b_;
  Scratch<T> results_;
  Scratch<std::uint8_t> nulls_;
};

struct RealRemainder {
  double operator()(double a, double b) const { return expression::remainder(a, b); }
};
struct RealPower {
  double operator()(double a, double b) const { return std::pow(a, b); }
};
/// NaN if either is.
struct Min {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return b < a ? b : a; }
  double operator()(double a, double b) const { return std::isnan(a) || b >= a ? a : b; }
};
struct Max {
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return b > a ? b : a; }
  double operator()(double a, double b) const { return std::isnan(a) || b <= a ? a : b; }
};

/// negate and absolute of integers.
class IntegerSign final : public Operation {
 public:
  IntegerSign(const Node& node, OperationPointer a) : Operation(node, Type::int64), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    bool wrong = false;
    const bool absolute = node().kind == Kind::absolute;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const auto value = a.integers[i];
      wrong |= value == least;
      results_[i] = value == least || (absolute && value >= 0) ? value : -value;
    }
    for (std::size_t i = 0; wrong && i < rows.count; ++i) {
      if (rows.is_active(i) && !a.is_null(i) && a.integers[i] == least) {
        expression::fail(node(), "the result is beyond 64 bits");
      }
    }
    Values values;
    values.integers = results_.data();
    values.nulls = a.nulls;
    return values;
  }

 private:
  static constexpr auto least = std::numeric_limits<std::int64_t>::min();
  OperationPointer a_;
  Scratch<std::int64_t> results_;
};

double magnitude(double a) { return std::fabs(a); }
double negative(double a) { return -a; }

/// A function of a float that gives a float.
class RealFunction final : public Operation {
 public:
  RealFunction(const Node& node, expression::RealFunction function, OperationPointer a)
      : Operation(node, Type::float64), function_(function), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    for (std::size_t i = 0; i < rows.count; ++i) results_[i] = function_(a.numbers[i]);
    Values values;
    values.numbers = results_.data();
    values.nulls = a.nulls;
    return values;
  }

 private:
  expression::RealFunction function_;
  OperationPointer a_;
  Scratch<double> results_;
};

/// floor, ceil and round of floats, to integers.
class Whole final : public Operation {
 public:
  Whole(const Node& node, OperationPointer a) : Operation(node, Type::int64), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    for (std::size_t i = 0; i < rows.count; ++i) {
      const double result = whole(a.numbers[i]);
      const bool fits = result >= -0x1p63 && result < 0x1p63;
      results_[i] = fits ? static_cast<std::int64_t>(result) : 0;
      if (!fits && rows.is_active(i) && !a.is_null(i)) {
        expression::fail(node(), fmt::format("{} of {} is no integer", node().name, a.numbers[i]));
      }
    }
    Values values;
    values.integers = results_.data();
    values.nulls = a.nulls;
    return values;
  }

 private:
  [[nodiscard]] double whole(double number) const {
    if (node().kind == Kind::floor) return std::floor(number);
    return node().kind == Kind::ceil ? std::ceil(number) : std::nearbyint(number);
  }

  OperationPointer a_;
  Scratch<std::int64_t> results_;
};

template <template <class...> class Made, class... Fixed>
struct Maker {
  template <class Operator>
  static OperationPointer make(const Node& node, OperationPointer& a, OperationPointer& b) {
    return std::make_unique<Made<Fixed..., Operator>>(node, std::move(a), std::move(b));
  }
};

OperationPointer integer_arithmetic(const Node& node, OperationPointer& a, OperationPointer& b) {
  using Integers = Maker<IntegerArithmetic>;
  switch (node.kind) {
    case Kind::add:
      return Integers::make<Add>(node, a, b);
    case Kind::subtract:
      return Integers::make<Subtract>(node, a, b);
    case Kind::multiply:
      return Integers::make<Multiply>(node, a, b);
    case Kind::remainder:
      return Integers::make<Remainder>(node, a, b);
    default:
      return Integers::make<Power>(node, a, b);
  }
}

OperationPointer real_arithmetic(const Node& node, OperationPointer& a, OperationPointer& b) {
  using Reals = Maker<Binary, double>;
  switch (node.kind) {
    case Kind::add:
      return Reals::make<std::plus<>>(node, a, b);
    case Kind::subtract:
      return Reals::make<std::minus<>>(node, a, b);
    case Kind::multiply:
      return Reals::make<std::multiplies<>>(node, a, b);
    case Kind::divide:
      return Reals::make<std::divides<>>(node, a, b);
    case Kind::remainder:
      return Reals::make<RealRemainder>(node, a, b);
    default:
      return Reals::make<RealPower>(node, a, b);
  }
}

/// An integer constant below zero: x ** -1 is a float.
bool is_negative(const Operation& exponent) {
  const auto* const constant = exponent.constant();
  return constant != nullptr && !constant->is_null() && exponent.type() == Type::int64 &&
         constant->values().integers[0] < 0;
}

}  // namespace

OperationPointer make_arithmetic(const Node& node, OperationPointer a, OperationPointer b) {
  if (!is_number(a->type()) || !is_number(b->type())) fail_types(node, a->type(), b->type());
  const bool reals = a->type() == Type::float64 || b->type() == Type::float64 || node.kind == Kind::divide ||
                     (node.kind == Kind::power && is_negative(*b));
  if (!reals) {
    adopt(a, Type::int64);
    adopt(b, Type::int64);
    return integer_arithmetic(node, a, b);
  }
  a = as_float(std::move(a));
  b = as_float(std::move(b));
  return real_arithmetic(node, a, b);
}

OperationPointer make_numeric(const Node& node, OperationPointer a) {
  if (!is_number(a->type())) fail_types(node, a->type());
  const bool sign = node.kind == Kind::negate || node.kind == Kind::absolute;
  if (node.kind == Kind::real_function) {
    return std::make_unique<RealFunction>(node, node.function, as_float(std::move(a)));
  }
  adopt(a, Type::int64);
  if (a->type() == Type::int64) {
    return sign ? std::make_unique<IntegerSign>(node, std::move(a)) : std::move(a);
  }
  if (!sign) return std::make_unique<Whole>(node, std::move(a));
  return std::make_unique<RealFunction>(node, node.kind == Kind::negate ? negative : magnitude, std::move(a));
}

OperationPointer make_extreme(const Node& node, Operations operands) {
  bool reals = false;
  for (const auto& operand : operands) {
    if (!is_number(operand->type())) {
      if (&operand == &operands.front()) fail_types(node, operand->type());
      fail_types(node, operands.front()->type(), operand->type());
    }
    reals = reals || operand->type() == Type::float64;
  }
  OperationPointer best;
  for (auto& operand : operands) {
    if (reals) operand = as_float(std::move(operand));
    adopt(operand, Type::int64);
    if (!best) {
      best = std::move(operand);
      continue;
    }
    const bool min = node.kind == Kind::min;
    using Reals = Maker<Binary, double>;
    using Integers = Maker<Binary, std::int64_t>;
    best = reals
               ? (min ? Reals::make<Min>(node, best, operand) : Reals::make<Max>(node, best, operand))
               : (min ? Integers::make<Min>(node, best, operand) : Integers::make<Max>(node, best, operand));
  }
  return best;
}

}  // namespace surd::table::detail
