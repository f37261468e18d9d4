// Typed columns of rows, a batch at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace surd::table {

enum class Type : std::uint8_t { int64, float64, text, boolean };

[[nodiscard]] std::string_view name(Type type) noexcept;  ///< "integer", "float", "text", "boolean"

struct Field {
  std::string name;
  Type type = Type::text;

  friend bool operator==(const Field&, const Field&) = default;
};

using Schema = std::vector<Field>;

/// Position of a column. @throws UsageError  naming the nearest column, if there is none of that name.
[[nodiscard]] std::size_t find(const Schema& schema, std::string_view name);

/// Values of one column, [rows]. Only the members of its type are used; those of null rows hold 0 or "".
class Column {
 public:
  Type type = Type::int64;
  std::vector<std::int64_t> integers;  ///< int64; boolean as 0 and 1.
  std::vector<double> numbers;         ///< float64.
  std::vector<char> bytes;             ///< text: row i is bytes[ends[i - 1], ends[i]), with ends[-1] = 0.
  std::vector<std::uint32_t> ends;
  std::vector<std::uint8_t> nulls;  ///< 1: null. Empty: no row is null.

  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] bool is_null(std::size_t row) const noexcept { return !nulls.empty() && nulls[row] != 0; }
  [[nodiscard]] std::string_view text(std::size_t row) const noexcept;

  void push_integer(std::int64_t value) {  ///< Booleans too.
    integers.push_back(value);
    if (!nulls.empty()) nulls.push_back(0);
  }
  void push_number(double value) {
    numbers.push_back(value);
    if (!nulls.empty()) nulls.push_back(0);
  }
  void push_text(std::string_view value);
  void push_null();
  /// Row `row` of `from`, a column of the same type.
  void push(const Column& from, std::size_t row);
  /// Rows [first, first + count) of such a column.
  void append(const Column& from, std::size_t first, std::size_t count);

  /// Keeps capacity.
  void clear(Type new_type) noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
};

/// Rows of a table: [rows] x [columns]. Small: a few thousand rows, about a megabyte at most.
struct Batch {
  std::size_t rows = 0;
  std::vector<Column> columns;

  void clear(const Schema& schema);
  [[nodiscard]] std::size_t memory_bytes() const noexcept;
};

/// Keeps the rows named by `rows` (ascending) of every column that has rows; columns not asked for stay
/// empty.
void keep_rows(Batch& batch, const std::vector<std::uint32_t>& rows);

}  // namespace surd::table
