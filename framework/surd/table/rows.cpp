#include "surd/table/rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::table {
namespace {

using base::FormatError;

constexpr std::byte null_before{0};
constexpr std::byte value_mark{1};
constexpr std::byte null_after{2};
constexpr std::byte escape{0xFF};
constexpr std::uint64_t sign_bit = std::uint64_t{1} << 63;

// ------------------------------------------------------------------ both encodings
// Rows are encoded a column at a time: first the sizes of all rows are added up in `ends`, then `ends` is
// turned into where rows begin, and every column moves it on as it writes. At last it says where rows end.

std::uint32_t varint_bytes(std::uint64_t value) {
  return static_cast<std::uint32_t>((std::bit_width(value | 1) + 6) / 7);
}

std::byte* put_varint(std::byte* at, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *at++ = static_cast<std::byte>(value | 0x80);
  *at++ = static_cast<std::byte>(value);
  return at;
}

const Column& checked_column(const Batch& batch, std::size_t index) {
  base::expect(index < batch.columns.size(), "a row is encoded from columns that its batch has");
  const auto& column = batch.columns[index];
  base::expect(column.size() == batch.rows, "a row is encoded from columns that were read");
  return column;
}

/// Sizes to begins; makes room for all rows.
void lay_out(std::vector<std::byte>& bytes, std::vector<std::uint32_t>& ends) {
  std::uint64_t total = 0;
  for (auto& end : ends) total += std::exchange(end, static_cast<std::uint32_t>(total));
  if (total > std::numeric_limits<std::uint32_t>::max()) {
    throw base::UsageError(fmt::format(
        "the {} rows of a batch take {} bytes; at most 4 GiB can be handled at once", ends.size(), total));
  }
  bytes.resize(total);
}

/// Adds `value_bytes` for every value and `null_bytes` for every null.
void add_fixed(const Column& column, std::uint32_t value_bytes, std::uint32_t null_bytes,
               std::vector<std::uint32_t>& sizes) {
  if (column.nulls.empty()) {
    for (auto& size : sizes) size += value_bytes;
  } else {
    for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] += column.nulls[i] ? null_bytes : value_bytes;
  }
}

// ------------------------------------------------------------------ keys

std::uint64_t ordered(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ sign_bit; }

std::uint64_t ordered(double value) {
  if (value == 0) value = 0;  // -0
  if (std::isnan(value)) value = std::numeric_limits<double>::quiet_NaN();
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & sign_bit) ? ~bits : bits | sign_bit;
}

std::int64_t integer_of(std::uint64_t key) { return static_cast<std::int64_t>(key ^ sign_bit); }

double number_of(std::uint64_t key) {
  return std::bit_cast<double>((key & sign_bit) ? key ^ sign_bit : ~key);
}

void put_big_endian(std::byte* at, std::uint64_t value) {
  value = __builtin_bswap64(value);
  std::memcpy(at, &value, sizeof value);
}

std::uint64_t get_big_endian(std::span<const std::byte> bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data(), sizeof value);
  return __builtin_bswap64(value);
}

/// Writes a mark and, for values, what `put(at, row)` writes; it returns how much that was.
template <class Put>
void put_column(const Column& column, const SortColumn& order, std::byte* bytes,
                std::vector<std::uint32_t>& cursors, Put put) {
  const auto null_mark = order.nulls_first ? null_before : null_after;
  for (std::size_t i = 0; i < cursors.size(); ++i) {
    auto* at = bytes + cursors[i];
    if (column.is_null(i)) {
      *at = null_mark;
      ++cursors[i];
    } else {
      *at = value_mark;
      cursors[i] += 1 + put(at + 1, i);
    }
  }
}

template <class Value>
void put_ordered(const Column& column, const std::vector<Value>& values, const SortColumn& order,
                 std::byte* bytes, std::vector<std::uint32_t>& cursors) {
  const auto flip = order.descending ? ~std::uint64_t{0} : 0;
  put_column(column, order, bytes, cursors, [&](std::byte* at, std::size_t i) {
    put_big_endian(at, ordered(values[i]) ^ flip);
    return 8U;
  });
}

std::uint32_t escaped_bytes(std::string_view text) {
  std::size_t size = text.size() + 2;
  for (auto at = text.find('\0'); at != text.npos; at = text.find('\0', at + 1)) ++size;
  return static_cast<std::uint32_t>(size);
}

/// Text with zeros escaped and its end; returns the bytes written.
std::uint32_t put_escaped(std::byte* at, std::string_view text) {
  auto* const begin = at;
  while (true) {
    const auto length = std::min(text.find('\0'), text.size());
    at = std::copy_n(reinterpret_cast<const std::byte*>(text.data()), length, at);
    *at++ = std::byte{0};
    if (length == text.size()) break;
    *at++ = escape;
    text.remove_prefix(length + 1);
  }
  *at++ = std::byte{0};
  return static_cast<std::uint32_t>(at - begin);
}

void put_keys(const Column& column, const SortColumn& order, std::byte* bytes,
              std::vector<std::uint32_t>& cursors) {
  const auto flip = order.descending ? std::byte{0xFF} : std::byte{0};
  switch (column.type) {
    case Type::int64:
      return put_ordered(column, column.integers, order, bytes, cursors);
    case Type::float64:
      return put_ordered(column, column.numbers, order, bytes, cursors);
    case Type::boolean:
      return put_column(column, order, bytes, cursors, [&](std::byte* at, std::size_t i) {
        *at = static_cast<std::byte>(column.integers[i] != 0) ^ flip;
        return 1U;
      });
    case Type::text:
      return put_column(column, order, bytes, cursors, [&](std::byte* at, std::size_t i) {
        const auto size = put_escaped(at, column.text(i));
        if (order.descending) {
          for (std::uint32_t k = 0; k < size; ++k) at[k] = ~at[k];
        }
        return size;
      });
  }
}

void add_key_sizes(const Column& column, std::vector<std::uint32_t>& sizes) {
  if (column.type != Type::text) return add_fixed(column, column.type == Type::boolean ? 2 : 9, 1, sizes);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    sizes[i] += 1 + (column.is_null(i) ? 0 : escaped_bytes(column.text(i)));
  }
}

/// Takes an escaped text, of which `flip` inverted all bits, off the front of `key`.
std::string take_escaped(std::span<const std::byte>& key, std::byte flip) {
  std::string text;
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto byte = key[i] ^ flip;
    if (byte != std::byte{0}) {
      text.push_back(static_cast<char>(byte));
      continue;
    }
    if (++i == key.size()) break;
    if ((key[i] ^ flip) == std::byte{0}) {
      key = key.subspan(i + 1);
      return text;
    }
    if ((key[i] ^ flip) != escape) throw FormatError("a text in a key has a zero that is not escaped");
    text.push_back('\0');
  }
  throw FormatError("a text in a key has no end");
}

std::span<const std::byte> take(std::span<const std::byte>& key, std::size_t size) {
  if (key.size() < size) throw FormatError("a key ends in the middle of a value");
  const auto head = key.first(size);
  key = key.subspan(size);
  return head;
}

void decode_value(std::span<const std::byte>& key, bool descending, Column& into) {
  const auto flip = descending ? std::byte{0xFF} : std::byte{0};
  const auto flip_all = descending ? ~std::uint64_t{0} : 0;
  switch (into.type) {
    case Type::int64:
      return into.push_integer(integer_of(get_big_endian(take(key, 8)) ^ flip_all));
    case Type::float64:
      return into.push_number(number_of(get_big_endian(take(key, 8)) ^ flip_all));
    case Type::boolean: {
      const auto value = std::to_integer<int>(take(key, 1)[0] ^ flip);
      if (value > 1) throw FormatError(fmt::format("a boolean in a key is {}", value));
      return into.push_integer(value);
    }
    case Type::text:
      return into.push_text(take_escaped(key, flip));
  }
}

// ------------------------------------------------------------------ packed rows

void add_row_sizes(const Column& column, std::vector<std::uint32_t>& sizes) {
  if (column.type != Type::text) return add_fixed(column, column.type == Type::boolean ? 1 : 8, 0, sizes);
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (column.is_null(i)) continue;
    const auto length = static_cast<std::uint32_t>(column.text(i).size());
    sizes[i] += varint_bytes(length) + length;
  }
}

/// Calls `put(at, row)` for values, which returns where they end.
template <class Put>
void put_values(const Column& column, std::byte* bytes, std::vector<std::uint32_t>& cursors, Put put) {
  for (std::size_t i = 0; i < cursors.size(); ++i) {
    if (column.is_null(i)) continue;
    auto* const at = bytes + cursors[i];
    cursors[i] += static_cast<std::uint32_t>(put(at, i) - at);
  }
}

void put_row_values(const Column& column, std::byte* bytes, std::vector<std::uint32_t>& cursors) {
  const auto put_eight = [&](const auto& values) {
    put_values(column, bytes, cursors, [&](std::byte* at, std::size_t i) {
      std::memcpy(at, &values[i], 8);
      return at + 8;
    });
  };
  switch (column.type) {
    case Type::int64:
      return put_eight(column.integers);
    case Type::float64:
      return put_eight(column.numbers);
    case Type::boolean:
      return put_values(column, bytes, cursors, [&](std::byte* at, std::size_t i) {
        *at = static_cast<std::byte>(column.integers[i] != 0);
        return at + 1;
      });
    case Type::text:
      return put_values(column, bytes, cursors, [&](std::byte* at, std::size_t i) {
        const auto text = column.text(i);
        at = put_varint(at, text.size());
        if (!text.empty()) std::memcpy(at, text.data(), text.size());
        return at + text.size();
      });
  }
}

/// The bitmaps at the begin of all rows; moves `cursors` behind them.
void put_null_bitmaps(const Batch& batch, const std::vector<std::size_t>& columns, std::size_t bitmap_bytes,
                      std::byte* bytes, std::vector<std::uint32_t>& cursors) {
  if (bytes == nullptr) return;  // rows of nothing
  for (const auto cursor : cursors) std::memset(bytes + cursor, 0, bitmap_bytes);
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const auto& nulls = batch.columns[columns[k]].nulls;
    if (nulls.empty()) continue;
    for (std::size_t i = 0; i < cursors.size(); ++i) {
      bytes[cursors[i] + k / 8] |= static_cast<std::byte>((nulls[i] != 0 ? 1U : 0U) << (k % 8));
    }
  }
  for (auto& cursor : cursors) cursor += static_cast<std::uint32_t>(bitmap_bytes);
}

}  // namespace

std::span<const std::uint64_t> integer_keys(const Column& column) noexcept {
  if (column.type != Type::int64 || !column.nulls.empty()) return {};
  return {reinterpret_cast<const std::uint64_t*>(column.integers.data()), column.integers.size()};
}

KeyEncoder::KeyEncoder(std::vector<SortColumn> columns) : columns_(std::move(columns)) {}

void KeyEncoder::encode(const Batch& batch, std::vector<std::byte>& bytes,
                        std::vector<std::uint32_t>& ends) const {
  ends.assign(batch.rows, 0);
  for (const auto& order : columns_) add_key_sizes(checked_column(batch, order.column), ends);
  lay_out(bytes, ends);
  for (const auto& order : columns_) put_keys(batch.columns[order.column], order, bytes.data(), ends);
}

void KeyEncoder::decode(std::span<const std::byte> key, std::vector<Column>& into) const {
  base::expect(into.size() >= columns_.size(), "a key is decoded into a column for each of its own");
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    const auto mark = take(key, 1)[0];
    if (mark == value_mark) {
      decode_value(key, columns_[k].descending, into[k]);
    } else if (mark == (columns_[k].nulls_first ? null_before : null_after)) {
      into[k].push_null();
    } else {
      throw FormatError(fmt::format("a key has a value of unknown kind {}", std::to_integer<int>(mark)));
    }
  }
  if (!key.empty()) throw FormatError(fmt::format("a key has {} bytes too many", key.size()));
}

RowCodec::RowCodec(const Schema& schema, std::vector<std::size_t> columns) : columns_(std::move(columns)) {
  for (const auto column : columns_) types_.push_back(schema.at(column).type);
}

void RowCodec::encode(const Batch& batch, std::vector<std::byte>& bytes,
                      std::vector<std::uint32_t>& ends) const {
  const auto bitmap_bytes = (columns_.size() + 7) / 8;
  ends.assign(batch.rows, static_cast<std::uint32_t>(bitmap_bytes));
  for (std::size_t k = 0; k < columns_.size(); ++k) {
    const auto& column = checked_column(batch, columns_[k]);
    base::expect(column.type == types_[k], "rows are packed from columns of their schema's types");
    add_row_sizes(column, ends);
  }
  lay_out(bytes, ends);
  put_null_bitmaps(batch, columns_, bitmap_bytes, bytes.data(), ends);
  for (const auto column : columns_) put_row_values(batch.columns[column], bytes.data(), ends);
}

void RowCodec::decode(std::span<const std::byte> row, std::vector<Column>& into, std::size_t first) const {
  base::expect(into.size() >= first + types_.size(), "a row is decoded into a column for each of its own");
  base::ByteReader reader(row);
  const auto nulls = reader.take((types_.size() + 7) / 8);
  for (std::size_t k = 0; k < types_.size(); ++k) {
    auto& column = into[first + k];
    if ((nulls[k / 8] >> (k % 8) & std::byte{1}) != std::byte{0}) {
      column.push_null();
      continue;
    }
    switch (types_[k]) {
      case Type::int64:
        column.push_integer(reader.get<std::int64_t>());
        break;
      case Type::float64:
        column.push_number(reader.get<double>());
        break;
      case Type::boolean:
        column.push_integer(reader.get<std::uint8_t>() != 0);
        break;
      case Type::text:
        column.push_text(reader.get_text());
        break;
    }
  }
  if (reader.remaining() != 0) {
    throw FormatError(fmt::format("a packed row has {} bytes too many", reader.remaining()));
  }
}

}  // namespace surd::table
