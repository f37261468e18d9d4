// Rows of one split of a CSV file.
//
// The text passes through a buffer; windows of it, small enough for the first level cache, are scanned for
// separators (csv_scanner.hpp), then the needed columns of the rows found are parsed one after the other
// (csv_fields.hpp). Bad rows are parsed like others and taken out when the batch is complete.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "surd/table/detail/byte_source.hpp"
#include "surd/table/detail/csv_fields.hpp"
#include "surd/table/detail/csv_scanner.hpp"
#include "surd/table/detail/csv_split.hpp"
#include "surd/table/detail/formats.hpp"

namespace surd::table::detail {

struct CsvFile {
  InputFile file;
  Compression compression = Compression::none;
  std::uint64_t data_begin = 0;    ///< Uncompressed.
  std::uint64_t first_line = 1;    ///< Of the first row.
  std::vector<std::string> names;  ///< Of the columns; empty if the file has no rows and no header.
};

/// What all readers of an input share.
struct CsvTable {
  InputSpec spec;
  char delimiter = ',';
  std::vector<CsvFile> files;
  Schema schema;
  NullTexts nulls{{}};
  storage::FileSystem* disk = nullptr;
  std::uint64_t search_window_bytes = std::uint64_t{1} << 20;
  bool sample = false;  ///< Rows that are too long are left out.
};

/// How a reader divides its memory.
struct CsvPlan {
  std::size_t buffer_bytes = 0;  ///< Of text: the longest row.
  std::size_t window_bytes = 0;
  std::size_t batch_rows = 0;
  std::size_t batch_text_bytes = 0;

  CsvPlan(std::uint64_t memory_bytes, const Schema& schema, const std::vector<bool>& columns);
};

/// What a search for rows needs to know.
[[nodiscard]] CsvLayout layout_of(const CsvTable& table, const CsvFile& file);

/// Of which CsvReader finds the fields before it converts them.
inline constexpr std::size_t rows_at_once = 1024;

class CsvReader final : public BatchReader {
 public:
  /// `table` must outlive the reader.
  CsvReader(const CsvTable& table, const Split& split, const std::vector<bool>& columns,
            memory::Budget& budget, std::uint64_t memory_bytes);

  [[nodiscard]] bool next(Batch& into) override;
  [[nodiscard]] std::vector<BadRow> take_bad_rows() override { return log_.take(); }
  [[nodiscard]] std::uint64_t bad_rows() const noexcept override { return log_.count(); }

 private:
  void open(memory::Budget& budget);
  void prepare(Batch& batch) const;
  [[nodiscard]] bool is_cut_at_end() const noexcept;
  /// Scans on. False at the end of the split.
  bool scan_more();
  bool scan_last_row();
  void skip_long_row();
  [[noreturn]] void refuse_long_row(BadRow row, std::uint64_t bytes) const;
  void note_rows();
  /// Parses rows scanned; false if the batch is full.
  bool parse_some(Batch& into);
  bool choose_rows();
  void report_bad(std::size_t first_batch_row);
  void remove_bad_rows(Batch& batch);
  void finish();

  [[nodiscard]] BadRow describe(std::uint32_t begin, std::uint32_t end);
  void report(const BadField& bad);

  const CsvTable* table_;
  const CsvFile* file_;
  Split split_;
  std::vector<std::size_t> needed_;
  std::vector<std::size_t> texts_;  ///< Of those, the columns of texts.
  CsvPlan plan_;
  memory::Reservation reservation_;
  BadRowLog log_;

  std::optional<TextBuffer> buffer_;
  CsvIndex index_;
  std::uint32_t scanned_ = 0;    ///< In the buffer.
  std::size_t next_row_ = 0;     ///< Of the index.
  std::size_t usable_rows_ = 0;  ///< Of the index: those that begin in the split.
  bool skip_next_row_ = false;   ///< The first row of the index is the end of one too long.
  bool at_end_ = false;          ///< No row behind those of the index belongs to the split.
  std::uint64_t rows_end_ = 0;   ///< Where the first row behind the split begins.
  bool finished_ = false;

  std::size_t batch_rows_ = 0;  ///< Bad ones included.
  std::size_t batch_text_ = 0;
  std::vector<std::uint32_t> firsts_;  ///< Separators of the rows parsed now.
  std::vector<std::uint32_t> chosen_;  ///< Their rows in the index.
  std::vector<BadField> bad_fields_;   ///< Of the rows parsed now.
  std::vector<BadField> bad_rows_;     ///< Likewise, rows as in the index.
  std::vector<std::uint32_t> bad_in_batch_;
};

/// "'12x' is no integer". `field` as it stands in the file.
[[nodiscard]] std::string reason_of(BadKind kind, std::string_view field);

}  // namespace surd::table::detail
