// A RecordFormat made ready for inner loops: the key of a record as a string of normalised bytes whose
// unsigned order is the order of records, read 8 bytes at a time.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/external/record.hpp"

namespace surd::external::detail {

using base::load;

[[nodiscard]] inline std::uint64_t big_endian(const std::byte* from) noexcept {
  return __builtin_bswap64(load<std::uint64_t>(from));
}

/// Order-preserving map of a little-endian number of `type` (its bits, zero-extended) to an unsigned number
/// of the same width, and back.
[[nodiscard]] std::uint64_t normalise(FieldType type, std::uint64_t bits) noexcept;
[[nodiscard]] std::uint64_t restore(FieldType type, std::uint64_t key) noexcept;

/// Normalised bytes [depth, depth + 8) of a fixed record's key as a big-endian number; zeros after its end.
[[nodiscard]] std::uint64_t walk_fields(std::span<const KeyField> key, const std::byte* record,
                                        std::size_t depth) noexcept;

/// Immutable; shared by everything that sorts one format.
class Order {
 public:
  /// @throws UsageError  as RecordFormat::check().
  explicit Order(const RecordFormat& format);

  [[nodiscard]] const RecordFormat& format() const noexcept { return format_; }
  [[nodiscard]] bool fixed() const noexcept { return format_.record_bytes > 0; }
  /// 4 or 8 if the record is nothing but one key of that size: such records are sorted as numbers. Else 0.
  [[nodiscard]] std::size_t scalar_bytes() const noexcept { return scalar_bytes_; }
  /// Whether scalars sort as they are, without normalise().
  [[nodiscard]] bool plain_scalar() const noexcept { return plain_scalar_; }

  [[nodiscard]] std::size_t size(const std::byte* record) const noexcept {
    if (fixed()) return format_.record_bytes;
    return variable_header_bytes + std::size_t{load<std::uint32_t>(record)} + load<std::uint32_t>(record + 4);
  }
  /// Normalised bytes in the key of `record`.
  [[nodiscard]] std::size_t key_size(const std::byte* record) const noexcept {
    return fixed() ? key_bytes_ : load<std::uint32_t>(record);
  }

  /// Normalised key bytes [depth, depth + 8), big-endian, zeros after the end.
  [[nodiscard]] std::uint64_t word(const std::byte* record, std::size_t depth) const noexcept {
    if (lead_ == Lead::fields) return walk_fields(format_.key, record, depth);
    if (lead_ == Lead::number && depth == 0) return first_number(record);
    if (lead_ == Lead::number) return walk_fields(format_.key, record, depth);
    const std::size_t begin = lead_offset_ + depth;
    const std::size_t end = lead_offset_ + (fixed() ? lead_bytes_ : load<std::uint32_t>(record));
    if (begin + 8 <= end) return big_endian(record + begin);
    return tail_word(record, begin, end);
  }

  /// Order of keys known to agree in their first `depth` normalised bytes.
  [[nodiscard]] std::strong_ordering compare(const std::byte* a, const std::byte* b,
                                             std::size_t depth = 0) const noexcept;

  /// Scalars to unsigned keys in place, and back.
  void to_keys(std::span<std::uint32_t> scalars) const noexcept;
  void to_keys(std::span<std::uint64_t> scalars) const noexcept;
  void from_keys(std::span<std::uint32_t> keys) const noexcept;
  void from_keys(std::span<std::uint64_t> keys) const noexcept;

 private:
  enum class Lead : std::uint8_t { bytes, number, fields };

  [[nodiscard]] std::uint64_t first_number(const std::byte* record) const noexcept;
  [[nodiscard]] std::uint64_t tail_word(const std::byte* record, std::size_t begin,
                                        std::size_t end) const noexcept;

  RecordFormat format_;
  std::size_t key_bytes_ = 0;
  std::size_t scalar_bytes_ = 0;
  bool plain_scalar_ = false;
  Lead lead_ = Lead::bytes;
  std::size_t lead_offset_ = 0;
  std::size_t lead_bytes_ = 0;
};

}  // namespace surd::external::detail
