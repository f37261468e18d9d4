// Columns at offsets in records of fixed size: what fixed files, .npy files and HDF5 datasets are made of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surd/table/column.hpp"
#include "surd/table/input.hpp"

namespace surd::table::detail {

enum class FieldKind : std::uint8_t {
  unsigned_integer,
  integer,
  number,
  boolean,
  text,   ///< Up to the first zero byte.
  utf32,  ///< Code points of 4 bytes, up to the first zero; read only.
};

struct RecordField {
  std::string name;
  FieldKind kind = FieldKind::integer;
  std::uint32_t bytes = 8;
  std::uint64_t offset = 0;
  bool big_endian = false;
};

[[nodiscard]] Type type_of(FieldKind kind) noexcept;
[[nodiscard]] Schema schema_of(const std::vector<RecordField>& fields);

/// Fields that a job file describes. @throws UsageError  naming the column: an unknown type, a field that
/// reaches out of its record, a name given twice.
[[nodiscard]] std::vector<RecordField> fields_of(const std::vector<FixedColumn>& columns,
                                                 std::uint32_t record_bytes);

/// A value that a column cannot hold: an integer beyond 2^63 - 1, a code point that there is not.
struct BadValue {
  std::size_t row = 0;
  std::size_t column = 0;
  std::string reason;
};

/// Overwrites `into`, a column of the field's type, with the values of `rows` records at `records`, which lie
/// `stride` bytes apart. Bad values become 0 or "" and are added to `bad`.
void decode(const RecordField& field, std::size_t column, const std::byte* records, std::size_t stride,
            std::size_t rows, Column& into, std::vector<BadValue>& bad);

/// Takes the rows with bad values out of `batch`. `bad` must be ordered by row.
void drop_bad_rows(const std::vector<BadValue>& bad, Batch& batch);

/// Writes the values of `column` into records. `first_row` is that of its first value in the output.
/// @throws UsageError  naming row and column, for a value that does not fit the field: nulls (but floats,
/// NaN, and texts, empty), integers out of range, finite floats beyond the range of f32, long texts and those
/// with zero bytes.
void encode(const Column& column, const RecordField& field, std::uint64_t first_row, std::byte* records,
            std::size_t stride);

}  // namespace surd::table::detail
