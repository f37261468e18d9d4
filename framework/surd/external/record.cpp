#include "surd/external/record.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include <fmt/format.h>

// Inlined, so that hashing a short record costs a few instructions, not a call.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "surd/base/units.hpp"
#include "surd/external/detail/checksum.hpp"
#include "surd/external/detail/order.hpp"

namespace surd::external {
namespace {

using base::UsageError;

constexpr std::size_t least_record_bytes = 4;

std::string too_large(std::uint64_t record_bytes, std::string_view purpose) {
  return fmt::format("a row of {} is too large for {}", base::format_bytes(record_bytes), purpose);
}

}  // namespace

LargeRecord::LargeRecord(std::uint64_t record_bytes, std::string_view purpose, std::uint64_t needed,
                         std::uint64_t had)
    : UsageError(fmt::format("{} in {}: that takes at least {}", too_large(record_bytes, purpose),
                             base::format_bytes(had), base::format_bytes(needed))),
      complaint_(too_large(record_bytes, purpose)),
      needed_(needed),
      had_(had) {}

std::size_t field_bytes(FieldType type) noexcept {
  static constexpr std::array<std::uint8_t, 11> sizes{0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8};
  return sizes[static_cast<std::size_t>(type)];
}

void RecordFormat::check() const {
  if (!fixed()) {
    if (!key.empty()) throw UsageError("records of variable size have no key fields: their key comes first");
    return;
  }
  if (record_bytes < least_record_bytes || record_bytes > record_limit_bytes) {
    throw UsageError(fmt::format("a record has {} bytes; {} to {} are supported", record_bytes,
                                 least_record_bytes, record_limit_bytes));
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    const auto& field = key[i];
    const auto wanted = field.type == FieldType::bytes ? field.bytes : field_bytes(field.type);
    if (field.bytes == 0 || field.bytes != wanted) {
      throw UsageError(fmt::format("key field {} has {} bytes; its type has {}", i + 1, field.bytes,
                                   wanted == 0 ? "1 or more" : std::to_string(wanted)));
    }
    if (std::uint64_t{field.offset} + field.bytes > record_bytes) {
      throw UsageError(fmt::format("key field {} lies at bytes {} to {} of records of {} bytes", i + 1,
                                   field.offset, std::uint64_t{field.offset} + field.bytes, record_bytes));
    }
  }
}

std::size_t record_size(const RecordFormat& format, const std::byte* record) noexcept {
  if (format.fixed()) return format.record_bytes;
  return variable_header_bytes + std::size_t{detail::load<std::uint32_t>(record)} +
         detail::load<std::uint32_t>(record + 4);
}

namespace {

std::uint64_t fixed_word(const RecordFormat& format, const std::byte* record, std::size_t depth) noexcept {
  const KeyField all{FieldType::bytes, 0, format.record_bytes, false};
  const std::span<const KeyField> key = format.key.empty() ? std::span(&all, 1) : std::span(format.key);
  return detail::walk_fields(key, record, depth);
}

std::size_t fixed_key_bytes(const RecordFormat& format) noexcept {
  std::size_t bytes = format.key.empty() ? format.record_bytes : 0;
  for (const auto& field : format.key) bytes += field.bytes;
  return bytes;
}

}  // namespace

std::uint64_t key_prefix(const RecordFormat& format, const std::byte* record) noexcept {
  if (format.fixed()) return fixed_word(format, record, 0);
  std::uint64_t prefix = 0;
  std::memcpy(&prefix, record + variable_header_bytes,
              std::min<std::size_t>(sizeof prefix, detail::load<std::uint32_t>(record)));
  return __builtin_bswap64(prefix);
}

std::strong_ordering compare(const RecordFormat& format, const std::byte* a, const std::byte* b) noexcept {
  if (format.fixed()) {
    const auto key_bytes = fixed_key_bytes(format);
    for (std::size_t depth = 0; depth < key_bytes; depth += 8) {
      const auto order = fixed_word(format, a, depth) <=> fixed_word(format, b, depth);
      if (order != 0) return order;
    }
    return std::strong_ordering::equal;
  }
  const auto a_size = detail::load<std::uint32_t>(a);
  const auto b_size = detail::load<std::uint32_t>(b);
  const auto order =
      std::memcmp(a + variable_header_bytes, b + variable_header_bytes, std::min(a_size, b_size));
  return order != 0 ? order <=> 0 : a_size <=> b_size;
}

std::uint64_t checksum(const RecordFormat& format, std::span<const std::byte> records) noexcept {
  if (format.record_bytes == 8) return detail::sum_of_hashes(records);
  std::uint64_t sum = 0;
  const auto* at = records.data();
  const auto* const end = at + records.size();
  while (at < end) {
    const auto bytes = record_size(format, at);
    sum += XXH3_64bits(at, bytes);
    at += bytes;
  }
  return sum;
}

}  // namespace surd::external
