// Constants, columns, and the one implicit conversion: integers to floats.
#include <utility>

#include "surd/base/error.hpp"
#include "surd/table/detail/operations.hpp"

namespace surd::table::detail {
namespace {

class Variable final : public Operation {
 public:
  Variable(const Node& node, Type type) : Operation(node, type) {}

  Values evaluate(const Rows& rows) override {
    const auto& column = rows.batch->columns[node().variable];
    Values values;
    if (!column.nulls.empty()) values.nulls = column.nulls.data() + rows.begin;
    switch (*type()) {
      case Type::int64:
        values.integers = column.integers.data() + rows.begin;
        break;
      case Type::float64:
        values.numbers = column.numbers.data() + rows.begin;
        break;
      case Type::text:
        values.texts = {column.bytes.data(), column.bytes.size(), column.ends.data() + rows.begin,
                        rows.begin == 0 ? 0 : column.ends[rows.begin - 1]};
        break;
      case Type::boolean:
        for (std::size_t i = 0; i < rows.count; ++i) truths_[i] = column.integers[rows.begin + i] != 0;
        clear_nulls(truths_.data(), values.nulls, rows.count);
        values.truths = truths_.data();
    }
    return values;
  }

 private:
  Scratch<std::uint8_t> truths_;
};

class Float final : public Operation {
 public:
  explicit Float(OperationPointer a) : Operation(a->node(), Type::float64), a_(std::move(a)) {}

  Values evaluate(const Rows& rows) override {
    const auto a = a_->evaluate(rows);
    for (std::size_t i = 0; i < rows.count; ++i) numbers_[i] = static_cast<double>(a.integers[i]);
    Values values;
    values.numbers = numbers_.data();
    values.nulls = a.nulls;
    return values;
  }

 private:
  OperationPointer a_;
  Scratch<double> numbers_;
};

}  // namespace

Constant::Constant(const Node& node, std::int64_t value)
    : Operation(node, Type::int64), integers_(chunk_rows, value) {
  values_.integers = integers_.data();
}

Constant::Constant(const Node& node, double value)
    : Operation(node, Type::float64), numbers_(chunk_rows, value) {
  values_.numbers = numbers_.data();
}

Constant::Constant(const Node& node, bool value)
    : Operation(node, Type::boolean), truths_(chunk_rows, value ? 1 : 0) {
  values_.truths = truths_.data();
}

Constant::Constant(const Node& node, std::string value)
    : Operation(node, Type::text), text_(std::move(value)) {
  values_.texts = {text_.data(), text_.size(), nullptr, 0};
}

Constant::Constant(const Node& node, std::optional<Type> type)
    : Operation(node, type), integers_(chunk_rows), nulls_(chunk_rows, 1) {
  if (type == Type::float64) numbers_.resize(chunk_rows);
  if (type == Type::boolean) truths_.resize(chunk_rows);
  values_.integers = integers_.data();
  values_.numbers = numbers_.data();
  values_.truths = truths_.data();
  values_.texts = {text_.data(), 0, nullptr, 0};
  values_.nulls = nulls_.data();
}

Values Constant::evaluate(const Rows&) { return values_; }

OperationPointer fold(Operation& operation) {
  const Batch none;
  const auto values = operation.evaluate({&none, 0, 1});
  const auto& node = operation.node();
  if (values.is_null(0)) return std::make_unique<Constant>(node, operation.type());
  switch (operation.type().value()) {
    case Type::int64:
      return std::make_unique<Constant>(node, values.integers[0]);
    case Type::float64:
      return std::make_unique<Constant>(node, values.numbers[0]);
    case Type::boolean:
      return std::make_unique<Constant>(node, values.truths[0] != 0);
    case Type::text:
      return std::make_unique<Constant>(node, std::string(values.texts[0]));
  }
  throw base::LogicError("a constant of no type");
}

OperationPointer make_variable(const Node& node, const Field& field) {
  return std::make_unique<Variable>(node, field.type);
}

void adopt(OperationPointer& operation, Type type) {
  if (!operation->type()) operation = std::make_unique<Constant>(operation->node(), std::optional(type));
}

OperationPointer as_float(OperationPointer operation) {
  adopt(operation, Type::float64);
  if (operation->type() == Type::float64) return operation;
  const bool constant = operation->constant() != nullptr;
  OperationPointer converted = std::make_unique<Float>(std::move(operation));
  return constant ? fold(*converted) : std::move(converted);
}

}  // namespace surd::table::detail
