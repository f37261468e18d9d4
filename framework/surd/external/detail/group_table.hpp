// The table in which a partition's groups are formed: linear probing at a slot given by the hash's leading
// bits beyond those that all of the partition share. So slots are in order of hashes but for short
// displacements: growing and giving out in order are one pass each, in place (the idea of ordered hash
// tables, Amble & Knuth, Comput. J. 17(2), 1974).
#pragma once

#include <array>

#include "surd/external/detail/group_layout.hpp"

namespace surd::external::detail {

class GroupTable {
 public:
  static constexpr std::size_t batch = 512;

  /// Lives in `region`, which is 8-byte aligned and at least least_bytes().
  GroupTable(const Layout& layout, std::span<std::byte> region, std::uint64_t records);
  [[nodiscard]] static std::uint64_t least_bytes(const Layout& layout) noexcept;

  /// Finds or makes the groups of records [n], n <= batch. Returns of how many, from the first, the states
  /// were found: fewer than n where there is no room. They stay in place until the next call of a method.
  [[nodiscard]] std::size_t insert(const Record* records, std::size_t n, std::byte** states);
  /// Makes room for more groups; false if the region does not hold them.
  [[nodiscard]] bool grow();

  /// Puts the groups in order. After it entry() may be called, and insert() no more.
  void sort();
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t hash(std::size_t i) const noexcept { return load<std::uint64_t>(slot(i)); }
  [[nodiscard]] std::span<const std::byte> key(std::size_t i) const noexcept { return key_at(slot(i)); }
  [[nodiscard]] const std::byte* state(std::size_t i) const noexcept { return slot(i) + state_offset_; }

  [[nodiscard]] Heap& heap() noexcept { return heap_; }
  /// Leading bits that all hashes so far have in common.
  [[nodiscard]] unsigned prefix() const noexcept { return prefix_; }

 private:
  [[nodiscard]] std::byte* slot(std::size_t i) const noexcept { return begin_ + i * entry_bytes_; }
  [[nodiscard]] std::span<const std::byte> key_at(const std::byte* entry) const noexcept {
    if (!layout_.byte_keys) return {};
    const auto distance = load<std::uint64_t>(entry + 8);
    const auto bytes = load<std::uint32_t>(heap_.end - distance);
    return heap_.get(distance - 4, bytes);
  }
  [[nodiscard]] std::size_t slots() const noexcept { return 1 + capacity_ + slack; }
  [[nodiscard]] std::size_t home(std::uint64_t hash) const noexcept {
    return 1 + static_cast<std::size_t>((hash << prefix_) >> shift_);
  }
  [[nodiscard]] bool is_free(std::size_t i) const noexcept { return i == 0 ? !zero_ : hash(i) == 0; }
  void set_capacity(std::size_t capacity) noexcept;
  [[nodiscard]] bool same_prefix(const Record* records, std::size_t n);
  [[nodiscard]] std::byte* find(const Record& record, std::size_t at);
  [[nodiscard]] bool make(const Record& record, std::byte* entry);
  [[nodiscard]] bool less(const std::byte* a, const std::byte* b) const noexcept;
  void compact();
  [[nodiscard]] bool rebuild(std::size_t capacity);

  static constexpr std::size_t slack = 64;  ///< Slots after the last home.

  const Layout& layout_;
  std::byte* begin_;
  Heap heap_;
  std::size_t state_offset_;
  std::size_t entry_bytes_;
  std::size_t capacity_ = 0;
  unsigned shift_ = 0;
  unsigned prefix_ = 0;
  std::uint64_t first_hash_ = 0;
  std::size_t count_ = 0;
  bool zero_ = false;       ///< Slot 0, of hash 0, is in use: in all others 0 marks a free one.
  bool heap_full_ = false;  ///< Why insert() stopped.
  std::vector<std::byte> moved_;
};

}  // namespace surd::external::detail
