#include "surd/table/detail/records.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <set>
#include <type_traits>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::table::detail {
namespace {

template <class T>
T load(const std::byte* at, bool swap) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), at, sizeof(T));
  if (swap) std::reverse(bytes.begin(), bytes.end());
  return std::bit_cast<T>(bytes);
}

/// All values of one field; the loop for little-endian ones has nothing to decide. Returns a number that is
/// negative if an integer is, else not.
template <class T, class Value>
std::int64_t load_all(const RecordField& field, const std::byte* records, std::size_t stride,
                      std::vector<Value>& into) {
  const auto* at = records + field.offset;
  std::int64_t any = 0;
  const auto put = [&any](Value& into_value, T loaded) {
    into_value = static_cast<Value>(loaded);
    if constexpr (std::is_integral_v<Value>) any |= into_value;
  };
  if (field.big_endian) {
    for (auto& value : into) put(value, load<T>(at, true)), at += stride;
  } else if (std::is_same_v<T, double> && stride == sizeof(T) && !into.empty()) {
    std::memcpy(into.data(), at, into.size() * sizeof(T));
  } else {
    for (auto& value : into) put(value, load<T>(at, false)), at += stride;
  }
  return any;
}

/// IEEE 754 binary16.
double half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 31;
  const int fraction = bits & 1023;
  double value = 0;
  if (exponent == 31) {
    value =
        fraction == 0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
  } else {
    value = exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 1024, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -value : value;
}

void decode_numbers(const RecordField& field, const std::byte* records, std::size_t stride,
                    std::vector<double>& into) {
  if (field.bytes == 8) return void(load_all<double>(field, records, stride, into));
  if (field.bytes == 4) return void(load_all<float>(field, records, stride, into));
  const auto* at = records + field.offset;
  for (auto& value : into) value = half(load<std::uint16_t>(at, field.big_endian)), at += stride;
}

/// As load_all().
std::int64_t decode_integers(const RecordField& field, const std::byte* records, std::size_t stride,
                             std::vector<std::int64_t>& into) {
  const bool is_signed = field.kind == FieldKind::integer;
  switch (field.bytes) {
    case 1:
      return is_signed ? load_all<std::int8_t>(field, records, stride, into)
                       : load_all<std::uint8_t>(field, records, stride, into);
    case 2:
      return is_signed ? load_all<std::int16_t>(field, records, stride, into)
                       : load_all<std::uint16_t>(field, records, stride, into);
    case 4:
      return is_signed ? load_all<std::int32_t>(field, records, stride, into)
                       : load_all<std::uint32_t>(field, records, stride, into);
    default:
      return load_all<std::int64_t>(field, records, stride, into);
  }
}

void drop_too_big(std::size_t column, std::vector<std::int64_t>& values, std::vector<BadValue>& bad) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] >= 0) continue;
    bad.push_back(
        {i, column,
         fmt::format("{} is beyond the largest integer, 2^63 - 1", static_cast<std::uint64_t>(values[i]))});
    values[i] = 0;
  }
}

std::string_view text_at(const std::byte* at, std::size_t bytes) {
  const std::string_view all(reinterpret_cast<const char*>(at), bytes);
  return all.substr(0, all.find('\0'));
}

void append_utf8(std::uint32_t point, std::string& text) {
  const auto tail = [&](unsigned shift) {
    text.push_back(static_cast<char>(0x80 | ((point >> shift) & 0x3F)));
  };
  if (point < 0x80) {
    text.push_back(static_cast<char>(point));
  } else if (point < 0x800) {
    text.push_back(static_cast<char>(0xC0 | (point >> 6)));
    tail(0);
  } else if (point < 0x10000) {
    text.push_back(static_cast<char>(0xE0 | (point >> 12)));
    tail(6);
    tail(0);
  } else {
    text.push_back(static_cast<char>(0xF0 | (point >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

/// Texts of UTF-32; `text` is scratch.
void decode_utf32(const RecordField& field, std::size_t column, const std::byte* record, std::size_t row,
                  std::string& text, Column& into, std::vector<BadValue>& bad) {
  text.clear();
  for (std::uint32_t k = 0; k < field.bytes; k += 4) {
    const auto point = load<std::uint32_t>(record + field.offset + k, field.big_endian);
    if (point == 0) break;
    if (point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
      bad.push_back({row, column, fmt::format("0x{:X} is no code point of Unicode", point)});
      text.clear();
      break;
    }
    append_utf8(point, text);
  }
  into.push_text(text);
}

[[noreturn]] void fail(const RecordField& field, std::uint64_t row, const std::string& what) {
  throw base::UsageError(fmt::format("row {} of the output, column {}: {}", row, field.name, what));
}

[[noreturn]] void fail_null(const RecordField& field, std::uint64_t row) {
  fail(field, row,
       "null cannot be written to a binary integer or boolean; replace it with coalesce(), or "
       "write csv, jsonl or hdf5");
}

template <class T>
void encode_integers(const Column& column, const RecordField& field, std::uint64_t first_row,
                     std::byte* records, std::size_t stride) {
  auto* at = records + field.offset;
  for (std::size_t i = 0; i < column.integers.size(); ++i, at += stride) {
    const auto value = column.integers[i];
    if (column.is_null(i)) fail_null(field, first_row + i);
    if (!std::in_range<T>(value)) {
      fail(field, first_row + i,
           fmt::format("{} does not fit {} bytes{}", value, sizeof(T),
                       std::is_unsigned_v<T> ? " without a sign" : ""));
    }
    const auto narrow = static_cast<T>(value);
    std::memcpy(at, &narrow, sizeof narrow);
  }
}

template <class T>
void encode_numbers(const Column& column, const RecordField& field, std::uint64_t first_row,
                    std::byte* records, std::size_t stride) {
  auto* at = records + field.offset;
  for (std::size_t i = 0; i < column.numbers.size(); ++i, at += stride) {
    const auto value = column.is_null(i) ? std::numeric_limits<double>::quiet_NaN() : column.numbers[i];
    const auto narrow = static_cast<T>(value);
    if (std::isinf(narrow) && !std::isinf(value)) {
      fail(field, first_row + i, fmt::format("{} is out of the range of f32", value));
    }
    std::memcpy(at, &narrow, sizeof narrow);
  }
}

void encode_texts(const Column& column, const RecordField& field, std::uint64_t first_row, std::byte* records,
                  std::size_t stride) {
  auto* at = records + field.offset;
  for (std::size_t i = 0; i < column.ends.size(); ++i, at += stride) {
    const auto text = column.text(i);
    if (text.size() > field.bytes) {
      fail(field, first_row + i,
           fmt::format("a text of {} bytes does not fit the {} of its field", text.size(), field.bytes));
    }
    if (text.find('\0') != text.npos) {
      fail(field, first_row + i, "a text with a zero byte would be cut there when it is read");
    }
    std::memset(at, 0, field.bytes);
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
  }
}

struct FieldWord {
  std::string_view word;
  FieldKind kind;
  std::uint32_t bytes;
};

constexpr std::array field_words{
    FieldWord{"u8", FieldKind::unsigned_integer, 1},  FieldWord{"u16", FieldKind::unsigned_integer, 2},
    FieldWord{"u32", FieldKind::unsigned_integer, 4}, FieldWord{"u64", FieldKind::unsigned_integer, 8},
    FieldWord{"i8", FieldKind::integer, 1},           FieldWord{"i16", FieldKind::integer, 2},
    FieldWord{"i32", FieldKind::integer, 4},          FieldWord{"i64", FieldKind::integer, 8},
    FieldWord{"f32", FieldKind::number, 4},           FieldWord{"f64", FieldKind::number, 8},
    FieldWord{"bool", FieldKind::boolean, 1},         FieldWord{"bytes", FieldKind::text, 0}};

RecordField field_of(const FixedColumn& column) {
  const auto* const word = std::find_if(field_words.begin(), field_words.end(),
                                        [&](const FieldWord& known) { return known.word == column.type; });
  if (word == field_words.end()) {
    throw base::UsageError(
        fmt::format("column {}: unknown type '{}'; valid are u8, u16, u32, u64, i8, i16, i32, i64, f32, f64, "
                    "bool and bytes",
                    column.name, column.type));
  }
  const auto bytes = word->kind == FieldKind::text ? column.bytes : word->bytes;
  if (bytes == 0) {
    throw base::UsageError(fmt::format("column {}: type bytes needs a length, 'bytes'", column.name));
  }
  if (column.bytes != 0 && column.bytes != bytes) {
    throw base::UsageError(
        fmt::format("column {}: {} has {} bytes, not {}", column.name, column.type, bytes, column.bytes));
  }
  return {column.name, word->kind, bytes, column.offset, false};
}

}  // namespace

Type type_of(FieldKind kind) noexcept {
  switch (kind) {
    case FieldKind::unsigned_integer:
    case FieldKind::integer:
      return Type::int64;
    case FieldKind::number:
      return Type::float64;
    case FieldKind::boolean:
      return Type::boolean;
    case FieldKind::text:
    case FieldKind::utf32:
      break;
  }
  return Type::text;
}

Schema schema_of(const std::vector<RecordField>& fields) {
  Schema schema;
  for (const auto& field : fields) schema.push_back({field.name, type_of(field.kind)});
  return schema;
}

std::vector<RecordField> fields_of(const std::vector<FixedColumn>& columns, std::uint32_t record_bytes) {
  std::vector<RecordField> fields;
  std::set<std::string_view> names;
  for (const auto& column : columns) {
    const auto& field = fields.emplace_back(field_of(column));
    if (!names.insert(column.name).second) {
      throw base::UsageError(fmt::format("column {} is described twice", column.name));
    }
    if (field.offset + field.bytes > record_bytes) {
      throw base::UsageError(fmt::format("column {}: bytes {} to {} reach out of the record, which has {}",
                                         field.name, field.offset, field.offset + field.bytes, record_bytes));
    }
  }
  return fields;
}

void decode(const RecordField& field, std::size_t column, const std::byte* records, std::size_t stride,
            std::size_t rows, Column& into, std::vector<BadValue>& bad) {
  const auto type = type_of(field.kind);
  if (into.type != type || type == Type::text) into.clear(type);
  into.nulls.clear();
  switch (field.kind) {
    case FieldKind::number:
      into.numbers.resize(rows);
      return decode_numbers(field, records, stride, into.numbers);
    case FieldKind::unsigned_integer:
    case FieldKind::integer:
      into.integers.resize(rows);
      if (decode_integers(field, records, stride, into.integers) < 0 &&
          field.kind == FieldKind::unsigned_integer) {
        drop_too_big(column, into.integers, bad);
      }
      return;
    case FieldKind::boolean:
      into.integers.resize(rows);
      for (std::size_t i = 0; i < rows; ++i) {
        into.integers[i] = records[i * stride + field.offset] != std::byte{0};
      }
      return;
    case FieldKind::text:
      for (std::size_t i = 0; i < rows; ++i) {
        into.push_text(text_at(records + i * stride + field.offset, field.bytes));
      }
      return;
    case FieldKind::utf32: {
      std::string text;
      for (std::size_t i = 0; i < rows; ++i) {
        decode_utf32(field, column, records + i * stride, i, text, into, bad);
      }
    }
  }
}

void drop_bad_rows(const std::vector<BadValue>& bad, Batch& batch) {
  if (bad.empty()) return;
  std::vector<std::uint32_t> kept;
  auto next = bad.begin();
  for (std::size_t row = 0; row < batch.rows; ++row) {
    while (next != bad.end() && next->row < row) ++next;
    if (next == bad.end() || next->row != row) kept.push_back(static_cast<std::uint32_t>(row));
  }
  keep_rows(batch, kept);
}

void encode(const Column& column, const RecordField& field, std::uint64_t first_row, std::byte* records,
            std::size_t stride) {
  const auto integers = [&](auto example) {
    encode_integers<decltype(example)>(column, field, first_row, records, stride);
  };
  const bool is_signed = field.kind == FieldKind::integer;
  switch (field.kind) {
    case FieldKind::number:
      return field.bytes == 4 ? encode_numbers<float>(column, field, first_row, records, stride)
                              : encode_numbers<double>(column, field, first_row, records, stride);
    case FieldKind::text:
    case FieldKind::utf32:
      return encode_texts(column, field, first_row, records, stride);
    case FieldKind::boolean:
      return integers(std::uint8_t{});
    case FieldKind::unsigned_integer:
    case FieldKind::integer:
      break;
  }
  if (field.bytes == 1) return is_signed ? integers(std::int8_t{}) : integers(std::uint8_t{});
  if (field.bytes == 2) return is_signed ? integers(std::int16_t{}) : integers(std::uint16_t{});
  if (field.bytes == 4) return is_signed ? integers(std::int32_t{}) : integers(std::uint32_t{});
  return is_signed ? integers(std::int64_t{}) : integers(std::uint64_t{});
}

}  // namespace surd::table::detail
