// Collects decoded rows into batches of bounded size.
#pragma once

#include <cstdint>
#include <span>

#include "surd/table/rows.hpp"

namespace surd::stream::detail {

class BatchBuilder {
 public:
  /// Packed rows of all of `schema`'s columns; a batch is full at `bytes` of them, or 4096 rows.
  BatchBuilder(table::Schema schema, std::uint64_t bytes);

  void add(std::span<const std::byte> packed_row) {
    codec_.decode(packed_row, rows_.columns);
    ++rows_.rows;
    bytes_ += packed_row.size();
  }
  [[nodiscard]] bool full() const noexcept { return rows_.rows >= 4096 || bytes_ >= limit_; }
  [[nodiscard]] table::Batch& rows() noexcept { return rows_; }
  void clear();

 private:
  table::Schema schema_;
  table::RowCodec codec_;
  table::Batch rows_;
  std::uint64_t limit_;
  std::uint64_t bytes_ = 0;
};

}  // namespace surd::stream::detail
