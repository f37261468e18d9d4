// A map from byte strings to byte strings of which only the recently used part is in memory: linear hashing
// on pages of a scratch file, so that memory stays the same however many keys there are (there is no index of
// them), and a key is found in one page, or a few. The table grows by splitting one bucket at a time.
//
// Litwin: Linear hashing: a new tool for file and table addressing, VLDB 1980; Larson: Dynamic hash tables,
// CACM 31(4), 1988, doi:10.1145/42404.42410.
//
//   Map map(budget, 64 << 20, files, scratch);
//   map.set(key, value);   if (auto value = map.get(key)) use(*value);
//
// Rank-local, not thread-safe: reading moves pages, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "surd/base/bytes.hpp"
#include "surd/memory/budget.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::external {

class Map {
 public:
  using Bytes = std::span<const std::byte>;

  /// Takes `memory_bytes` (at least 64 KiB) from `budget`.
  Map(memory::Budget& budget, std::uint64_t memory_bytes, storage::FileSystem& files, storage::Path scratch);
  Map(Map&&) noexcept;
  Map& operator=(Map&&) noexcept;
  ~Map();

  /// Values of more than a quarter of a page (1 KiB) are appended to a second scratch file.
  /// @throws UsageError  if the key has more than 512 bytes, or the value more than an eighth of the memory.
  void set(Bytes key, Bytes value);
  /// Valid until the next call.
  [[nodiscard]] std::optional<Bytes> get(Bytes key);
  [[nodiscard]] bool contains(Bytes key);
  /// Whether there was such a key.
  bool erase(Bytes key);

  [[nodiscard]] std::uint64_t size() const noexcept;
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

  /// Visits all entries, in an order that depends on the keys and the changes so far alone. `visit` may not
  /// use this map.
  void each(const std::function<void(Bytes key, Bytes value)>& visit);

  /// Writes a fresh table without the room of erased entries and replaced values. Needs scratch for both.
  void compact();

  /// Bytes of scratch in use: pages, and values beside them.
  [[nodiscard]] std::uint64_t scratch_bytes() const noexcept;
  /// Pages read from scratch so far.
  [[nodiscard]] std::uint64_t pages_read() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A Map with keys and values of fixed types.
template <base::Plain K, base::Plain V>
class TypedMap {
 public:
  /// As Map.
  TypedMap(memory::Budget& budget, std::uint64_t memory_bytes, storage::FileSystem& files,
           storage::Path scratch)
      : map_(budget, memory_bytes, files, std::move(scratch)) {}

  void set(const K& key, const V& value) { map_.set(bytes_of(key), bytes_of(value)); }
  [[nodiscard]] std::optional<V> get(const K& key) {
    const auto value = map_.get(bytes_of(key));
    if (!value) return std::nullopt;
    return from<V>(*value);
  }
  [[nodiscard]] bool contains(const K& key) { return map_.contains(bytes_of(key)); }
  bool erase(const K& key) { return map_.erase(bytes_of(key)); }
  [[nodiscard]] std::uint64_t size() const noexcept { return map_.size(); }
  /// Calls visit(key, value) for all.
  template <class Visit>
  void each(Visit visit) {
    map_.each([&](Map::Bytes key, Map::Bytes value) { visit(from<K>(key), from<V>(value)); });
  }
  void compact() { map_.compact(); }
  [[nodiscard]] Map& bytes() noexcept { return map_; }

 private:
  template <class T>
  static Map::Bytes bytes_of(const T& value) noexcept {
    return std::as_bytes(std::span(&value, 1));
  }
  template <class T>
  static T from(Map::Bytes bytes) noexcept {
    T value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }

  Map map_;
};

}  // namespace surd::external
