// The two forms that records of a join have. What the algorithms need to know of a record is here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "surd/base/bytes.hpp"
#include "surd/external/detail/hash_mix.hpp"
#include "surd/external/join.hpp"

namespace surd::external::detail {

using base::load;

/// An 8-byte key and what belongs to it. Spilled packed: sizes are of what is unpacked.
struct FixedLayout {
  std::uint32_t record_bytes;

  static constexpr std::size_t least_bytes = 8;  ///< Of a record.
  /// Of every record, which is spilled packed; 0: they differ, and are spilled as they are.
  [[nodiscard]] std::uint32_t packed_bytes() const noexcept { return record_bytes; }

  /// Of the record at `at`; 0 if `available` bytes do not hold it.
  [[nodiscard]] std::size_t size(const std::byte* /*at*/, std::size_t available) const noexcept {
    return available < record_bytes ? 0 : record_bytes;
  }
  [[nodiscard]] static bool has_key(const std::byte* /*record*/) noexcept { return true; }
  [[nodiscard]] static std::uint64_t hash(const std::byte* record) noexcept {
    return mix(load<std::uint64_t>(record));
  }
  [[nodiscard]] static bool same_key(const std::byte* a, const std::byte* b) noexcept {
    return load<std::uint64_t>(a) == load<std::uint64_t>(b);
  }
  [[nodiscard]] std::span<const std::byte> row(const std::byte* record) const noexcept {
    return {record, record_bytes};
  }
};

/// put_join_record().
struct VariableLayout {
  static constexpr std::size_t least_bytes = 16;
  [[nodiscard]] static std::uint32_t packed_bytes() noexcept { return 0; }

  [[nodiscard]] static std::size_t key_bytes(const std::byte* record) noexcept {
    const auto size = load<std::uint32_t>(record + 8);
    return size == null_key ? 0 : size;
  }
  [[nodiscard]] static std::size_t size(const std::byte* at, std::size_t available) noexcept {
    if (available < least_bytes) return 0;
    const auto bytes = least_bytes + key_bytes(at) + load<std::uint32_t>(at + 12);
    return bytes <= available ? bytes : 0;
  }
  [[nodiscard]] static bool has_key(const std::byte* record) noexcept {
    return load<std::uint32_t>(record + 8) != null_key;
  }
  [[nodiscard]] static std::uint64_t hash(const std::byte* record) noexcept {
    return load<std::uint64_t>(record);
  }
  [[nodiscard]] static bool same_key(const std::byte* a, const std::byte* b) noexcept {
    const auto size = load<std::uint32_t>(a + 8);
    return load<std::uint64_t>(a) == load<std::uint64_t>(b) && size == load<std::uint32_t>(b + 8) &&
           std::memcmp(a + least_bytes, b + least_bytes, size) == 0;
  }
  [[nodiscard]] static std::span<const std::byte> row(const std::byte* record) noexcept {
    return {record + least_bytes + key_bytes(record), load<std::uint32_t>(record + 12)};
  }
};

}  // namespace surd::external::detail
