// How a group-by's states and records lie: worked out once from its format.
//
// A record in a partition, once it is unpacked (group_packing.hpp), begins with its kind (u8) and its key:
// the hash of an 8-byte key (mix() can be undone), or u32 size and bytes. Then, by kind:
//   raw, raw_nulls   a row: [null bits,] 8 bytes for each value (and the position, if first or last ask for
//   it), then
//                    u32 size and bytes for each text
//   state            state_bytes; texts are never in states on disk
//   value            u8 column, u64 position, then the value: 8 bytes of number or a text
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/external/group.hpp"

namespace surd::external::detail {

enum class Op : std::uint8_t {
  count,
  sum_integer,
  sum_float,
  min_integer,
  max_integer,
  min_float,
  max_float,
  mean_integer,
  mean_float,
  moments_integer,  ///< Variance and stddev.
  moments_float,
  first,
  last,
  min_text,
  max_text,
  first_text,
  last_text,
  median,  ///< The state counts values; the values are sorted.
  list,
  distinct,
  user,
};

enum class Kind : std::uint8_t { raw, raw_nulls, state, value };

struct Column {
  Op op = Op::count;
  AggregateSpec spec;
  std::uint32_t state = 0;  ///< Offset in the state.
  std::uint32_t raw = 0;    ///< Offset of the value in a raw row's fixed part; none: no_value.

  static constexpr std::uint32_t no_value = ~std::uint32_t{0};
  [[nodiscard]] bool text() const noexcept { return op >= Op::min_text && op <= Op::last_text; }
  [[nodiscard]] bool holistic() const noexcept { return op >= Op::median && op <= Op::distinct; }
};

struct Layout {
  /// @throws UsageError  naming an aggregate that does not take its type of input.
  explicit Layout(const GroupFormat& format);

  bool byte_keys;
  std::vector<Column> columns;
  std::uint32_t state_bytes = 0;
  std::uint32_t raw_bytes = 0;  ///< Fixed part without null bits.
  std::uint32_t null_bytes = 0;
  std::uint32_t position = Column::no_value;  ///< Offset in the fixed part.
  bool texts = false;
  bool holistic = false;
  bool users = false;
  /// Rows of a key that was seen may be dropped or summed up before they are written.
  bool combines = true;

  void init(std::byte* state) const noexcept;
};

/// A record as it lies in a partition.
struct Record {
  Kind kind = Kind::raw;
  std::uint64_t hash = 0;
  std::span<const std::byte> key;      ///< Byte keys.
  const std::byte* payload = nullptr;  ///< Null bits, or what follows the key.
  const std::byte* end = nullptr;
};

/// Reads the record at `at`.
[[nodiscard]] Record parse(const Layout& layout, const std::byte* at) noexcept;

using base::load;
using base::store;

/// Bytes of keys and texts of the groups in memory, growing down from the end of a region towards a table
/// that grows up. Never freed one by one.
struct Heap {
  std::byte* floor = nullptr;  ///< The table's end.
  std::byte* top = nullptr;    ///< Lowest byte in use.
  std::byte* end = nullptr;

  [[nodiscard]] bool fits(std::size_t bytes) const noexcept {
    return bytes <= static_cast<std::size_t>(top - floor);
  }
  /// Its distance from the end.
  std::uint64_t put(std::span<const std::byte> bytes) noexcept {
    top -= bytes.size();
    if (!bytes.empty()) std::memcpy(top, bytes.data(), bytes.size());
    return static_cast<std::uint64_t>(end - top);
  }
  [[nodiscard]] std::span<const std::byte> get(std::uint64_t distance, std::size_t bytes) const noexcept {
    return {end - distance, bytes};
  }
};

}  // namespace surd::external::detail
