// Whether values are in lists; equality with a text is a list of one.
#include <algorithm>
#include <cmath>
#include <functional>
#include <string>
#include <type_traits>
#include <unordered_set>
#include <utility>

#include "surd/base/hash.hpp"
#include "surd/expression/arithmetic.hpp"
#include "surd/table/detail/operations.hpp"
#include "surd/table/detail/text_match.hpp"

namespace surd::table::detail {
namespace {

/// Whether a value is in a list of constants. `Set` adds to truths which rows are.
template <class Set>
class Membership final : public Operation {
 public:
  Membership(const Node& node, OperationPointer a, Set set, bool has_null, bool negated)
      : Operation(node, Type::boolean),
        a_(std::move(a)),
        set_(std::move(set)),
        has_null_(has_null),
        negated_(negated) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    std::fill_n(truths_.data(), rows.count, std::uint8_t{0});
    set_.test(a, rows.count, truths_.data());
    Values values;
    values.truths = truths_.data();
    values.nulls = a.nulls;
    clear_nulls(truths_.data(), a.nulls, rows.count);
    if (has_null_) {  // What is not found may be the null.
      for (std::size_t i = 0; i < rows.count; ++i) nulls_[i] = truths_[i] ^ 1U;
      values.nulls = nulls_.data();
    }
    if (negated_) {
      for (std::size_t i = 0; i < rows.count; ++i) truths_[i] ^= 1U;
      clear_nulls(truths_.data(), values.nulls, rows.count);
    }
    return values;
  }

 private:
  OperationPointer a_;
  Set set_;
  bool has_null_;
  bool negated_;
  Scratch<std::uint8_t> truths_;
  Scratch<std::uint8_t> nulls_;
};

constexpr std::size_t few = 8;  // Items compared one after the other.

template <class T>
struct NumberSet {
  std::vector<T> items;  ///< Ascending.

  static T at(const Values& values, std::size_t i) {
    if constexpr (std::is_integral_v<T>) {
      return values.integers[i];
    } else {
      return values.numbers[i];
    }
  }

  void test(const Values& values, std::size_t rows, std::uint8_t* into) const {
    if (items.size() > few) {
      for (std::size_t i = 0; i < rows; ++i) {
        const auto found = std::lower_bound(items.begin(), items.end(), at(values, i));
        into[i] = found != items.end() && *found == at(values, i);  // NaN is found first, and equals nothing.
      }
      return;
    }
    for (const auto item : items) {
      for (std::size_t i = 0; i < rows; ++i) into[i] |= static_cast<std::uint8_t>(at(values, i) == item);
    }
  }
};

struct FewTexts {
  std::vector<TextEquality> items;

  void test(const Values& values, std::size_t rows, std::uint8_t* into) const {
    for (const auto& item : items) item.test(values.texts, rows, into);
  }
};

struct HashText {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept { return base::hash64(text); }
};

struct ManyTexts {
  std::unordered_set<std::string, HashText, std::equal_to<>> items;

  void test(const Values& values, std::size_t rows, std::uint8_t* into) const {
    for (std::size_t i = 0; i < rows; ++i) into[i] = items.contains(values.texts[i]);
  }
};

/// The value of a list, for the comparisons with its items.
class Shared final : public Operation {
 public:
  explicit Shared(OperationPointer a) : Operation(a->node(), a->type()), a_(std::move(a)) {}
  void refresh(const Rows& rows) { values_ = a_->evaluate(rows); }
  Values evaluate(const Rows&) override { return values_; }

 private:
  OperationPointer a_;
  Values values_;
};

/// One of several operands of the list: borrowed, as all compare with the same value.
class Borrowed final : public Operation {
 public:
  explicit Borrowed(Operation& from) : Operation(from.node(), from.type()), from_(&from) {}
  Values evaluate(const Rows& rows) override { return from_->evaluate(rows); }

 private:
  Operation* from_;
};

/// Whether a value equals one of a list of any expressions.
class GeneralMembership final : public Operation {
 public:
  GeneralMembership(const Node& node, Operations operands)
      : Operation(node, Type::boolean), value_(std::move(operands.front())) {
    for (std::size_t i = 1; i < operands.size(); ++i) {
      tests_.push_back(
          make_comparison(node, Kind::equal, std::make_unique<Borrowed>(value_), std::move(operands[i])));
    }
  }

  Values evaluate(const Rows& rows) override {
    value_.refresh(rows);
    std::fill_n(truths_.data(), rows.count, std::uint8_t{0});
    std::fill_n(nulls_.data(), rows.count, std::uint8_t{0});
    for (const auto& test : tests_) {
      const auto found = test->evaluate(rows);
      for (std::size_t i = 0; i < rows.count; ++i) {
        truths_[i] |= found.truths[i];
        if (found.nulls != nullptr) nulls_[i] |= found.nulls[i];
      }
    }
    for (std::size_t i = 0; i < rows.count; ++i) {
      nulls_[i] = nulls_[i] & (truths_[i] ^ 1U);
      if (node().kind == Kind::not_in) truths_[i] = (truths_[i] ^ 1U) & (nulls_[i] ^ 1U);
    }
    Values values;
    values.truths = truths_.data();
    values.nulls = nulls_.data();
    return values;
  }

 private:
  Shared value_;
  Operations tests_;
  Scratch<std::uint8_t> truths_;
  Scratch<std::uint8_t> nulls_;
};

/// Constants of a list as values of type T: those that no T equals are left out.
template <class T>
std::vector<T> numbers_of(const Operations& operands) {
  std::vector<T> numbers;
  for (std::size_t i = 1; i < operands.size(); ++i) {
    const auto& constant = *operands[i]->constant();
    if (constant.is_null()) continue;
    if (operands[i]->type() == (std::is_integral_v<T> ? Type::int64 : Type::float64)) {
      numbers.push_back(std::is_integral_v<T> ? static_cast<T>(constant.values().integers[0])
                                              : static_cast<T>(constant.values().numbers[0]));
    } else if constexpr (std::is_integral_v<T>) {
      const double number = constant.values().numbers[0];
      const bool in_range = number >= -0x1p63 && number < 0x1p63;
      if (in_range && number == std::trunc(number)) numbers.push_back(static_cast<T>(number));
    } else {
      const auto integer = constant.values().integers[0];
      const auto number = static_cast<double>(integer);
      if (expression::order(integer, number) == 0) numbers.push_back(number);
    }
  }
  std::erase_if(numbers, [](T number) { return number != number; });
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

template <class Set>
OperationPointer membership(const Node& node, Operations& operands, Set set) {
  bool has_null = false;
  for (std::size_t i = 1; i < operands.size(); ++i) has_null |= operands[i]->constant()->is_null();
  return std::make_unique<Membership<Set>>(node, std::move(operands.front()), std::move(set), has_null,
                                           node.kind == Kind::not_in);
}

OperationPointer text_membership(const Node& node, Operations& operands) {
  ManyTexts many;
  for (std::size_t i = 1; i < operands.size(); ++i) {
    const auto& constant = *operands[i]->constant();
    if (!constant.is_null()) many.items.emplace(constant.values().texts[0]);
  }
  if (many.items.size() > few) return membership(node, operands, std::move(many));
  FewTexts set;
  for (const auto& text : many.items) set.items.emplace_back(text);
  return membership(node, operands, std::move(set));
}

bool fits(std::optional<Type> value, std::optional<Type> item) {
  return !value || !item || value == item || (is_number(value) && is_number(item));
}

}  // namespace

OperationPointer make_text_equality(const Node& node, OperationPointer a, std::string text, bool negated) {
  FewTexts set;
  set.items.emplace_back(std::move(text));
  return std::make_unique<Membership<FewTexts>>(node, std::move(a), std::move(set), false, negated);
}

OperationPointer make_membership(const Node& node, Operations operands) {
  bool constants = true;
  for (std::size_t i = 1; i < operands.size(); ++i) {
    if (!fits(operands[0]->type(), operands[i]->type())) {
      fail_types(node, operands[0]->type(), operands[i]->type());
    }
    constants = constants && operands[i]->constant() != nullptr;
  }
  if (!constants || !operands[0]->type() || operands[0]->type() == Type::boolean) {
    return std::make_unique<GeneralMembership>(node, std::move(operands));
  }
  if (operands[0]->type() == Type::text) return text_membership(node, operands);
  if (operands[0]->type() == Type::int64) {
    return membership(node, operands, NumberSet<std::int64_t>{numbers_of<std::int64_t>(operands)});
  }
  return membership(node, operands, NumberSet<double>{numbers_of<double>(operands)});
}

}  // namespace surd::table::detail
