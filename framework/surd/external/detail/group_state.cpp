#include "surd/external/detail/group_state.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::external::detail {
namespace {

/// Calls `use.operator()<State, Value>()` with the types of an operation of fixed size.
template <class Use>
void with_types(Op op, const Use& use) {
  switch (op) {
    case Op::median:
    case Op::count:
      return use.template operator()<CountState, std::int64_t>();
    case Op::sum_integer:
      return use.template operator()<IntegerSum, std::int64_t>();
    case Op::sum_float:
      return use.template operator()<FloatSumState, double>();
    case Op::min_integer:
      return use.template operator()<IntegerExtreme<false>, std::int64_t>();
    case Op::max_integer:
      return use.template operator()<IntegerExtreme<true>, std::int64_t>();
    case Op::min_float:
      return use.template operator()<FloatExtreme<false>, double>();
    case Op::max_float:
      return use.template operator()<FloatExtreme<true>, double>();
    case Op::mean_integer:
      return use.template operator()<IntegerMean, std::int64_t>();
    case Op::mean_float:
      return use.template operator()<FloatSumState, double>();
    case Op::moments_integer:
      return use.template operator()<MomentsState, std::int64_t>();
    case Op::moments_float:
      return use.template operator()<MomentsState, double>();
    case Op::first:
      return use.template operator()<PositionState<false>, std::uint64_t>();
    case Op::last:
      return use.template operator()<PositionState<true>, std::uint64_t>();
    default:
      return;
  }
}

const std::byte* value_bytes(const Values& values) {
  return values.type == ValueType::float64 ? reinterpret_cast<const std::byte*>(values.numbers.data())
                                           : reinterpret_cast<const std::byte*>(values.integers.data());
}

double user_value(ValueType type, const std::byte* at) {
  return type == ValueType::float64 ? load<double>(at) : static_cast<double>(load<std::int64_t>(at));
}

void add_user(const Column& column, std::byte* state, const std::byte* value) {
  ++*reinterpret_cast<std::uint64_t*>(state + column.state);
  column.spec.user->add_number(state + column.state + sizeof(UserState),
                               user_value(column.spec.input, value));
}

bool is_null(const std::byte* bits, std::size_t column) noexcept {
  return (std::to_integer<unsigned>(bits[column / 8]) >> (column % 8) & 1) != 0;
}

}  // namespace

std::uint32_t bytes_of_state(const Column& column) {
  if (column.text()) return sizeof(TextState);
  if (column.op == Op::user) {
    return static_cast<std::uint32_t>(sizeof(UserState) + (column.spec.user->state_bytes + 7) / 8 * 8);
  }
  std::uint32_t bytes = 0;
  with_types(column.op, [&]<class State, class Value>() { bytes = sizeof(State); });
  return bytes;
}

namespace {

/// Adds each row that is not null to `state(i)`.
template <class State, class Value, class At>
void add_values(const Column& column, std::size_t n, const ColumnRows& rows, const At& state) {
  const auto& nulls = rows.values.nulls;
  const bool skips = column.spec.has_input && !nulls.empty();
  // Counts need no value; their input may be a text.
  const auto* const values = std::is_same_v<State, CountState> ? nullptr : value_bytes(rows.values);
  for (std::size_t i = 0; i < n; ++i) {
    const auto row = rows.rows[i];
    if (skips && nulls[row] != 0) continue;
    const auto value = values == nullptr ? Value{} : load<Value>(values + 8 * static_cast<std::size_t>(row));
    state(i).add(value, rows.first_position + row);
  }
}

/// A state of the user's.
struct UserAt {
  const Column& column;
  std::byte* at;
  template <class Value>
  void add(Value value, std::uint64_t) const {
    add_user(column, at, reinterpret_cast<const std::byte*>(&value));
  }
};

}  // namespace

void add_rows(const Column& column, std::byte* const* states, std::size_t n, const ColumnRows& rows) {
  if (column.op == Op::user) {
    return add_values<UserAt, std::uint64_t>(column, n, rows, [&](std::size_t i) {
      return UserAt{column, states[i]};
    });
  }
  with_types(column.op, [&]<class State, class Value>() {
    add_values<State, Value>(column, n, rows, [&](std::size_t i) -> State& {
      return *reinterpret_cast<State*>(states[i] + column.state);
    });
  });
}

void add_rows(const Column& column, std::byte* state, std::size_t n, const ColumnRows& rows) {
  if (column.op == Op::user) {
    const UserAt user{column, state};
    return add_values<UserAt, std::uint64_t>(column, n, rows, [&](std::size_t) { return user; });
  }
  with_types(column.op, [&]<class State, class Value>() {
    State sum{};  // not in memory that values are read from
    add_values<State, Value>(column, n, rows, [&](std::size_t) -> State& { return sum; });
    reinterpret_cast<State*>(state + column.state)->merge(sum);
  });
}

namespace {

/// `payload(i)` is where the payload of record i begins.
template <class At>
void add_payloads(const Layout& layout, std::size_t column, std::byte* const* states, std::size_t n,
                  bool nulls, const At& payload) {
  const auto& [op, spec, state, raw] = layout.columns[column];
  const std::size_t fixed = nulls ? layout.null_bytes : 0;
  if (op == Op::user) {
    for (std::size_t i = 0; i < n; ++i) {
      if (nulls && is_null(payload(i), column)) continue;
      add_user(layout.columns[column], states[i], payload(i) + fixed + raw);
    }
    return;
  }
  const bool positions = op == Op::first || op == Op::last;
  with_types(op, [&, raw = raw, state = state]<class State, class Value>() {
    for (std::size_t i = 0; i < n; ++i) {
      const auto* const at = payload(i);
      if (nulls && is_null(at, column)) continue;
      Value value{};
      if constexpr (!std::is_same_v<State, CountState>) value = load<Value>(at + fixed + raw);
      const auto position = positions ? load<std::uint64_t>(at + fixed + layout.position) : 0;
      reinterpret_cast<State*>(states[i] + state)->add(value, position);
    }
  });
}

template <class At>
void merge_payloads(const Column& column, std::byte* const* states, std::size_t n, const At& payload) {
  if (column.op == Op::user) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto* const other = payload(i) + column.state;
      *reinterpret_cast<std::uint64_t*>(states[i] + column.state) += load<std::uint64_t>(other);
      column.spec.user->merge(states[i] + column.state + sizeof(UserState), other + sizeof(UserState));
    }
    return;
  }
  with_types(column.op, [&]<class State, class Value>() {
    for (std::size_t i = 0; i < n; ++i) {
      reinterpret_cast<State*>(states[i] + column.state)->merge(load<State>(payload(i) + column.state));
    }
  });
}

}  // namespace

void add_records(const Layout& layout, std::size_t column, std::byte* const* states, const Record* records,
                 std::size_t n, bool nulls) {
  add_payloads(layout, column, states, n, nulls, [&](std::size_t i) { return records[i].payload; });
}

void add_records(const Layout& layout, std::size_t column, std::byte* const* states, const Payloads& records,
                 std::size_t n, bool nulls) {
  add_payloads(layout, column, states, n, nulls,
               [&](std::size_t i) { return records.first + i * records.stride; });
}

void merge_records(const Column& column, std::byte* const* states, const Record* records, std::size_t n) {
  merge_payloads(column, states, n, [&](std::size_t i) { return records[i].payload; });
}

void merge_records(const Column& column, std::byte* const* states, const Payloads& records, std::size_t n) {
  merge_payloads(column, states, n, [&](std::size_t i) { return records.first + i * records.stride; });
}

namespace {

/// The rank with which `text` replaces what the state holds; 0 if it does not.
std::uint64_t better(Op op, const TextState& state, std::uint64_t position, std::span<const std::byte> text,
                     const Heap& heap) {
  if (op == Op::first_text || op == Op::last_text) {
    const auto rank = op == Op::last_text ? position + 1 : ~position;
    return rank > state.rank ? rank : 0;
  }
  if (state.rank == 0) return 1;
  const auto held = heap.get(state.distance, state.bytes);
  const auto order =
      std::lexicographical_compare_three_way(text.begin(), text.end(), held.begin(), held.end());
  return (op == Op::min_text ? order < 0 : order > 0) ? 1 : 0;
}

}  // namespace

bool add_texts(const Layout& layout, std::byte* state, const Record& record, Heap& heap) {
  if (!heap.fits(static_cast<std::size_t>(record.end - record.payload))) return false;
  const bool nulls = record.kind == Kind::raw_nulls;
  const auto* at = record.payload + (nulls ? layout.null_bytes : 0);
  const auto position = layout.position == Column::no_value ? 0 : load<std::uint64_t>(at + layout.position);
  at += layout.raw_bytes;
  for (std::size_t c = 0; c < layout.columns.size(); ++c) {
    const auto& column = layout.columns[c];
    if (!column.text()) continue;
    const std::span text(at + 4, load<std::uint32_t>(at));
    at = text.data() + text.size();
    if (nulls && is_null(record.payload, c)) continue;
    auto& held = *reinterpret_cast<TextState*>(state + column.state);
    const auto rank = better(column.op, held, position, text, heap);
    if (rank > 0) held = {rank, heap.put(text), text.size()};
  }
  return true;
}

}  // namespace surd::external::detail
