// Finishing states: from what is kept per group to what is asked for.
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/external/detail/group_state.hpp"
#include "surd/external/detail/hash_mix.hpp"

namespace surd::external::detail {
namespace {

void put_integer(ResultColumn& into, std::int64_t value) {
  into.integers.push_back(value);
  into.nulls.push_back(0);
}

void put_number(ResultColumn& into, double value) {
  into.numbers.push_back(value);
  into.nulls.push_back(0);
}

template <class State>
State state_of(const Column& column, const std::byte* state) {
  return load<State>(state + column.state);
}

[[noreturn]] void fail_sum(const IntegerSum& sum, const KeyName& key) {
  throw GroupError("sum of key ", key.name(),
                   fmt::format(" is about {:.6g}: beyond 64-bit integers; sum it as a float", sum.value()));
}

void put_sum(const Column& column, const std::byte* state, const KeyName& key, ResultColumn& into) {
  const auto sum = state_of<IntegerSum>(column, state);
  if (!sum.any()) return put_null(into);
  if (!sum.fits()) fail_sum(sum, key);
  put_integer(into, static_cast<std::int64_t>(sum.low));
}

void put_moments(const Column& column, const std::byte* state, ResultColumn& into) {
  const auto moments = state_of<MomentsState>(column, state);
  if (moments.n < 2) return put_null(into);
  const auto variance = moments.moments.variance(moments.n);
  put_number(into, column.spec.aggregate == Aggregate::stddev ? std::sqrt(variance) : variance);
}

template <bool Max>
void put_integer_extreme(const Column& column, const std::byte* state, ResultColumn& into) {
  const auto held = state_of<IntegerExtreme<Max>>(column, state);
  return held.seen == 0 ? put_null(into) : put_integer(into, held.best);
}

template <bool Max>
void put_float_extreme(const Column& column, const std::byte* state, ResultColumn& into) {
  const auto held = state_of<FloatExtreme<Max>>(column, state);
  return held.best == 0 ? put_null(into) : put_number(into, unordered(Max ? held.best : ~held.best));
}

void put_positioned(const Column& column, const std::byte* state, ResultColumn& into) {
  const auto held = state_of<PositionState<false>>(column, state);
  if (held.rank == 0) return put_null(into);
  if (column.spec.input == ValueType::float64) return put_number(into, std::bit_cast<double>(held.value));
  put_integer(into, static_cast<std::int64_t>(held.value));
}

void put_user(const Column& column, const std::byte* state, ResultColumn& into) {
  const auto* const held = state + column.state;
  if (load<std::uint64_t>(held) == 0) return put_null(into);
  put_number(into, column.spec.user->finish(held + sizeof(UserState)));
}

}  // namespace

std::string KeyName::text() const {
  if (!byte_keys) return fmt::format("{}", unmix(hash));
  std::string text = "'";
  for (const auto byte : key.first(std::min<std::size_t>(key.size(), 64))) {
    const auto c = std::to_integer<unsigned char>(byte);
    if (c >= 0x20 && c < 0x7F) {
      text += static_cast<char>(c);
    } else {
      text += fmt::format("\\x{:02x}", c);
    }
  }
  return text + (key.size() > 64 ? "...'" : "'");
}

GroupError::Key KeyName::name() const {
  return {byte_keys ? 0 : unmix(hash), {key.begin(), key.end()}, text()};
}

void put_null(ResultColumn& into) {
  if (into.type == ValueType::float64) {
    into.numbers.push_back(0);
  } else if (into.type == ValueType::text) {
    into.ends.push_back(static_cast<std::uint32_t>(into.bytes.size()));
  } else {
    into.integers.push_back(0);
  }
  into.nulls.push_back(1);
}

void put_text(ResultColumn& into, std::span<const std::byte> text) {
  into.bytes.insert(into.bytes.end(), text.begin(), text.end());
  into.ends.push_back(static_cast<std::uint32_t>(into.bytes.size()));
  into.nulls.push_back(0);
}

void put_result(const Column& column, const std::byte* state, const Heap& heap, const KeyName& key,
                ResultColumn& into) {
  switch (column.op) {
    case Op::count:
      return put_integer(into, static_cast<std::int64_t>(state_of<CountState>(column, state).n));
    case Op::sum_integer:
      return put_sum(column, state, key, into);
    case Op::sum_float: {
      const auto sum = state_of<FloatSumState>(column, state);
      return sum.n == 0 ? put_null(into) : put_number(into, sum.sum.finish());
    }
    case Op::mean_integer: {
      const auto mean = state_of<IntegerMean>(column, state);
      return mean.n == 0 ? put_null(into) : put_number(into, mean.sum.value() / static_cast<double>(mean.n));
    }
    case Op::mean_float: {
      const auto mean = state_of<FloatSumState>(column, state);
      return mean.n == 0 ? put_null(into) : put_number(into, mean.sum.mean(mean.n));
    }
    case Op::moments_integer:
    case Op::moments_float:
      return put_moments(column, state, into);
    case Op::min_integer:
      return put_integer_extreme<false>(column, state, into);
    case Op::max_integer:
      return put_integer_extreme<true>(column, state, into);
    case Op::min_float:
      return put_float_extreme<false>(column, state, into);
    case Op::max_float:
      return put_float_extreme<true>(column, state, into);
    case Op::first:
    case Op::last:
      return put_positioned(column, state, into);
    case Op::user:
      return put_user(column, state, into);
    default:
      break;
  }
  base::expect(column.text(), "medians, lists and distinct counts are finished by GroupSort");
  const auto text = state_of<TextState>(column, state);
  return text.rank == 0 ? put_null(into) : put_text(into, heap.get(text.distance, text.bytes));
}

void put_key(Groups& into, const KeyName& key) {
  ++into.rows;
  if (!key.byte_keys) {
    into.keys.push_back(unmix(key.hash));
    return;
  }
  into.key_bytes.insert(into.key_bytes.end(), key.key.begin(), key.key.end());
  into.key_ends.push_back(static_cast<std::uint32_t>(into.key_bytes.size()));
}

namespace {

/// Sums and counts, which most groups consist of, without a look at the column for each group.
void put_sums(const Column& column, std::span<const std::byte* const> cells, ResultColumn& into) {
  const auto first = into.integers.size();
  into.integers.resize(first + cells.size());
  into.nulls.resize(first + cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const auto sum = state_of<IntegerSum>(column, cells[i] + 8);
    if (!sum.fits()) fail_sum(sum, {false, load<std::uint64_t>(cells[i]), {}});
    into.integers[first + i] = static_cast<std::int64_t>(sum.low);  // 0 if there is none
    into.nulls[first + i] = sum.any() ? 0 : 1;
  }
}

void put_counts(const Column& column, std::span<const std::byte* const> cells, ResultColumn& into) {
  const auto first = into.integers.size();
  into.integers.resize(first + cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    into.integers[first + i] = load<std::int64_t>(cells[i] + 8 + column.state);
  }
  into.nulls.resize(into.integers.size());
}

void put_keys(std::span<const std::byte* const> cells, Groups& into) {
  const auto first = into.keys.size();
  into.keys.resize(first + cells.size());
  for (std::size_t i = 0; i < cells.size(); ++i) into.keys[first + i] = unmix(load<std::uint64_t>(cells[i]));
  into.rows += cells.size();
}

}  // namespace

void put_cells(const Layout& layout, std::span<const std::byte* const> cells, Groups& into) {
  put_keys(cells, into);
  for (std::size_t c = 0; c < layout.columns.size(); ++c) {
    const auto& column = layout.columns[c];
    auto& result = into.results[c];
    if (column.op == Op::sum_integer) {
      put_sums(column, cells, result);
    } else if (column.op == Op::count) {
      put_counts(column, cells, result);
    } else {
      for (const auto* cell : cells) {
        put_result(column, cell + 8, {}, {false, load<std::uint64_t>(cell), {}}, result);
      }
    }
  }
}

void clear(const Layout& layout, Groups& into) {
  into.rows = 0;
  into.keys.clear();
  into.key_bytes.clear();
  into.key_ends.clear();
  into.results.resize(layout.columns.size());
  for (std::size_t c = 0; c < layout.columns.size(); ++c) {
    auto& result = into.results[c];
    result.type = layout.columns[c].spec.result();
    result.integers.clear();
    result.numbers.clear();
    result.bytes.clear();
    result.ends.clear();
    result.nulls.clear();
  }
}

}  // namespace surd::external::detail
