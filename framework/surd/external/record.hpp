// How records lie in memory and on disk, and what orders them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/error.hpp"

namespace surd::external {

/// Type of a part of a key inside a fixed-size record; numbers are little-endian. Floats are totally ordered,
/// -inf < ... < -0 < 0 < ... < inf < NaN, NaNs by their bits (negative ones last), so that floats that are
/// equal are the same; bytes as unsigned, from the first.
enum class FieldType : std::uint8_t { bytes, u8, u16, u32, u64, i8, i16, i32, i64, f32, f64 };

[[nodiscard]] std::size_t field_bytes(FieldType type) noexcept;  ///< 0 for bytes.

struct KeyField {
  FieldType type = FieldType::bytes;
  std::uint32_t offset = 0;  ///< In the record.
  std::uint32_t bytes = 0;   ///< Length; for numbers field_bytes(type).
  bool descending = false;
};

/// Records of 4 B to 1 MiB.
///
/// Fixed size: `record_bytes` each, ordered by `key` (first field first; empty: all bytes).
/// Variable size (record_bytes = 0): u32 size of the key, u32 size of the rest, key, rest; ordered by the key
/// as unsigned bytes, a prefix before what it begins. table/rows.hpp makes such keys from columns.
struct RecordFormat {
  std::uint32_t record_bytes = 0;
  std::vector<KeyField> key;

  [[nodiscard]] bool fixed() const noexcept { return record_bytes > 0; }
  /// @throws UsageError  if a key field lies outside of the record, or sizes are out of range.
  void check() const;
};

inline constexpr std::size_t record_limit_bytes = std::size_t{1} << 20;
inline constexpr std::size_t variable_header_bytes = 8;

/// Size of the record that starts at `record`, header included.
[[nodiscard]] std::size_t record_size(const RecordFormat& format, const std::byte* record) noexcept;

/// The first 8 bytes of the key, made so that unsigned order of prefixes agrees with the order of records
/// wherever prefixes differ.
[[nodiscard]] std::uint64_t key_prefix(const RecordFormat& format, const std::byte* record) noexcept;

/// Order of two records by their keys.
[[nodiscard]] std::strong_ordering compare(const RecordFormat& format, const std::byte* a,
                                           const std::byte* b) noexcept;

/// Sum of the XXH3-64 of each of `records` (whole records, back to back): independent of their order.
[[nodiscard]] std::uint64_t checksum(const RecordFormat& format, std::span<const std::byte> records) noexcept;

/// A record is too large for the memory that it passes through.
class LargeRecord : public base::UsageError {
 public:
  /// `purpose`: "a join". `needed`: bytes of memory that would do, where `had` were.
  LargeRecord(std::uint64_t record_bytes, std::string_view purpose, std::uint64_t needed, std::uint64_t had);

  [[nodiscard]] std::uint64_t needed() const noexcept { return needed_; }
  [[nodiscard]] std::uint64_t had() const noexcept { return had_; }
  /// "a row of 3.00 MiB is too large for a join", for who divided the memory and knows better what to give.
  [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

 private:
  std::string complaint_;
  std::uint64_t needed_;
  std::uint64_t had_;
};

/// Byte strings back to back: row i is bytes[ends[i - 1], ends[i]), with ends[-1] = 0.
struct ByteRows {
  std::span<const std::byte> bytes;
  std::span<const std::uint32_t> ends;

  [[nodiscard]] std::size_t size() const noexcept { return ends.size(); }
  [[nodiscard]] std::span<const std::byte> operator[](std::size_t i) const noexcept {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1];
    return bytes.subspan(begin, ends[i] - begin);
  }
};

}  // namespace surd::external
