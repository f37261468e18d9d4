// Rows of a join as records of fixed size: where both sides' key is one integer column, and no column of the
// result is a text, which spill packed (PartitionWriter::append_packed()) and need no decoding value by
// value.
//
//   i64 key; the other columns' values, first those of 8 bytes, then booleans of 1, all 0 where null; bitmap
//   of nulls (bit 0: the key, then the other columns in order).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/table/column.hpp"

namespace surd::stream::detail {

class KeyedRows {
 public:
  /// Whether these columns make such records, short enough to be packed.
  [[nodiscard]] static bool possible(const table::Schema& schema, const std::vector<std::size_t>& by,
                                     const std::vector<std::size_t>& pack);
  /// `pack`: columns that decode() gives; the key may be one of them.
  KeyedRows(const table::Schema& schema, std::size_t key, const std::vector<std::size_t>& pack);

  [[nodiscard]] std::uint32_t record_bytes() const noexcept { return record_bytes_; }
  /// All rows back to back. Overwrites `records`; its memory is used again.
  void encode(const table::Batch& rows, std::vector<std::byte>& records) const;
  /// Pushes the packed columns of each record to into[first ...]; nulls for spans without data.
  void decode(std::span<const std::span<const std::byte>> records, std::vector<table::Column>& into,
              std::size_t first) const;

 private:
  struct Packed {
    std::size_t column = 0;  ///< Of the schema.
    table::Type type = table::Type::int64;
    std::size_t offset = 0;  ///< In the record.
    std::size_t bit = 0;     ///< Of the bitmap.
  };
  void put_nulls(const table::Column& column, std::size_t bit, std::byte* records) const;
  template <class Stored, class Value>
  void read(std::span<const std::span<const std::byte>> records, const Packed& packed,
            std::vector<Value>& into) const;

  std::size_t key_;
  std::vector<Packed> packed_;
  std::size_t bitmap_ = 0;  ///< Where it begins in the record.
  std::uint32_t record_bytes_ = 0;
};

}  // namespace surd::stream::detail
