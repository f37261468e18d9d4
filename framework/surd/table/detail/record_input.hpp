// Inputs made of records of fixed size behind a header: fixed files and .npy files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "surd/table/detail/formats.hpp"
#include "surd/table/detail/records.hpp"
#include "surd/table/output.hpp"

namespace surd::table::detail {

struct RecordFile {
  InputFile file;
  Compression compression = Compression::none;
  std::uint64_t first_byte = 0;     ///< Of the first record.
  std::uint64_t records = 0;        ///< Of a compressed file: not known, 0.
  std::vector<RecordField> fields;  ///< Offsets and byte order may differ between files, names and types not.
};

struct RecordLayout {
  Format format = Format::fixed;
  std::uint64_t record_bytes = 0;
  OnBadRow on_bad_row = OnBadRow::error;
  std::string options;  ///< For the fingerprint.
};

/// Splits of fixed files are bytes, of .npy files rows. At least one file; all have the same schema.
[[nodiscard]] std::unique_ptr<Input> make_record_input(RecordLayout layout, std::vector<RecordFile> inputs,
                                                       storage::FileSystem& files);

/// How many rows of `row_bytes` a batch has that takes a quarter of `memory_bytes`.
[[nodiscard]] std::size_t batch_rows(std::uint64_t memory_bytes, std::uint64_t row_bytes) noexcept;

/// Splits of `rows` rows of `row_bytes` at about `bytes` each; `unit` is what a row counts in a split.
void add_splits(std::uint32_t file, std::uint64_t rows, std::uint64_t row_bytes, std::uint64_t unit,
                std::uint64_t bytes, std::vector<Split>& into);

}  // namespace surd::table::detail
