// and, or, not (three-valued, as in SQL), tests for null, and what chooses between values.
//
// Truths of null rows are 0, so that "true" is the truth alone and "false" is neither true nor null. The
// right side of and, or, coalesce and the branches of if are evaluated for those rows only that need them,
// and not at all if there are none.
#include <algorithm>
#include <utility>

#include "surd/table/detail/operations.hpp"

namespace surd::table::detail {
namespace {

class Logic final : public Operation {
 public:
  Logic(const Node& node, OperationPointer a, OperationPointer b)
      : Operation(node, Type::boolean), a_(std::move(a)), b_(std::move(b)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    const bool is_and = node().kind == Kind::logical_and;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const std::uint8_t null = a.nulls == nullptr ? 0 : a.nulls[i];
      const std::uint8_t open = is_and ? a.truths[i] | null : a.truths[i] ^ 1U;
      needed_[i] = open & (rows.active == nullptr ? 1U : rows.active[i]);
    }
    if (!any(needed_.data(), rows.count)) return a;
    const auto b = b_->evaluate(rows.only(needed_.data()));
    Values values;
    values.truths = truths_.data();
    for (std::size_t i = 0; i < rows.count; ++i) {
      truths_[i] = is_and ? a.truths[i] & b.truths[i] : a.truths[i] | b.truths[i];
    }
    if (a.nulls == nullptr && b.nulls == nullptr) return values;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const unsigned null_a = a.nulls == nullptr ? 0 : a.nulls[i];
      const unsigned null_b = b.nulls == nullptr ? 0 : b.nulls[i];
      const unsigned null = is_and ? (null_a & (null_b | b.truths[i])) | (null_b & a.truths[i])
                                   : (null_a | null_b) & (truths_[i] ^ 1U);
      nulls_[i] = static_cast<std::uint8_t>(null);
    }
    values.nulls = nulls_.data();
    return values;
  }

 private:
  OperationPointer a_;
  OperationPointer b_;
  Scratch<std::uint8_t> needed_;
  Scratch<std::uint8_t> truths_;
  Scratch<std::uint8_t> nulls_;
};

class Not final : public Operation {
 public:
  Not(const Node& node, OperationPointer a) : Operation(node, Type::boolean), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    for (std::size_t i = 0; i < rows.count; ++i) truths_[i] = a.truths[i] ^ 1U;
    clear_nulls(truths_.data(), a.nulls, rows.count);
    Values values;
    values.truths = truths_.data();
    values.nulls = a.nulls;
    return values;
  }

 private:
  OperationPointer a_;
  Scratch<std::uint8_t> truths_;
};

class NullTest final : public Operation {
 public:
  NullTest(const Node& node, OperationPointer a) : Operation(node, Type::boolean), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    const std::uint8_t negated = node().kind == Kind::is_not_null ? 1 : 0;
    for (std::size_t i = 0; i < rows.count; ++i) {
      truths_[i] = (a.nulls == nullptr ? 0 : a.nulls[i]) ^ negated;
    }
    Values values;
    values.truths = truths_.data();
    return values;
  }

 private:
  OperationPointer a_;
  Scratch<std::uint8_t> truths_;
};

/// Takes each row's value from one of two operands of the same type.
class Blend : public Operation {
 public:
  Blend(const Node& node, Type type)
      : Operation(node, type),
        integers_(type == Type::int64),
        numbers_(type == Type::float64),
        truths_(type == Type::boolean),
        texts_(type == Type::text) {}

 protected:
  /// Row i of `a` where mask[i], else of `b`.
  Values blend(const std::uint8_t* mask, const Values& a, const Values& b, std::size_t rows) {
    Values values;
    if (a.nulls != nullptr || b.nulls != nullptr) {
      for (std::size_t i = 0; i < rows; ++i) nulls_[i] = mask[i] != 0 ? a.is_null(i) : b.is_null(i);
      values.nulls = nulls_.data();
    }
    switch (*type()) {
      case Type::int64:
        values.integers = choose(mask, a.integers, b.integers, integers_, rows);
        break;
      case Type::float64:
        values.numbers = choose(mask, a.numbers, b.numbers, numbers_, rows);
        break;
      case Type::boolean:
        values.truths = choose(mask, a.truths, b.truths, truths_, rows);
        break;
      case Type::text:
        texts_.clear();
        for (std::size_t i = 0; i < rows; ++i) {
          texts_.append((mask[i] != 0 ? a : b).texts[i]);
          texts_.end_row(node());
        }
        values.texts = texts_.texts();
    }
    return values;
  }

 private:
  template <class T>
  static const T* choose(const std::uint8_t* mask, const T* a, const T* b, Scratch<T>& into,
                         std::size_t rows) {
    for (std::size_t i = 0; i < rows; ++i) into[i] = mask[i] != 0 ? a[i] : b[i];
    return into.data();
  }

  Scratch<std::int64_t> integers_;
  Scratch<double> numbers_;
  Scratch<std::uint8_t> truths_;
  Scratch<std::uint8_t> nulls_;
  TextScratch texts_;
};

/// Marks the rows of `mask` that are active; false if there are none.
bool restrict_rows(const Rows& rows, std::uint8_t* mask) {
  if (rows.active != nullptr) {
    for (std::size_t i = 0; i < rows.count; ++i) mask[i] &= rows.active[i];
  }
  return any(mask, rows.count);
}

class Coalesce final : public Blend {
 public:
  Coalesce(const Node& node, OperationPointer a, OperationPointer b)
      : Blend(node, *a->type()), a_(std::move(a)), b_(std::move(b)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    if (a.nulls == nullptr) return a;
    std::copy_n(a.nulls, rows.count, needed_.data());
    if (!restrict_rows(rows, needed_.data())) return a;
    const auto b = b_->evaluate(rows.only(needed_.data()));
    return blend(needed_.data(), b, a, rows.count);
  }

 private:
  OperationPointer a_;
  OperationPointer b_;
  Scratch<std::uint8_t> needed_;
};

class Choice final : public Blend {
 public:
  Choice(const Node& node, OperationPointer condition, OperationPointer a, OperationPointer b)
      : Blend(node, *a->type()), condition_(std::move(condition)), a_(std::move(a)), b_(std::move(b)) {}

  Values evaluate(const Rows& rows) override {
    const auto condition = condition_->evaluate(rows);
    std::copy_n(condition.truths, rows.count, first_.data());
    for (std::size_t i = 0; i < rows.count; ++i) second_[i] = condition.truths[i] ^ 1U;
    const bool some_first = restrict_rows(rows, first_.data());
    const bool some_second = restrict_rows(rows, second_.data());
    if (!some_second) return a_->evaluate(rows.only(first_.data()));
    if (!some_first) return b_->evaluate(rows.only(second_.data()));
    const auto a = a_->evaluate(rows.only(first_.data()));
    return blend(first_.data(), a, b_->evaluate(rows.only(second_.data())), rows.count);
  }

 private:
  OperationPointer condition_;
  OperationPointer a_;
  OperationPointer b_;
  Scratch<std::uint8_t> first_;
  Scratch<std::uint8_t> second_;
};

/// Gives operands one type: integers become floats where some are floats.
void unify(const Node& node, Operations& operands, std::size_t first) {
  std::optional<Type> type;
  for (auto i = first; i < operands.size(); ++i) {
    const auto other = operands[i]->type();
    if (!type || (type == Type::int64 && other == Type::float64)) {
      type = other;
    } else if (other && other != type && !(type == Type::float64 && other == Type::int64)) {
      fail_types(node, type, other);
    }
  }
  for (auto i = first; type && i < operands.size(); ++i) {
    if (type == Type::float64) operands[i] = as_float(std::move(operands[i]));
    adopt(operands[i], *type);
  }
}

void expect_truth(const Node& node, OperationPointer& operand) {
  adopt(operand, Type::boolean);
  if (operand->type() != Type::boolean) fail_types(node, operand->type());
}

}  // namespace

OperationPointer make_logic(const Node& node, OperationPointer a, OperationPointer b) {
  expect_truth(node, a);
  expect_truth(node, b);
  return std::make_unique<Logic>(node, std::move(a), std::move(b));
}

OperationPointer make_not(const Node& node, OperationPointer a) {
  expect_truth(node, a);
  return std::make_unique<Not>(node, std::move(a));
}

OperationPointer make_null_test(const Node& node, OperationPointer a) {
  return std::make_unique<NullTest>(node, std::move(a));
}

OperationPointer make_coalesce(const Node& node, Operations operands) {
  unify(node, operands, 0);
  auto result = std::move(operands.back());
  for (auto i = operands.size() - 1; result->type() && i-- > 0;) {
    result = std::make_unique<Coalesce>(node, std::move(operands[i]), std::move(result));
  }
  return result;
}

OperationPointer make_choice(const Node& node, Operations operands) {
  expect_truth(node, operands[0]);
  unify(node, operands, 1);
  if (!operands[1]->type()) return std::move(operands[1]);
  return std::make_unique<Choice>(node, std::move(operands[0]), std::move(operands[1]),
                                  std::move(operands[2]));
}

}  // namespace surd::table::detail
