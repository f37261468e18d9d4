// Rows of one split of a file with a JSON object per line. Lines are parsed with simdjson (Langdale & Lemire,
// VLDB Journal 28, 2019); a raw line end cannot stand inside of JSON, so every cut finds the next row at
// once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <simdjson.h>

#include "surd/table/detail/byte_source.hpp"
#include "surd/table/detail/formats.hpp"

namespace surd::table::detail {

struct JsonlFile {
  InputFile file;
  Compression compression = Compression::none;
};

struct JsonlTable {
  OnBadRow on_bad_row = OnBadRow::error;
  std::vector<JsonlFile> files;
  Schema schema;
  storage::FileSystem* disk = nullptr;
};

/// Lines of a file that begin in [begin, end).
class LineReader {
 public:
  LineReader(const JsonlFile& file, std::uint64_t begin, std::uint64_t end, storage::FileSystem& disk,
             memory::Budget& budget, std::size_t buffer_bytes, std::size_t longest);

  enum class Found : std::uint8_t { line, too_long, end };
  /// The next line without its end; of one too long, its first bytes. Valid until the next call; 64 bytes
  /// behind it can be read.
  Found next(std::string_view& line);
  [[nodiscard]] std::uint64_t offset() const noexcept { return offset_; }  ///< Of the line in its file.
  /// Goes on to the end of a line too long, but not much further than `at_most`. Its length so far.
  [[nodiscard]] std::uint64_t measure(std::uint64_t at_most);
  [[nodiscard]] std::uint64_t number() const noexcept { return number_; }  ///< From 1, from the begin.

 private:
  [[nodiscard]] bool fill();
  bool skip_line();

  TextBuffer buffer_;
  std::uint64_t end_;
  std::size_t longest_;
  std::uint32_t at_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t number_ = 0;
  bool skipping_ = false;
};

class JsonlReader final : public BatchReader {
 public:
  /// `table` must outlive the reader.
  JsonlReader(const JsonlTable& table, const Split& split, const std::vector<bool>& columns,
              memory::Budget& budget, std::uint64_t memory_bytes);

  [[nodiscard]] bool next(Batch& into) override;
  [[nodiscard]] std::vector<BadRow> take_bad_rows() override { return log_.take(); }
  [[nodiscard]] std::uint64_t bad_rows() const noexcept override { return log_.count(); }

 private:
  using Value = std::variant<std::monostate, std::int64_t, double, std::string_view, std::string>;

  /// The column of the `number`-th key of an object; schema's size if there is none needed.
  [[nodiscard]] std::size_t column_of(std::size_t number, std::string_view key);
  /// Fills values_. False, with the column and the reason, if the row is bad.
  [[nodiscard]] bool parse(std::string_view line, std::string& column, std::string& reason);
  [[nodiscard]] bool convert(simdjson::dom::element element, Type type, Value& into) const;
  void push_row(Batch& into);
  [[nodiscard]] BadRow describe() const;
  [[nodiscard]] std::uint64_t exact_line(const BadRow& row) const;
  void report(std::string_view line, std::string column, std::string reason);
  [[noreturn]] void refuse_long_line();

  const JsonlTable* table_;
  const JsonlFile* file_;
  Split split_;
  std::vector<bool> needed_;
  std::map<std::string, std::size_t, std::less<>> columns_;
  std::vector<std::pair<std::string, std::size_t>> expected_;  ///< Keys of the row before: mostly the same.
  std::uint64_t memory_bytes_;
  memory::Reservation reservation_;
  BadRowLog log_;
  std::size_t batch_rows_ = 0;
  std::optional<LineReader> lines_;
  simdjson::dom::parser parser_;
  std::vector<Value> values_;
  bool finished_ = false;
};

/// What is wrong with a line that simdjson cannot parse.
[[nodiscard]] std::string not_json(simdjson::error_code error);

}  // namespace surd::table::detail
