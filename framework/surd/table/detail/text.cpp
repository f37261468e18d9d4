// Functions of texts.
#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "surd/table/detail/operations.hpp"
#include "surd/table/detail/text_match.hpp"

namespace surd::table::detail {
namespace {

class Like final : public Operation {
 public:
  Like(const Node& node, OperationPointer a, std::string_view pattern)
      : Operation(node, Type::boolean), a_(std::move(a)), pattern_(pattern) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    const bool wanted = node().kind == Kind::like;
    for (std::size_t i = 0; i < rows.count; ++i) {
      truths_[i] = rows.is_active(i) && pattern_.matches(a.texts[i]) == wanted;
    }
    clear_nulls(truths_.data(), a.nulls, rows.count);
    Values values;
    values.truths = truths_.data();
    values.nulls = a.nulls;
    return values;
  }

 private:
  OperationPointer a_;
  LikePattern pattern_;
  Scratch<std::uint8_t> truths_;
};

/// lower and upper: of the letters a to z.
class Case final : public Operation {
 public:
  Case(const Node& node, OperationPointer a) : Operation(node, Type::text), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    auto values = a_->evaluate(rows);
    auto& texts = values.texts;
    const std::size_t begin = texts.ends == nullptr ? 0 : texts.first;
    const std::size_t end = texts.ends == nullptr ? texts.size : texts.ends[rows.count - 1];
    const char least = node().kind == Kind::lower ? 'A' : 'a';
    bytes_.resize(end - begin);
    for (std::size_t i = 0; i < bytes_.size(); ++i) {
      const char byte = texts.bytes[begin + i];
      const bool letter = static_cast<unsigned char>(byte - least) < 26;
      bytes_[i] = static_cast<char>(byte ^ (letter ? 0x20 : 0));
    }
    if (texts.ends == nullptr) {
      texts = {bytes_.data(), bytes_.size(), nullptr, 0};
      return values;
    }
    for (std::size_t i = 0; i < rows.count; ++i) ends_[i] = texts.ends[i] - texts.first;
    texts = {bytes_.data(), bytes_.size(), ends_.data(), 0};
    return values;
  }

 private:
  OperationPointer a_;
  std::vector<char> bytes_;
  Scratch<std::uint32_t> ends_;
};

class Length final : public Operation {
 public:
  Length(const Node& node, OperationPointer a) : Operation(node, Type::int64), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    for (std::size_t i = 0; i < rows.count; ++i) {
      results_[i] = static_cast<std::int64_t>(characters(a.texts[i]));
    }
    Values values;
    values.integers = results_.data();
    values.nulls = a.nulls;
    return values;
  }

 private:
  OperationPointer a_;
  Scratch<std::int64_t> results_;
};

/// starts_with, ends_with and contains.
class Search final : public Operation {
 public:
  Search(const Node& node, OperationPointer a, OperationPointer b)
      : Operation(node, Type::boolean), a_(std::move(a)), b_(std::move(b)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    const auto b = b_->evaluate(rows);
    for (std::size_t i = 0; i < rows.count; ++i) {
      truths_[i] = rows.is_active(i) && found(a.texts[i], b.texts[i]);
    }
    Values values;
    values.nulls = either_null(a.nulls, b.nulls, nulls_, rows.count);
    clear_nulls(truths_.data(), values.nulls, rows.count);
    values.truths = truths_.data();
    return values;
  }

 private:
  [[nodiscard]] bool found(std::string_view text, std::string_view part) const noexcept {
    if (node().kind == Kind::starts_with) return text.starts_with(part);
    if (node().kind == Kind::ends_with) return text.ends_with(part);
    return part.empty() || ::memmem(text.data(), text.size(), part.data(), part.size()) != nullptr;
  }

  OperationPointer a_;
  OperationPointer b_;
  Scratch<std::uint8_t> truths_;
  Scratch<std::uint8_t> nulls_;
};

/// What operations on several operands share: their values, and which rows are null in any.
class Several : public Operation {
 public:
  Several(const Node& node, Operations operands)
      : Operation(node, Type::text), operands_(std::move(operands)), inputs_(operands_.size()) {}

  Values evaluate(const Rows& rows) final {
    bool nulls = false;
    std::fill_n(nulls_.data(), rows.count, std::uint8_t{0});
    for (std::size_t k = 0; k < operands_.size(); ++k) {
      inputs_[k] = operands_[k]->evaluate(rows);
      if (inputs_[k].nulls == nullptr) continue;
      nulls = true;
      for (std::size_t i = 0; i < rows.count; ++i) nulls_[i] |= inputs_[k].nulls[i];
    }
    texts_.clear();
    for (std::size_t i = 0; i < rows.count; ++i) {
      if (rows.is_active(i) && nulls_[i] == 0) append_row(inputs_, i, texts_);
      texts_.end_row(node());
    }
    Values values;
    values.texts = texts_.texts();
    if (nulls) values.nulls = nulls_.data();
    return values;
  }

 private:
  virtual void append_row(const std::vector<Values>& inputs, std::size_t row, TextScratch& into) = 0;

  Operations operands_;
  std::vector<Values> inputs_;
  TextScratch texts_;
  Scratch<std::uint8_t> nulls_;
};

class Concat final : public Several {
 public:
  using Several::Several;

 private:
  void append_row(const std::vector<Values>& inputs, std::size_t row, TextScratch& into) override {
    for (const auto& input : inputs) into.append(input.texts[row]);
  }
};

/// Characters from, from + 1, ... from + length - 1 of a text, as far as it has them.
class Substr final : public Several {
 public:
  using Several::Several;

 private:
  void append_row(const std::vector<Values>& inputs, std::size_t row, TextScratch& into) override {
    const auto text = inputs[0].texts[row];
    const auto from = inputs[1].integers[row];
    const auto last_plus_1 = [&] {
      std::int64_t end = 0;
      const bool all = inputs.size() < 3 || __builtin_add_overflow(from, inputs[2].integers[row], &end);
      if (inputs.size() == 3 && inputs[2].integers[row] <= 0) return std::int64_t{0};
      return all ? INT64_MAX : end;
    }();
    const auto first = std::max(from, std::int64_t{1});
    if (last_plus_1 <= first) return;
    const auto begin = skip_characters(text, 0, static_cast<std::uint64_t>(first - 1));
    const auto end = skip_characters(text, begin, static_cast<std::uint64_t>(last_plus_1 - first));
    into.append(text.substr(begin, end - begin));
  }
};

void expect_text(const Node& node, OperationPointer& operand) {
  adopt(operand, Type::text);
  if (operand->type() == Type::text) return;
  expression::fail(
      node, fmt::format("'{}' does not fit {}; text() makes texts", node.name, type_name(operand->type())));
}

}  // namespace

OperationPointer make_like(const Node& node, OperationPointer a, OperationPointer pattern) {
  adopt(a, Type::text);
  adopt(pattern, Type::text);
  if (a->type() != Type::text || pattern->type() != Type::text) fail_types(node, a->type(), pattern->type());
  const auto* const constant = pattern->constant();
  if (constant == nullptr) {
    expression::fail(node, fmt::format("'{}' takes a pattern in quotes, the same for all rows", node.name));
  }
  if (constant->is_null()) return std::make_unique<Constant>(node, std::optional(Type::boolean));
  return std::make_unique<Like>(node, std::move(a), constant->values().texts[0]);
}

OperationPointer make_text_function(const Node& node, Operations operands) {
  for (std::size_t i = 0; i < operands.size(); ++i) {
    if (node.kind != Kind::substr || i == 0) {
      expect_text(node, operands[i]);
      continue;
    }
    adopt(operands[i], Type::int64);
    if (operands[i]->type() != Type::int64) {
      expression::fail(node,
                       fmt::format("'substr' takes a text, the place of the first character and how many, "
                                   "found {}",
                                   type_name(operands[i]->type())));
    }
  }
  switch (node.kind) {
    case Kind::lower:
    case Kind::upper:
      return std::make_unique<Case>(node, std::move(operands[0]));
    case Kind::length:
      return std::make_unique<Length>(node, std::move(operands[0]));
    case Kind::substr:
      return std::make_unique<Substr>(node, std::move(operands));
    case Kind::concat:
      return std::make_unique<Concat>(node, std::move(operands));
    default:
      return std::make_unique<Search>(node, std::move(operands[0]), std::move(operands[1]));
  }
}

}  // namespace surd::table::detail
