#include "surd/stream/detail/keyed_rows.hpp"

#include <algorithm>
#include <cstring>

#include "surd/external/partition.hpp"

namespace surd::stream::detail {
namespace {

using table::Column;
using table::Type;

constexpr std::size_t key_bytes = 8;

template <class Stored, class Value>
void store(const std::vector<Value>& values, std::byte* into, std::size_t stride) {
  for (const auto value : values) {
    const auto stored = static_cast<Stored>(value);
    std::memcpy(into, &stored, sizeof stored);
    into += stride;
  }
}

}  // namespace

bool KeyedRows::possible(const table::Schema& schema, const std::vector<std::size_t>& by,
                         const std::vector<std::size_t>& pack) {
  return by.size() == 1 && schema[by[0]].type == Type::int64 &&
         std::ranges::none_of(pack, [&](std::size_t column) { return schema[column].type == Type::text; }) &&
         KeyedRows(schema, by[0], pack).record_bytes() <= external::PartitionWriter::most_packed_bytes;
}

KeyedRows::KeyedRows(const table::Schema& schema, std::size_t key, const std::vector<std::size_t>& pack)
    : key_(key) {
  std::size_t bits = 1;
  for (const auto column : pack) {
    auto& packed = packed_.emplace_back(Packed{.column = column, .type = schema[column].type});
    if (column != key) packed.bit = bits++;
  }
  auto offset = key_bytes;
  const auto place = [&](bool booleans, std::size_t bytes) {
    for (auto& packed : packed_) {
      if (packed.column == key || (packed.type == Type::boolean) != booleans) continue;
      packed.offset = offset;
      offset += bytes;
    }
  };
  place(false, 8);
  place(true, 1);
  bitmap_ = offset;
  record_bytes_ = static_cast<std::uint32_t>(bitmap_ + (bits + 7) / 8);
}

void KeyedRows::encode(const table::Batch& rows, std::vector<std::byte>& records) const {
  records.assign(rows.rows * record_bytes_, std::byte{0});
  auto* const first = records.data();
  const auto& key = rows.columns[key_];
  store<std::int64_t>(key.integers, first, record_bytes_);
  put_nulls(key, 0, first);
  for (const auto& packed : packed_) {
    if (packed.column == key_) continue;
    const auto& column = rows.columns[packed.column];
    auto* const into = first + packed.offset;
    if (packed.type == Type::float64) {
      store<double>(column.numbers, into, record_bytes_);
    } else if (packed.type == Type::boolean) {
      store<std::uint8_t>(column.integers, into, record_bytes_);
    } else {
      store<std::int64_t>(column.integers, into, record_bytes_);
    }
    put_nulls(column, packed.bit, first);
  }
}

void KeyedRows::put_nulls(const Column& column, std::size_t bit, std::byte* records) const {
  const auto mask = static_cast<std::byte>(1U << (bit % 8));
  for (std::size_t row = 0; row < column.nulls.size(); ++row) {
    if (column.nulls[row] != 0) records[row * record_bytes_ + bitmap_ + bit / 8] |= mask;
  }
}

template <class Stored, class Value>
void KeyedRows::read(std::span<const std::span<const std::byte>> records, const Packed& packed,
                     std::vector<Value>& into) const {
  const auto before = into.size();
  into.resize(before + records.size());
  auto* values = into.data() + before;
  for (const auto& record : records) {
    Stored stored{};
    if (record.data() != nullptr) std::memcpy(&stored, record.data() + packed.offset, sizeof stored);
    *values++ = static_cast<Value>(stored);
  }
}

void KeyedRows::decode(std::span<const std::span<const std::byte>> records, std::vector<Column>& into,
                       std::size_t first) const {
  for (const auto& packed : packed_) {
    auto& column = into[first++];
    const auto before = column.size();
    if (packed.type == Type::float64) {
      read<double>(records, packed, column.numbers);
    } else if (packed.type == Type::boolean) {
      read<std::uint8_t>(records, packed, column.integers);
    } else {
      read<std::int64_t>(records, packed, column.integers);
    }
    const auto null = [at = bitmap_ + packed.bit / 8, mask = static_cast<std::byte>(1U << (packed.bit % 8))](
                          const std::span<const std::byte>& record) {
      return record.data() == nullptr || (record[at] & mask) != std::byte{0};
    };
    if (column.nulls.empty() && std::ranges::none_of(records, null)) continue;
    column.nulls.resize(before);
    for (const auto& record : records) column.nulls.push_back(null(record) ? 1 : 0);
  }
}

}  // namespace surd::stream::detail
