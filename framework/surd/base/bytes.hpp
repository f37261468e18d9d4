// Little-endian encoding of records and messages.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

#include "surd/base/error.hpp"

namespace surd::base {

static_assert(std::endian::native == std::endian::little,
              "surd's formats are little-endian and written by memcpy");

/// A number whose bytes go to disk as they are.
template <class T>
concept Plain = std::is_trivially_copyable_v<T>;

/// A value whose bytes stand at `from`, aligned or not.
template <Plain T>
[[nodiscard]] T load(const std::byte* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <Plain T>
void store(std::byte* into, const T& value) noexcept {
  std::memcpy(into, &value, sizeof value);
}

/// Appends to a byte vector that it owns; clear() keeps the capacity.
class ByteWriter {
 public:
  template <Plain T>
  void put(const T& value) {
    append(&value, sizeof value);
  }

  template <Plain T>
  void put_all(std::span<const T> values) {
    append(values.data(), values.size_bytes());
  }

  /// LEB128: 7 bits per byte, least significant first; 1 byte below 128, at most 10.
  void put_varint(std::uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<std::byte>(value | 0x80));
      value >>= 7;
    }
    bytes_.push_back(static_cast<std::byte>(value));
  }

  /// Length as a varint, then the bytes.
  void put_text(std::string_view text) {
    put_varint(text.size());
    append(text.data(), text.size());
  }

  void append(const void* data, std::size_t size) {
    if (size == 0) return;
    const auto at = bytes_.size();
    bytes_.resize(at + size);
    std::memcpy(bytes_.data() + at, data, size);
  }

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  void clear() noexcept { bytes_.clear(); }

 private:
  std::vector<std::byte> bytes_;
};

/// Reads what ByteWriter wrote. Every read checks the end: hostile bytes give FormatError, never a wild read.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  template <Plain T>
  [[nodiscard]] T get() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }

  [[nodiscard]] std::uint64_t get_varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(take(1)[0]);
      value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    throw FormatError("a varint is longer than 64 bits");
  }

  /// Valid as long as the bytes given to the constructor.
  [[nodiscard]] std::string_view get_text() {
    const auto bytes = take(get_varint());
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// The next `size` bytes, valid as long as the bytes given to the constructor.
  [[nodiscard]] std::span<const std::byte> take(std::uint64_t size) {
    if (size > bytes_.size()) throw FormatError("a record ends in the middle of a value");
    const auto head = bytes_.first(static_cast<std::size_t>(size));
    bytes_ = bytes_.subspan(static_cast<std::size_t>(size));
    return head;
  }

  [[nodiscard]] std::size_t remaining() const noexcept { return bytes_.size(); }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace surd::base
