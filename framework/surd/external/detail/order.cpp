#include "surd/external/detail/order.hpp"

#include <algorithm>

namespace surd::external::detail {
namespace {

constexpr std::uint64_t low_bits(std::size_t bytes) noexcept { return ~std::uint64_t{0} >> (64 - 8 * bytes); }

bool is_float(FieldType type) noexcept { return type == FieldType::f32 || type == FieldType::f64; }
bool is_signed(FieldType type) noexcept { return type >= FieldType::i8 && type <= FieldType::i64; }

/// Negative NaNs would come before -infinity if bits decided; taking this off wraps them past all others.
constexpr std::uint64_t negative_nans(FieldType type) noexcept {
  return type == FieldType::f64 ? 0x000F'FFFF'FFFF'FFFF : 0x007F'FFFF;
}

std::uint64_t number_bits(const std::byte* from, std::size_t bytes) noexcept {
  switch (bytes) {
    case 1:
      return load<std::uint8_t>(from);
    case 2:
      return load<std::uint16_t>(from);
    case 4:
      return load<std::uint32_t>(from);
    default:
      return load<std::uint64_t>(from);
  }
}

/// Bytes [begin, begin + count) of a normalised field, count in [1, 8], as a number.
std::uint64_t field_part(const KeyField& field, const std::byte* record, std::size_t begin,
                         std::size_t count) noexcept {
  std::uint64_t part = 0;
  if (field.type == FieldType::bytes) {
    std::memcpy(&part, record + field.offset + begin, count);
    part = __builtin_bswap64(part) >> (64 - 8 * count);
  } else {
    const auto key = normalise(field.type, number_bits(record + field.offset, field.bytes));
    part = (key >> (8 * (field.bytes - begin - count))) & low_bits(count);
  }
  return field.descending ? part ^ low_bits(count) : part;
}

}  // namespace

std::uint64_t normalise(FieldType type, std::uint64_t bits) noexcept {
  const auto width = field_bytes(type);
  const auto mask = low_bits(width);
  const auto sign = std::uint64_t{1} << (8 * width - 1);
  if (is_float(type)) {
    const auto ordered = (bits & sign) != 0 ? ~bits & mask : bits | sign;
    return (ordered - negative_nans(type)) & mask;
  }
  return is_signed(type) ? bits ^ sign : bits;
}

std::uint64_t restore(FieldType type, std::uint64_t key) noexcept {
  const auto width = field_bytes(type);
  const auto mask = low_bits(width);
  const auto sign = std::uint64_t{1} << (8 * width - 1);
  if (is_float(type)) {
    const auto ordered = (key + negative_nans(type)) & mask;
    return (ordered & sign) != 0 ? ordered ^ sign : ~ordered & mask;
  }
  return is_signed(type) ? key ^ sign : key;
}

std::uint64_t walk_fields(std::span<const KeyField> key, const std::byte* record,
                          std::size_t depth) noexcept {
  std::uint64_t word = 0;
  std::size_t filled = 0;
  std::size_t field_begin = 0;
  for (const auto& field : key) {
    const auto field_end = field_begin + field.bytes;
    const auto at = depth + filled;
    if (at < field_end) {
      const auto count = std::min(8 - filled, field_end - at);
      word |= field_part(field, record, at - field_begin, count) << (64 - 8 * (filled + count));
      filled += count;
      if (filled == 8) break;
    }
    field_begin = field_end;
  }
  return word;
}

Order::Order(const RecordFormat& format) : format_(format) {
  format.check();
  if (!format_.fixed()) {
    lead_offset_ = variable_header_bytes;
    return;
  }
  if (format_.key.empty()) format_.key.push_back({FieldType::bytes, 0, format_.record_bytes, false});
  for (const auto& field : format_.key) key_bytes_ += field.bytes;
  const auto& first = format_.key[0];
  const bool alone = format_.key.size() == 1;
  if (alone && first.bytes == format_.record_bytes && (first.bytes == 4 || first.bytes == 8)) {
    scalar_bytes_ = first.bytes;
    plain_scalar_ = !first.descending && (first.type == FieldType::u32 || first.type == FieldType::u64);
  }
  if (first.type == FieldType::bytes) {
    lead_ = alone && !first.descending ? Lead::bytes : Lead::fields;
  } else {
    lead_ = first.bytes == 8 ? Lead::number : Lead::fields;
  }
  lead_offset_ = first.offset;
  lead_bytes_ = first.bytes;
}

std::uint64_t Order::first_number(const std::byte* record) const noexcept {
  const auto& field = format_.key[0];
  const auto key = normalise(field.type, load<std::uint64_t>(record + lead_offset_));
  return field.descending ? ~key : key;
}

std::uint64_t Order::tail_word(const std::byte* record, std::size_t begin, std::size_t end) const noexcept {
  if (begin >= end) return 0;
  const auto count = end - begin;
  if (begin + 8 <= size(record)) return big_endian(record + begin) & ~low_bits(8 - count);
  std::uint64_t word = 0;
  std::memcpy(&word, record + begin, count);
  return __builtin_bswap64(word);
}

std::strong_ordering Order::compare(const std::byte* a, const std::byte* b,
                                    std::size_t depth) const noexcept {
  if (lead_ == Lead::bytes) {
    const auto a_size = key_size(a);
    const auto b_size = key_size(b);
    const auto both = std::min(a_size, b_size);
    if (depth < both) {
      const auto order = std::memcmp(a + lead_offset_ + depth, b + lead_offset_ + depth, both - depth);
      if (order != 0) return order <=> 0;
    }
    return a_size <=> b_size;
  }
  for (; depth < key_bytes_; depth += 8) {
    const auto order = word(a, depth) <=> word(b, depth);
    if (order != 0) return order;
  }
  return std::strong_ordering::equal;
}

namespace {

template <class T, class Map>
void map_all(std::span<T> values, Map map) noexcept {
  for (auto& value : values) value = static_cast<T>(map(value));
}

template <class T>
void normalise_all(const KeyField& field, std::span<T> values) noexcept {
  const std::uint64_t flip = field.descending ? low_bits(sizeof(T)) : 0;
  if (field.type == FieldType::bytes) {
    map_all(values,
            [=](std::uint64_t bits) { return (__builtin_bswap64(bits) >> (64 - 8 * sizeof(T))) ^ flip; });
  } else {
    map_all(values, [=, type = field.type](std::uint64_t bits) { return normalise(type, bits) ^ flip; });
  }
}

template <class T>
void restore_all(const KeyField& field, std::span<T> keys) noexcept {
  const std::uint64_t flip = field.descending ? low_bits(sizeof(T)) : 0;
  if (field.type == FieldType::bytes) {
    map_all(keys, [=](std::uint64_t key) { return __builtin_bswap64(key ^ flip) >> (64 - 8 * sizeof(T)); });
  } else {
    map_all(keys, [=, type = field.type](std::uint64_t key) { return restore(type, key ^ flip); });
  }
}

}  // namespace

void Order::to_keys(std::span<std::uint32_t> scalars) const noexcept {
  if (!plain_scalar_) normalise_all(format_.key[0], scalars);
}
void Order::to_keys(std::span<std::uint64_t> scalars) const noexcept {
  if (!plain_scalar_) normalise_all(format_.key[0], scalars);
}
void Order::from_keys(std::span<std::uint32_t> keys) const noexcept {
  if (!plain_scalar_) restore_all(format_.key[0], keys);
}
void Order::from_keys(std::span<std::uint64_t> keys) const noexcept {
  if (!plain_scalar_) restore_all(format_.key[0], keys);
}

}  // namespace surd::external::detail
