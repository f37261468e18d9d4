// Conversions, null where they fail: int, float, text, and the parts of dates.
#include <charconv>
#include <cmath>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "surd/table/detail/date.hpp"
#include "surd/table/detail/operations.hpp"

namespace surd::table::detail {
namespace {

/// The whole text as a number, a sign + allowed.
template <class T>
std::optional<T> parse_number(std::string_view text) {
  if (text.size() > 1 && text[0] == '+' && text[1] != '-') text.remove_prefix(1);
  T number{};
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || rest != end) return std::nullopt;
  return number;
}

/// Towards zero.
std::optional<std::int64_t> truncated(double number) {
  if (!(number >= -0x1p63 && number < 0x1p63)) return std::nullopt;
  return static_cast<std::int64_t>(number);
}

std::optional<std::int64_t> date_part(Kind part, std::string_view text) {
  const auto date = parse_date(text);
  if (!date) return std::nullopt;
  switch (part) {
    case Kind::year:
      return date->year;
    case Kind::month:
      return date->month;
    case Kind::day:
      return date->day;
    case Kind::hour:
      return date->hour;
    case Kind::minute:
      return date->minute;
    default:
      return date->second;
  }
}

/// Numbers of values of another type.
template <class T>
class ToNumber final : public Operation {
 public:
  ToNumber(const Node& node, OperationPointer a)
      : Operation(node, std::is_integral_v<T> ? Type::int64 : Type::float64), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    bool some_null = false;
    for (std::size_t i = 0; i < rows.count; ++i) {
      const auto result = rows.is_active(i) && !a.is_null(i) ? convert(a, i) : std::nullopt;
      results_[i] = result.value_or(T{});
      nulls_[i] = result ? 0 : 1;
      some_null |= !result;
    }
    Values values;
    if (some_null) values.nulls = nulls_.data();
    if constexpr (std::is_integral_v<T>) {
      values.integers = results_.data();
    } else {
      values.numbers = results_.data();
    }
    return values;
  }

 private:
  [[nodiscard]] std::optional<T> convert(const Values& a, std::size_t row) const {
    if (a_->type() == Type::boolean) return static_cast<T>(a.truths[row]);
    if constexpr (std::is_integral_v<T>) {
      if (a_->type() == Type::float64) return truncated(a.numbers[row]);
      if (node().kind != Kind::to_integer) return date_part(node().kind, a.texts[row]);
    }
    return parse_number<T>(a.texts[row]);
  }

  OperationPointer a_;
  Scratch<T> results_;
  Scratch<std::uint8_t> nulls_;
};

class ToText final : public Operation {
 public:
  ToText(const Node& node, OperationPointer a) : Operation(node, Type::text), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    texts_.clear();
    for (std::size_t i = 0; i < rows.count; ++i) {
      if (!a.is_null(i)) append(a, i);
      texts_.end_row(node());
    }
    Values values;
    values.texts = texts_.texts();
    values.nulls = a.nulls;
    return values;
  }

 private:
  void append(const Values& a, std::size_t row) {
    if (a_->type() == Type::boolean) return texts_.append(a.truths[row] != 0 ? "true" : "false");
    const auto into = std::back_inserter(texts_.bytes());
    if (a_->type() == Type::int64) {
      fmt::format_to(into, "{}", a.integers[row]);
    } else {
      fmt::format_to(into, "{}", a.numbers[row]);  // The shortest form that reads back equal.
    }
  }

  OperationPointer a_;
  TextScratch texts_;
};

}  // namespace

OperationPointer make_conversion(const Node& node, OperationPointer a) {
  const auto to = node.kind == Kind::to_text    ? Type::text
                  : node.kind == Kind::to_float ? Type::float64
                                                : Type::int64;
  if (!a->type()) return std::make_unique<Constant>(node, std::optional(to));
  const bool is_conversion =
      node.kind == Kind::to_integer || node.kind == Kind::to_float || node.kind == Kind::to_text;
  if (!is_conversion) {
    if (a->type() != Type::text) fail_types(node, a->type());
    return std::make_unique<ToNumber<std::int64_t>>(node, std::move(a));
  }
  if (a->type() == to) return a;
  if (to == Type::text) return std::make_unique<ToText>(node, std::move(a));
  if (to == Type::int64) return std::make_unique<ToNumber<std::int64_t>>(node, std::move(a));
  if (a->type() == Type::int64) return as_float(std::move(a));
  return std::make_unique<ToNumber<double>>(node, std::move(a));
}

}  // namespace surd::table::detail
