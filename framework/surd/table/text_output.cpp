// CSV and JSON Lines. Rows are written into room made for a block of them at a time: nothing is allocated
// per row.
#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "surd/table/detail/writers.hpp"

namespace surd::table::detail {
namespace {

constexpr std::size_t block_rows = 256;
constexpr std::size_t block_bytes = std::size_t{256} << 10;  ///< Of room, unless one row needs more.
constexpr std::size_t number_room = 32;                      ///< More than any number or boolean takes.

char* put(char* at, std::string_view text) {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

/// As std::to_chars, which takes most of the time of numbers with few digits, but for those with two decimals
/// or less: n / 100 is the double nearest to that decimal, and no other decimal of so few digits is.
char* put_number(char* at, double value) {
  const double scaled = value * 100;
  if (std::abs(scaled) >= 1 && std::abs(scaled) < 1e13) {
    const auto hundredths = static_cast<std::int64_t>(std::nearbyint(scaled));
    const auto whole = hundredths / 100;
    const auto rest = std::abs(hundredths % 100);
    // Whole numbers from 100000 on may be shorter with an exponent.
    if (static_cast<double>(hundredths) / 100 == value && (rest != 0 || std::abs(whole) < 100000)) {
      if (value < 0 && whole == 0) *at++ = '-';
      at = std::to_chars(at, at + number_room, whole).ptr;
      if (rest == 0) return at;
      *at++ = '.';
      *at++ = static_cast<char>('0' + rest / 10);
      if (rest % 10 != 0) *at++ = static_cast<char>('0' + rest % 10);
      return at;
    }
  }
  return std::to_chars(at, at + number_room, value).ptr;
}

/// What is written for a value that is not null and no text.
char* put_plain(char* at, const Column& column, std::size_t row) {
  switch (column.type) {
    case Type::int64:
      return std::to_chars(at, at + number_room, column.integers[row]).ptr;
    case Type::float64:
      return put_number(at, column.numbers[row]);
    case Type::boolean:
      return put(at, column.integers[row] != 0 ? "true" : "false");
    case Type::text:
      break;
  }
  return at;
}

/// Bytes of the texts of rows [begin, end).
std::size_t text_bytes(const Column& column, std::size_t begin, std::size_t end) {
  if (column.type != Type::text || begin == end) return 0;
  return column.ends[end - 1] - (begin == 0 ? 0 : column.ends[begin - 1]);
}

/// Writes blocks of rows: `row(at, row)` writes one; `growth` is how much longer a text may get.
template <class Row>
void write_blocks(const Batch& batch, std::size_t room_per_row, std::size_t growth, std::vector<char>& into,
                  Row row) {
  const auto room_for = [&](std::size_t begin, std::size_t end) {
    auto room = (end - begin) * room_per_row;
    for (const auto& column : batch.columns) room += growth * text_bytes(column, begin, end);
    return room;
  };
  for (std::size_t begin = 0, end = 0; begin < batch.rows; begin = end) {
    end = std::min(batch.rows, begin + block_rows);
    auto room = room_for(begin, end);
    while (room > block_bytes && end - begin > 1) {
      end = begin + (end - begin) / 2;
      room = room_for(begin, end);
    }
    const auto used = into.size();
    into.resize(used + room);
    auto* at = into.data() + used;
    for (std::size_t i = begin; i < end; ++i) at = row(at, i);
    into.resize(static_cast<std::size_t>(at - into.data()));
  }
}

class CsvWriter final : public PieceWriter {
 public:
  CsvWriter(std::size_t columns, char delimiter) : columns_(columns), delimiter_(delimiter) {
    for (const char byte : {delimiter, '"', '\n', '\r'}) special_[static_cast<unsigned char>(byte)] = true;
  }

  void write(const Batch& batch, std::vector<char>& into) override {
    write_blocks(batch, columns_ * number_room, 2, into, [&](char* at, std::size_t row) {
      for (const auto& column : batch.columns) {
        at = put_field(at, column, row);
        *at++ = delimiter_;
      }
      at[-1] = '\n';
      return at;
    });
  }
  void finish(std::vector<char>&) override {}

  char* put_text(char* at, std::string_view text) const {
    if (!needs_quotes(text)) return put(at, text);
    *at++ = '"';
    for (const char byte : text) {
      if (byte == '"') *at++ = '"';
      *at++ = byte;
    }
    *at++ = '"';
    return at;
  }

 private:
  char* put_field(char* at, const Column& column, std::size_t row) const {
    if (column.is_null(row)) return columns_ == 1 ? put(at, "NA") : at;
    if (column.type == Type::text) return put_text(at, column.text(row));
    return put_plain(at, column, row);
  }

  [[nodiscard]] bool needs_quotes(std::string_view text) const {
    bool special = text.empty();
    for (const char byte : text) special |= special_[static_cast<unsigned char>(byte)];
    if (special || text.size() > 4) return special;
    return text == "NA" || text == "NULL" || text == "null" || text == "NaN";  // they would be read as nulls
  }

  std::size_t columns_;
  char delimiter_;
  std::array<bool, 256> special_{};
};

constexpr std::array<char, 256> json_escapes = [] {
  std::array<char, 256> escapes{};
  for (std::size_t i = 0; i < 32; ++i) escapes[i] = 'u';
  for (std::size_t i = 128; i < 256; ++i) escapes[i] = 'x';  // to be validated
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}();

/// A JSON string; bytes that are no UTF-8 become U+FFFD. At most 6 times the text, and the quotes.
char* put_json_text(char* at, std::string_view text) {
  *at++ = '"';
  char any = 0;
  for (const char byte : text) any |= json_escapes[static_cast<unsigned char>(byte)];
  if (any == 0) {
    at = put(at, text);
  } else {
    const bool valid = simdjson::validate_utf8(text.data(), text.size());
    for (const char byte : text) {
      const auto code = static_cast<unsigned char>(byte);
      const char escape = json_escapes[code];
      if (escape == 0 || (escape == 'x' && valid)) {
        *at++ = byte;
      } else if (escape == 'x') {
        at = put(at, "\xEF\xBF\xBD");
      } else if (escape == 'u') {
        constexpr std::string_view digits = "0123456789abcdef";
        at = put(at, "\\u00");
        *at++ = digits[code >> 4];
        *at++ = digits[code & 15];
      } else {
        *at++ = '\\';
        *at++ = escape;
      }
    }
  }
  *at++ = '"';
  return at;
}

/// Readers of JSON take digits alone for an integer: those beyond 64 bits are refused, and -0 loses its sign.
char* put_json_number(char* at, double value) {
  constexpr double beyond_integers = 0x1p63;
  auto* const end = put_number(at, value);
  if (std::abs(value) < beyond_integers && !(value == 0 && std::signbit(value))) return end;
  const bool digits = std::none_of(at, end, [](char byte) { return byte == '.' || byte == 'e'; });
  return digits ? put(end, ".0") : end;
}

class JsonlWriter final : public PieceWriter {
 public:
  explicit JsonlWriter(const Schema& schema) {
    for (const auto& field : schema) {
      std::string key(6 * field.name.size() + 2, '\0');
      key.resize(static_cast<std::size_t>(put_json_text(key.data(), field.name) - key.data()));
      keys_.push_back((keys_.empty() ? "{" : ",") + key + ":");
      room_ += keys_.back().size() + number_room;
    }
  }

  void write(const Batch& batch, std::vector<char>& into) override {
    write_blocks(batch, room_, 6, into, [&](char* at, std::size_t row) {
      for (std::size_t k = 0; k < keys_.size(); ++k) {
        at = put(at, keys_[k]);
        at = put_value(at, batch.columns[k], row);
      }
      return put(at, "}\n");
    });
  }
  void finish(std::vector<char>&) override {}

 private:
  static char* put_value(char* at, const Column& column, std::size_t row) {
    if (column.is_null(row)) return put(at, "null");
    if (column.type == Type::text) return put_json_text(at, column.text(row));
    if (column.type == Type::float64) {
      const auto value = column.numbers[row];
      return std::isfinite(value) ? put_json_number(at, value) : put(at, "null");
    }
    return put_plain(at, column, row);
  }

  std::vector<std::string> keys_;
  std::size_t room_ = 2;
};

}  // namespace

std::unique_ptr<PieceWriter> write_csv(const Schema& schema, char delimiter) {
  return std::make_unique<CsvWriter>(schema.size(), delimiter);
}

std::string csv_header(const Schema& schema, char delimiter) {
  const CsvWriter writer(schema.size(), delimiter);
  std::string header;
  for (const auto& field : schema) {
    std::string name(2 * field.name.size() + 2, '\0');
    name.resize(static_cast<std::size_t>(writer.put_text(name.data(), field.name) - name.data()));
    header += (header.empty() ? "" : std::string(1, delimiter)) + name;
  }
  return header + "\n";
}

std::unique_ptr<PieceWriter> write_jsonl(const Schema& schema) {
  return std::make_unique<JsonlWriter>(schema);
}

}  // namespace surd::table::detail
