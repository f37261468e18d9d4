#include "surd/external/detail/group_layout.hpp"

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/external/detail/group_state.hpp"
#include "surd/external/partition.hpp"

namespace surd::external::detail {
namespace {

[[noreturn]] void refuse(const AggregateSpec& spec) {
  throw base::UsageError(fmt::format("{} does not take texts", name(spec.aggregate)));
}

Op op_of(const AggregateSpec& spec) {
  const bool text = spec.input == ValueType::text;
  const bool real = spec.input == ValueType::float64;
  const auto number = [&](Op integer, Op floating) {
    if (text) refuse(spec);
    return real ? floating : integer;
  };
  if (spec.aggregate != Aggregate::count && !spec.has_input) {
    throw base::UsageError(fmt::format("{} needs a column", name(spec.aggregate)));
  }
  switch (spec.aggregate) {
    case Aggregate::count:
      return Op::count;
    case Aggregate::sum:
      return number(Op::sum_integer, Op::sum_float);
    case Aggregate::min:
      return text ? Op::min_text : number(Op::min_integer, Op::min_float);
    case Aggregate::max:
      return text ? Op::max_text : number(Op::max_integer, Op::max_float);
    case Aggregate::mean:
      return number(Op::mean_integer, Op::mean_float);
    case Aggregate::variance:
    case Aggregate::stddev:
      return number(Op::moments_integer, Op::moments_float);
    case Aggregate::first:
      return text ? Op::first_text : Op::first;
    case Aggregate::last:
      return text ? Op::last_text : Op::last;
    case Aggregate::median:
      return number(Op::median, Op::median);
    case Aggregate::list:
      return Op::list;
    case Aggregate::count_distinct:
      return Op::distinct;
    case Aggregate::user:
      break;
  }
  if (spec.user == nullptr) throw base::UsageError("an aggregate of the user's without its functions");
  return number(Op::user, Op::user);
}

bool needs_position(Op op) {
  return op == Op::first || op == Op::last || op == Op::first_text || op == Op::last_text;
}

}  // namespace

Layout::Layout(const GroupFormat& format) : byte_keys(format.key_bytes == 0) {
  if (format.key_bytes != 0 && format.key_bytes != 8) {
    throw base::UsageError(fmt::format("keys of {} bytes: only 8, or 0 for byte strings", format.key_bytes));
  }
  for (const auto& spec : format.aggregates) {
    Column column{op_of(spec), spec, state_bytes, Column::no_value};
    state_bytes += bytes_of_state(column);
    if (spec.has_input && column.op != Op::count && !column.text() && !column.holistic()) {
      column.raw = raw_bytes;
      raw_bytes += 8;
    }
    texts = texts || column.text();
    holistic = holistic || column.holistic();
    users = users || column.op == Op::user;
    if (column.text() && column.op != Op::first_text) combines = false;
    if (needs_position(column.op)) position = 0;
    columns.push_back(column);
  }
  if (position == 0) {
    position = raw_bytes;
    raw_bytes += 8;
  }
  null_bytes = static_cast<std::uint32_t>((columns.size() + 7) / 8);
}

void Layout::init(std::byte* state) const noexcept {
  std::memset(state, 0, state_bytes);
  if (!users) return;
  for (const auto& column : columns) {
    if (column.op == Op::user) column.spec.user->init(state + column.state + 8);
  }
}

Record parse(const Layout& layout, const std::byte* at) noexcept {
  Record record;
  record.kind = static_cast<Kind>(*at++);
  if (layout.byte_keys) {
    const auto bytes = load<std::uint32_t>(at);
    record.key = {at + 4, bytes};
    record.hash = hash_key(record.key);
    at += 4 + bytes;
  } else {
    record.hash = load<std::uint64_t>(at);
    at += 8;
  }
  record.payload = at;
  if (record.kind == Kind::state) {
    at += layout.state_bytes;
  } else if (record.kind == Kind::value) {
    const auto& column = layout.columns[static_cast<std::size_t>(at[0])];
    const bool text = column.spec.input == ValueType::text;
    at += 9;
    at += text ? 4 + load<std::uint32_t>(at) : 8;
  } else {
    at += layout.raw_bytes + (record.kind == Kind::raw_nulls ? layout.null_bytes : 0);
    if (layout.texts) {
      for (const auto& column : layout.columns) {
        if (column.text()) at += 4 + load<std::uint32_t>(at);
      }
    }
  }
  record.end = at;
  return record;
}

}  // namespace surd::external::detail
