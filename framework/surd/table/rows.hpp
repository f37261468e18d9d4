// Rows as byte strings: keys whose unsigned byte order is the order of the rows, and rows packed to be stored
// and unpacked again.
//
// Key encoding per column (after Graefe, ACM Comput. Surv. 38(3), 2006, "normalised keys"): a byte for null
// (0 before values, 2 after) or 1; integers big-endian with the sign bit flipped; floats as their bits with
// the sign flipped or all bits inverted, -0 as 0, NaN after all numbers; texts with 00 as 00 FF, ended by
// 00 00; descending columns with all bits inverted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/table/column.hpp"

namespace surd::table {

struct SortColumn {
  std::size_t column = 0;
  bool descending = false;
  bool nulls_first = false;  ///< Else last, in both directions.
};

/// The values of an integer column without nulls as keys of 8 bytes that are equal where the values are, in
/// no useful order; empty for any other column. Valid as long as the column stays as it is.
[[nodiscard]] std::span<const std::uint64_t> integer_keys(const Column& column) noexcept;

/// Encodes keys of rows. Keys are equal where rows are, so they are keys of groups, too: -0 equals 0, NaN
/// equals NaN and null equals null. No key is the begin of another.
class KeyEncoder {
 public:
  explicit KeyEncoder(std::vector<SortColumn> columns);

  /// All rows' keys back to back; row i ends at ends[i]. Both are overwritten; their memory is used again.
  /// @throws UsageError  if that is more than 4 GiB.
  void encode(const Batch& batch, std::vector<std::byte>& bytes, std::vector<std::uint32_t>& ends) const;
  /// Decodes one key into one row of `into` (its columns [k] in the encoder's order, pushed to; they must
  /// have the types that were encoded). -0 comes back as 0.
  /// @throws FormatError  if `key` is none; rows of `into` are then of no use.
  void decode(std::span<const std::byte> key, std::vector<Column>& into) const;
  [[nodiscard]] const std::vector<SortColumn>& columns() const noexcept { return columns_; }

 private:
  std::vector<SortColumn> columns_;
};

/// Packs rows: a null bitmap, then per column 8 bytes (1 for booleans) or a varint length and the text; nulls
/// take nothing.
class RowCodec {
 public:
  /// Packs the columns named, in that order.
  RowCodec(const Schema& schema, std::vector<std::size_t> columns);

  /// All rows back to back; row i ends at ends[i]. Both are overwritten; their memory is used again.
  /// @throws UsageError  if that is more than 4 GiB.
  void encode(const Batch& batch, std::vector<std::byte>& bytes, std::vector<std::uint32_t>& ends) const;
  /// Pushes one row to `into` (the codec's columns, in its order, starting at column `first`).
  /// @throws FormatError  if `row` is none; rows of `into` are then of no use.
  void decode(std::span<const std::byte> row, std::vector<Column>& into, std::size_t first = 0) const;

 private:
  std::vector<Type> types_;
  std::vector<std::size_t> columns_;
};

}  // namespace surd::table
