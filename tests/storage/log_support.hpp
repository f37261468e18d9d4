// Payloads and readers that the tests of logs share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "surd/base/random.hpp"
#include "surd/storage/log.hpp"

namespace surd::test {

inline std::span<const std::byte> as_bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

inline std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Bytes that zstd shrinks (few different words) or does not (random), the same for the same number.
inline std::string payload(std::size_t size, bool compressible, std::uint64_t number = 0) {
  base::RandomStream random(size, number);
  std::string text;
  text.reserve(size + 8);
  while (text.size() < size) {
    const auto word = compressible ? random.below(16) * 0x0101010101 : random();
    text.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  text.resize(size);
  return text;
}

struct StoredRecord {
  std::uint8_t kind;
  std::uint64_t offset;
  std::string payload;
  bool operator==(const StoredRecord&) const = default;
};

inline std::vector<StoredRecord> read_all(storage::LogReader& reader) {
  std::vector<StoredRecord> records;
  while (const auto record = reader.next()) {
    records.push_back({record->kind, record->offset, as_text(record->payload)});
  }
  return records;
}

}  // namespace surd::test
