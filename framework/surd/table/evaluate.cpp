#include "surd/table/evaluate.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/expression/tree.hpp"
#include "surd/table/detail/bind.hpp"

namespace surd::table {
namespace {

using detail::chunk_rows;
using detail::Rows;
using detail::Values;

void collect(const expression::Node& node, std::set<std::size_t>& into) {
  if (node.kind == expression::Kind::variable) into.insert(node.variable);
  for (const auto& child : node.children) collect(*child, into);
}

/// Makes the values of null rows 0.
template <class T, class U>
void append_numbers(const Values& values, const T* from, std::size_t rows, std::vector<U>& into) {
  const auto begin = into.size();
  into.insert(into.end(), from, from + rows);
  if (values.nulls == nullptr) return;
  for (std::size_t i = 0; i < rows; ++i) into[begin + i] = values.nulls[i] != 0 ? U{} : into[begin + i];
}

void append_texts(const detail::Texts& texts, const Values& values, const Rows& rows, Column& into) {
  const auto end_row = [&] {
    base::expect(into.bytes.size() <= UINT32_MAX, "the texts of a batch fit in 4 GiB");
    into.ends.push_back(static_cast<std::uint32_t>(into.bytes.size()));
  };
  if (texts.ends == nullptr) {
    for (std::size_t i = 0; i < rows.count; ++i) {
      if (!values.is_null(i)) into.bytes.insert(into.bytes.end(), texts.bytes, texts.bytes + texts.size);
      end_row();
    }
    return;
  }
  const auto before = into.bytes.size();
  into.bytes.insert(into.bytes.end(), texts.bytes + texts.first, texts.bytes + texts.ends[rows.count - 1]);
  base::expect(into.bytes.size() <= UINT32_MAX, "the texts of a batch fit in 4 GiB");
  const auto shift = static_cast<std::uint32_t>(before) - texts.first;  // Modulo 2^32: may be "negative".
  for (std::size_t i = 0; i < rows.count; ++i) into.ends.push_back(texts.ends[i] + shift);
}

void append(const Values& values, const Rows& rows, Column& into) {
  if (values.nulls != nullptr) {
    into.nulls.resize(rows.begin, 0);
    into.nulls.insert(into.nulls.end(), values.nulls, values.nulls + rows.count);
  } else if (!into.nulls.empty()) {
    into.nulls.resize(rows.begin + rows.count, 0);
  }
  switch (into.type) {
    case Type::int64:
      return append_numbers(values, values.integers, rows.count, into.integers);
    case Type::float64:
      return append_numbers(values, values.numbers, rows.count, into.numbers);
    case Type::boolean:
      return append_numbers(values, values.truths, rows.count, into.integers);
    case Type::text:
      return append_texts(values.texts, values, rows, into);
  }
}

}  // namespace

struct BoundExpression::State {
  Schema schema;
  expression::NodePointer tree;
  detail::OperationPointer root;
  Type type = Type::boolean;
  std::vector<std::size_t> uses;

  void check(const Batch& batch) const {
    for (const auto column : uses) {
      base::expect(column < batch.columns.size() && batch.columns[column].size() == batch.rows &&
                       batch.columns[column].type == schema[column].type,
                   "a batch has the columns that an expression was bound to");
    }
  }

  /// Calls take(rows, values) for the batch's rows, some at a time.
  template <class Take>
  void evaluate(const Batch& batch, Take take) {
    check(batch);
    for (std::size_t begin = 0; begin < batch.rows; begin += chunk_rows) {
      const Rows rows{&batch, begin, std::min(chunk_rows, batch.rows - begin), nullptr};
      take(rows, root->evaluate(rows));
    }
  }
};

BoundExpression::BoundExpression(std::string_view text, const Schema& schema)
    : state_(std::make_unique<State>()) {
  std::vector<std::string> names;
  for (const auto& field : schema) names.push_back(field.name);
  state_->schema = schema;
  state_->tree = expression::parse(text, names, expression::Language::tables);
  state_->root = detail::bind(*state_->tree, schema);
  if (!state_->root->type()) {
    expression::fail(*state_->tree, "always null, of no type: write int(null), float(null) or text(null)");
  }
  state_->type = *state_->root->type();
  std::set<std::size_t> used;
  collect(*state_->tree, used);
  state_->uses.assign(used.begin(), used.end());
}

BoundExpression::BoundExpression(BoundExpression&&) noexcept = default;
BoundExpression& BoundExpression::operator=(BoundExpression&&) noexcept = default;
BoundExpression::~BoundExpression() = default;

Type BoundExpression::type() const noexcept { return state_->type; }
const std::vector<std::size_t>& BoundExpression::uses() const noexcept { return state_->uses; }

void BoundExpression::evaluate(const Batch& batch, Column& into) {
  into.clear(state_->type);
  state_->evaluate(batch, [&](const Rows& rows, const Values& values) { append(values, rows, into); });
}

void BoundExpression::select(const Batch& batch, std::vector<std::uint32_t>& into) {
  if (state_->type != Type::boolean) {
    throw base::UsageError(
        fmt::format("the condition gives {}, not true or false", detail::type_name(state_->type)));
  }
  into.resize(batch.rows);
  std::size_t kept = 0;
  state_->evaluate(batch, [&](const Rows& rows, const Values& values) {
    for (std::size_t i = 0; i < rows.count; ++i) {
      into[kept] = static_cast<std::uint32_t>(rows.begin + i);
      kept += values.truths[i];
    }
  });
  into.resize(kept);
}

}  // namespace surd::table
