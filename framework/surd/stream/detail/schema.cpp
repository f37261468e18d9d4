// How each step changes the columns, and which columns it needs.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "surd/stream/detail/bind.hpp"
#include "surd/table/evaluate.hpp"

namespace surd::stream::detail {
namespace {

using base::UsageError;
using external::Aggregate;
using external::ValueType;
using table::Schema;
using table::Type;

std::optional<std::size_t> position(const Schema& schema, const std::string& name) {
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (schema[i].name == name) return i;
  }
  return std::nullopt;
}

void refuse_twice(const Schema& schema) {
  std::set<std::string> names;
  for (const auto& field : schema) {
    if (!names.insert(field.name).second) {
      throw UsageError(fmt::format("two columns would be called '{}'", field.name));
    }
  }
}

Schema after(const Filter& step, const Schema& before, const Schema&) {
  const table::BoundExpression condition(step.condition, before);
  if (condition.type() != Type::boolean) {
    throw UsageError(fmt::format("the condition gives {}, not true or false", table::name(condition.type())));
  }
  return before;
}

Schema after(const Derive& step, const Schema& before, const Schema&) {
  const table::BoundExpression expression(step.expression, before);
  Schema schema = before;
  if (const auto at = position(schema, step.column)) {
    schema[*at].type = expression.type();
  } else {
    schema.push_back({step.column, expression.type()});
  }
  return schema;
}

Schema after(const Select& step, const Schema& before, const Schema&) {
  if (step.columns.empty()) throw UsageError("names no column");
  Schema schema;
  for (std::size_t i = 0; i < step.columns.size(); ++i) {
    auto field = before[table::find(before, step.columns[i])];
    if (!step.names.empty()) field.name = step.names.at(i);
    schema.push_back(std::move(field));
  }
  refuse_twice(schema);
  return schema;
}

Schema after(const Group& step, const Schema& before, const Schema&) {
  Schema schema;
  for (const auto& key : step.by) schema.push_back(before[table::find(before, key)]);
  for (const auto& column : step.results) {
    schema.push_back({column.name, column_type(aggregate_spec(column, before).result())});
  }
  if (schema.empty()) throw UsageError("has neither columns to group by nor results");
  refuse_twice(schema);
  return schema;
}

Schema after(const Sort& step, const Schema& before, const Schema&) {
  if (step.by.empty()) throw UsageError("names no column");
  for (const auto& key : step.by) static_cast<void>(table::find(before, key.column));
  return before;
}

Schema after(const Distinct& step, const Schema& before, const Schema&) {
  for (const auto& column : step.by) static_cast<void>(table::find(before, column));
  return before;
}

Schema after(const Take&, const Schema& before, const Schema&) { return before; }
Schema after(const Skip&, const Schema& before, const Schema&) { return before; }

Schema after(const Sample& step, const Schema& before, const Schema&) {
  if (!(step.share >= 0 && step.share <= 1)) throw UsageError("the share must be between 0 and 1");
  return before;
}

Schema after(const FlatMap& step, const Schema&, const Schema&) {
  refuse_twice(step.schema);
  return step.schema;
}

Schema after(const Windows& step, const Schema&, const Schema&) {
  if (step.size == 0 || step.step == 0) throw UsageError("size and step must be at least 1");
  refuse_twice(step.schema);
  return step.schema;
}

Schema after(const std::shared_ptr<Join>& join, const Schema& before, const Schema& right) {
  if (join->left_by.size() != join->right_by.size() || join->left_by.empty()) {
    throw UsageError("needs as many columns of the left as of the right, at least one");
  }
  for (std::size_t i = 0; i < join->left_by.size(); ++i) {
    const auto& a = before[table::find(before, join->left_by[i])];
    const auto& b = right[table::find(right, join->right_by[i])];
    if (a.type != b.type) {
      throw UsageError(fmt::format(
          "'{}' of the left is {}, '{}' of the right is {}; derive a column with int(), float() or text()",
          a.name, table::name(a.type), b.name, table::name(b.type)));
    }
  }
  Schema schema = before;
  if (join->kind == external::JoinKind::semi || join->kind == external::JoinKind::anti) return schema;
  const auto names = right_names(*join, before, right);
  for (std::size_t i = 0; i < right.size(); ++i) {
    if (!names[i].empty()) schema.push_back({names[i], right[i].type});
  }
  refuse_twice(schema);
  return schema;
}

/// Marks columns by name.
class Needs {
 public:
  explicit Needs(const Schema& schema) : schema_(schema), needed_(schema.size()) {}
  void add(const std::string& name) { needed_[table::find(schema_, name)] = true; }
  void add(const table::BoundExpression& expression) {
    for (const auto i : expression.uses()) needed_[i] = true;
  }
  void add_all() { std::fill(needed_.begin(), needed_.end(), true); }
  /// Columns of `after` that are needed and come from a column of the same name, unless it is `made`.
  void add_kept(const Schema& after, const std::vector<bool>& needed, const std::string* made = nullptr) {
    for (std::size_t i = 0; i < after.size(); ++i) {
      if (!needed[i] || (made != nullptr && after[i].name == *made)) continue;
      if (const auto at = position(schema_, after[i].name)) needed_[*at] = true;
    }
  }
  std::vector<bool> take() { return std::move(needed_); }

 private:
  const Schema& schema_;
  std::vector<bool> needed_;
};

void need(const Filter& step, const Schema& before, const Schema& after, const std::vector<bool>& needed,
          Needs& needs) {
  needs.add_kept(after, needed);
  needs.add(table::BoundExpression(step.condition, before));
}

void need(const Derive& step, const Schema& before, const Schema& after, const std::vector<bool>& needed,
          Needs& needs) {
  needs.add_kept(after, needed, &step.column);
  if (needed[table::find(after, step.column)]) needs.add(table::BoundExpression(step.expression, before));
}

void need(const Select& step, const Schema&, const Schema&, const std::vector<bool>& needed, Needs& needs) {
  for (std::size_t i = 0; i < step.columns.size(); ++i) {
    if (needed[i]) needs.add(step.columns[i]);
  }
}

void need(const Group& step, const Schema&, const Schema&, const std::vector<bool>&, Needs& needs) {
  for (const auto& key : step.by) needs.add(key);
  for (const auto& column : step.results) {
    if (!column.input.empty()) needs.add(column.input);
  }
}

void need(const Sort& step, const Schema&, const Schema& after, const std::vector<bool>& needed,
          Needs& needs) {
  needs.add_kept(after, needed);
  for (const auto& key : step.by) needs.add(key.column);
}

void need(const Distinct& step, const Schema&, const Schema& after, const std::vector<bool>& needed,
          Needs& needs) {
  if (step.by.empty()) return needs.add_all();
  needs.add_kept(after, needed);
  for (const auto& column : step.by) needs.add(column);
}

void need(const FlatMap&, const Schema&, const Schema&, const std::vector<bool>&, Needs& needs) {
  needs.add_all();
}

void need(const Windows&, const Schema&, const Schema&, const std::vector<bool>&, Needs& needs) {
  needs.add_all();
}

void need(const std::shared_ptr<Join>& join, const Schema& before, const Schema& after,
          const std::vector<bool>& needed, Needs& needs) {
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (needed[i]) needs.add(after[i].name);  // the left's columns come first, in order
  }
  for (const auto& key : join->left_by) needs.add(key);
}

template <class AnyOther>  // take, skip, sample
void need(const AnyOther&, const Schema&, const Schema& after, const std::vector<bool>& needed,
          Needs& needs) {
  needs.add_kept(after, needed);
}

}  // namespace

Schema schema_after(const Step& step, const Schema& before, const Schema& right) {
  return std::visit([&](const auto& what) { return after(what, before, right); }, step);
}

std::vector<bool> needed_before(const Step& step, const Schema& before, const Schema& after,
                                const std::vector<bool>& needed) {
  Needs needs(before);
  std::visit([&](const auto& what) { need(what, before, after, needed, needs); }, step);
  return needs.take();
}

std::vector<std::string> right_names(const Join& join, const Schema& left, const Schema& right) {
  std::vector<std::string> names;
  for (const auto& field : right) {
    const bool key = std::find(join.right_by.begin(), join.right_by.end(), field.name) != join.right_by.end();
    names.push_back(key ? "" : position(left, field.name) ? field.name + "_right" : field.name);
  }
  return names;
}

ValueType value_type(Type type) noexcept {
  switch (type) {
    case Type::int64:
      return ValueType::int64;
    case Type::float64:
      return ValueType::float64;
    case Type::boolean:
      return ValueType::boolean;
    case Type::text:
      break;
  }
  return ValueType::text;
}

Type column_type(ValueType type) noexcept {
  switch (type) {
    case ValueType::int64:
      return Type::int64;
    case ValueType::float64:
      return Type::float64;
    case ValueType::boolean:
      return Type::boolean;
    case ValueType::text:
      break;
  }
  return Type::text;
}

external::AggregateSpec aggregate_spec(const GroupColumn& column, const Schema& schema) {
  external::AggregateSpec spec{.aggregate = column.aggregate, .user = column.user};
  const auto name =
      column.user != nullptr ? std::string_view(column.user->name) : aggregate_name(column.aggregate);
  if (column.input.empty()) {
    if (column.aggregate != Aggregate::count) throw UsageError(fmt::format("{} needs a column", name));
    return spec;
  }
  const auto type = schema[table::find(schema, column.input)].type;
  spec.has_input = true;
  spec.input = value_type(type);
  switch (column.aggregate) {
    case Aggregate::sum:
    case Aggregate::mean:
    case Aggregate::variance:
    case Aggregate::stddev:
    case Aggregate::median:
    case Aggregate::user:
      if (type == Type::text) {
        throw UsageError(fmt::format("{} needs numbers, but '{}' is text", name, column.input));
      }
      if (type == Type::boolean) spec.input = ValueType::int64;  // held as 0 and 1
      break;
    default:
      break;
  }
  return spec;
}

}  // namespace surd::stream::detail
