// States of aggregates: what is kept per group. All bytes zero is the state of no value (users' states
// apart), so that a new group costs a memset. Every add() and merge() may be done in any order with the same
// result.
#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "surd/external/detail/group_layout.hpp"
#include "surd/external/float_sum.hpp"

namespace surd::external::detail {

struct CountState {
  std::uint64_t n = 0;
  void add(std::int64_t, std::uint64_t) noexcept { ++n; }
  void merge(const CountState& other) noexcept { n += other.n; }
};

/// 127 bits, so that overflow shows at the end, whatever the order was; odd once it holds a value.
struct IntegerSum {
  std::uint64_t low = 0;
  std::uint64_t high = 0;  ///< Twice the upper half, plus 1 if there is a value.
  void add(std::int64_t value, std::uint64_t) noexcept {
    const auto before = low;
    low += static_cast<std::uint64_t>(value);
    const auto carry = static_cast<std::uint64_t>(value >> 63) + static_cast<std::uint64_t>(low < before);
    high = (high + 2 * carry) | 1;
  }
  void merge(const IntegerSum& other) noexcept {
    low += other.low;
    const auto seen = (high | other.high) & 1;
    high = ((high & ~1ULL) + (other.high & ~1ULL) + 2 * static_cast<std::uint64_t>(low < other.low)) | seen;
  }
  [[nodiscard]] bool any() const noexcept { return (high & 1) != 0; }
  [[nodiscard]] std::int64_t upper() const noexcept { return static_cast<std::int64_t>(high) >> 1; }
  [[nodiscard]] bool fits() const noexcept { return upper() == static_cast<std::int64_t>(low) >> 63; }
  [[nodiscard]] double value() const noexcept {
    if (fits()) return static_cast<double>(static_cast<std::int64_t>(low));
    return std::ldexp(static_cast<double>(upper()), 64) + static_cast<double>(low);
  }
};

struct FloatSumState {
  FloatSum sum;
  std::uint64_t n = 0;
  void add(double value, std::uint64_t) noexcept {
    sum.add(value);
    ++n;
  }
  void merge(const FloatSumState& other) noexcept {
    sum.merge(other.sum);
    n += other.n;
  }
};

struct IntegerMean {
  IntegerSum sum;
  std::uint64_t n = 0;
  void add(std::int64_t value, std::uint64_t position) noexcept {
    sum.add(value, position);
    ++n;
  }
  void merge(const IntegerMean& other) noexcept {
    sum.merge(other.sum);
    n += other.n;
  }
};

struct MomentsState {
  FloatMoments moments;
  std::uint64_t n = 0;
  template <class T>
  void add(T value, std::uint64_t) noexcept {
    moments.add(static_cast<double>(value));
    ++n;
  }
  void merge(const MomentsState& other) noexcept {
    moments.merge(other.moments);
    n += other.n;
  }
};

template <bool Max>
struct IntegerExtreme {
  std::int64_t best = 0;
  std::uint64_t seen = 0;
  void add(std::int64_t value, std::uint64_t) noexcept {
    if (seen == 0 || (Max ? value > best : value < best)) best = value;
    seen = 1;
  }
  void merge(const IntegerExtreme& other) noexcept {
    if (other.seen != 0) add(other.best, 0);
  }
};

/// Unsigned order of the results is that of the numbers: -inf < ... < -0 = 0 < ... < inf < NaN; never 0 nor
/// all ones.
[[nodiscard]] inline std::uint64_t ordered(double value) noexcept {
  if (std::isnan(value)) return 0xFFF8'0000'0000'0000U;
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
  return (bits >> 63) != 0 ? ~bits : bits | (std::uint64_t{1} << 63);
}
[[nodiscard]] inline double unordered(std::uint64_t bits) noexcept {
  return std::bit_cast<double>((bits >> 63) != 0 ? bits ^ (std::uint64_t{1} << 63) : ~bits);
}

template <bool Max>
struct FloatExtreme {
  std::uint64_t best = 0;  ///< The largest of ordered(), or of its complement.
  void add(double value, std::uint64_t) noexcept {
    const auto key = Max ? ordered(value) : ~ordered(value);
    if (key > best) best = key;
  }
  void merge(const FloatExtreme& other) noexcept {
    if (other.best > best) best = other.best;
  }
};

/// By position: the value bits of the first or last row.
template <bool Last>
struct PositionState {
  std::uint64_t rank = 0;  ///< Larger is nearer to the end asked for; 0: none.
  std::uint64_t value = 0;
  [[nodiscard]] static std::uint64_t rank_of(std::uint64_t position) noexcept {
    return Last ? position + 1 : ~position;
  }
  void add(std::uint64_t bits, std::uint64_t position) noexcept {
    merge(PositionState{rank_of(position), bits});
  }
  void merge(const PositionState& other) noexcept {
    if (other.rank > rank) *this = other;
  }
};

/// A text in a Heap.
struct TextState {
  std::uint64_t rank = 0;  ///< As in PositionState; 1 for min and max once there is one.
  std::uint64_t distance = 0;
  std::uint64_t bytes = 0;
};

/// 8 bytes, then the user's state.
struct UserState {
  std::uint64_t n = 0;
};

[[nodiscard]] std::uint32_t bytes_of_state(const Column& column);

/// Adds values [n] of one column, that has fixed-size states, to the states [n] they belong to.
struct ColumnRows {
  const Values& values;
  const std::uint32_t* rows;  ///< Indices into values.
  std::uint64_t first_position;
};
void add_rows(const Column& column, std::byte* const* states, std::size_t n, const ColumnRows& rows);
/// The same if all belong to one state.
void add_rows(const Column& column, std::byte* state, std::size_t n, const ColumnRows& rows);

/// Payloads of records of one size, one after the other.
struct Payloads {
  const std::byte* first;
  std::size_t stride;
};

/// The same from raw records; `nulls`: payloads begin with null bits.
void add_records(const Layout& layout, std::size_t column, std::byte* const* states, const Record* records,
                 std::size_t n, bool nulls);
void add_records(const Layout& layout, std::size_t column, std::byte* const* states, const Payloads& records,
                 std::size_t n, bool nulls);
/// Merges state records; texts are left out.
void merge_records(const Column& column, std::byte* const* states, const Record* records, std::size_t n);
void merge_records(const Column& column, std::byte* const* states, const Payloads& records, std::size_t n);
/// Merges the texts of one raw record. False if the heap is full: nothing has changed then.
[[nodiscard]] bool add_texts(const Layout& layout, std::byte* state, const Record& record, Heap& heap);

/// Appends one group's result. `key` says whose it is, for errors.
struct KeyName {
  bool byte_keys;
  std::uint64_t hash;
  std::span<const std::byte> key;
  [[nodiscard]] std::string text() const;
  [[nodiscard]] GroupError::Key name() const;
};
void put_result(const Column& column, const std::byte* state, const Heap& heap, const KeyName& key,
                ResultColumn& into);
void put_null(ResultColumn& into);
void put_text(ResultColumn& into, std::span<const std::byte> text);
/// Appends groups whose cells are a hash, for an 8-byte key, and a state without texts.
void put_cells(const Layout& layout, std::span<const std::byte* const> cells, Groups& into);
/// Appends the key and counts the row.
void put_key(Groups& into, const KeyName& key);
/// Makes `into` empty, with columns of the right types.
void clear(const Layout& layout, Groups& into);

}  // namespace surd::external::detail
