// Values of CSV fields: a column of some rows at a time, so that the loops are of one type.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surd/table/column.hpp"

namespace surd::table::detail {

enum class BadKind : std::uint8_t {
  columns,
  integer,
  integer_range,
  number,
  number_range,
  boolean,
  utf8,
  quotes,
  unclosed
};

struct BadField {
  std::uint32_t row = 0;  ///< Among the rows parsed together.
  std::uint32_t column = 0;
  BadKind kind = BadKind::columns;
};

/// Rows whose separators are known, all with the same number of columns.
struct CsvRows {
  const char* text = nullptr;  ///< 64 bytes past the last row can be read.
  const std::uint32_t* separators = nullptr;
  std::span<const std::uint32_t> firsts;  ///< First separator of each row.
  std::size_t columns = 0;
  bool ascii = false;

  /// The field as it stands, without the CR of a CR LF.
  [[nodiscard]] std::string_view field(std::size_t row, std::size_t column) const noexcept {
    const auto* end = separators + firsts[row] + column;
    const auto begin = *(end - 1) + 1;
    auto size = *end - begin;
    if (column + 1 == columns && size > 0 && text[*end - 1] == '\r') --size;
    return {text + begin, size};
  }
};

/// Texts that mean null.
class NullTexts {
 public:
  explicit NullTexts(const std::vector<std::string>& texts);
  [[nodiscard]] bool contain(std::string_view text) const noexcept {
    if (text.empty()) return empty_;
    const auto length = text.size() < 63 ? text.size() : 63;
    return (lengths_[static_cast<unsigned char>(text[0])] >> length & 1U) != 0 && is_one(text);
  }

 private:
  [[nodiscard]] bool is_one(std::string_view text) const noexcept;

  std::vector<std::string> texts_;
  std::array<std::uint64_t, 256> lengths_{};  ///< Bit n of [first byte]: one of n bytes begins so.
  bool empty_ = false;
};

/// Appends one value per row of column `column` to `into`: 0 or "" for bad ones, which are added to `bad`.
void parse_column(const CsvRows& rows, std::size_t column, const NullTexts& nulls, Column& into,
                  std::vector<BadField>& bad);

}  // namespace surd::table::detail
