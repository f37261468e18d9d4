// The formats behind write_piece() and head().
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "surd/table/detail/records.hpp"
#include "surd/table/output.hpp"

namespace surd::table::detail {

[[nodiscard]] std::unique_ptr<PieceWriter> write_csv(const Schema& schema, char delimiter);
[[nodiscard]] std::string csv_header(const Schema& schema, char delimiter);
[[nodiscard]] std::unique_ptr<PieceWriter> write_jsonl(const Schema& schema);

/// Records that a format writes rows to.
struct RecordShape {
  std::vector<RecordField> fields;  ///< [schema]
  std::size_t record_bytes = 0;
};
/// Of fixed and .npy files: the columns of `spec`, or 8 bytes for numbers and 1 for booleans one after the
/// other. @throws UsageError  if a column does not fit.
[[nodiscard]] RecordShape record_shape(const OutputSpec& spec, const Schema& schema);
[[nodiscard]] std::unique_ptr<PieceWriter> write_records(RecordShape shape);
[[nodiscard]] std::unique_ptr<PieceWriter> write_packed_rows(const Schema& schema);

/// What `inner` writes, as one gzip member or zstd frame.
[[nodiscard]] std::unique_ptr<PieceWriter> compress(std::unique_ptr<PieceWriter> inner,
                                                    Compression compression);
[[nodiscard]] std::string compress(const std::string& text, Compression compression);

}  // namespace surd::table::detail
