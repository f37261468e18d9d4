// Finds the separators of CSV text: delimiters and line ends that stand outside of quotes.
//
// 64 bytes at a time are compared with the quote, the delimiter and the line end; the prefix xor of the quote
// bits tells what lies inside of quotes (Langdale & Lemire, "Parsing gigabytes of JSON per second", VLDB
// Journal 28, 2019, doi:10.1007/s00778-019-00578-5; for CSV: Muehlbauer et al., "Instant loading for main
// memory databases", PVLDB 6(14), 2013, doi:10.14778/2556549.2556555). A quote counts only where a field
// begins; one inside of an unquoted field ('5" pipe') is text. Blocks that hold such a quote, which the
// xor gets wrong, are rare and done byte by byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace surd::table::detail {

/// Where the next byte stands.
enum class CsvState : std::uint8_t {
  field_start,
  unquoted,
  quoted,
  after_quote,  ///< After a quote in a quoted field: it ends the field, unless another quote follows.
};

/// Byte by byte: the reference for the scanner, and for short texts.
[[nodiscard]] constexpr CsvState step(CsvState state, char byte, char delimiter) noexcept {
  if (state == CsvState::quoted) return byte == '"' ? CsvState::after_quote : CsvState::quoted;
  if (byte == '"' && state != CsvState::unquoted) return CsvState::quoted;
  return byte == delimiter || byte == '\n' ? CsvState::field_start : CsvState::unquoted;
}

/// Separators found so far. Positions are those of the text given to scan().
class CsvIndex {
 public:
  /// For `window_bytes` of text a scan, and `kept` separators of a row that is not complete yet.
  CsvIndex(std::size_t window_bytes, std::size_t kept);

  /// separators()[-1] is the one before the first: fields begin one after the separator before them.
  [[nodiscard]] const std::uint32_t* separators() const noexcept { return separators_.get() + 1; }
  /// Row r has the separators [row_ends()[r - 1], row_ends()[r]), with row_ends()[-1] = 0.
  [[nodiscard]] const std::uint32_t* row_ends() const noexcept { return row_ends_.get() + 1; }
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::uint32_t row_begin(std::size_t row) const noexcept {
    return separators_[row_ends_[row]] + 1;
  }

  /// Forgets everything: the next row begins at `begin`.
  void restart(std::uint32_t begin) noexcept;
  /// Forgets the complete rows; of the row begun, the first `kept` separators stay.
  void drop_rows() noexcept;
  /// The text moved `bytes` to the front.
  void shift(std::uint32_t bytes) noexcept;

  [[nodiscard]] static std::size_t memory_bytes(std::size_t window_bytes, std::size_t kept) noexcept;

  CsvState state = CsvState::field_start;
  std::uint64_t lines = 0;  ///< Line ends scanned, those inside of quotes too.
  bool ascii = true;        ///< What was scanned since this was set.

 private:
  friend void scan(const char* text, std::uint32_t begin, std::uint32_t end, char delimiter, CsvIndex& index);

  std::unique_ptr<std::uint32_t[]> separators_;
  std::unique_ptr<std::uint32_t[]> row_ends_;
  std::size_t kept_;
  std::size_t count_ = 0;
  std::size_t rows_ = 0;
};

/// Adds the separators of text[begin, end), at most a window. 64 bytes past `end` must be readable.
void scan(const char* text, std::uint32_t begin, std::uint32_t end, char delimiter, CsvIndex& index);

}  // namespace surd::table::detail
