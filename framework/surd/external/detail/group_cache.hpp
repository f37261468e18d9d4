// A small table of groups in front of the partitions: rows of keys that come often are summed up here, all
// others go by. Five-way sets, each a cache line, in which a key must be met as often as the rarest of its
// set before it takes its place (Misra & Gries, Sci. Comput. Program. 2, 1982): heavy hitters stay whatever
// else comes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include "surd/external/detail/group_layout.hpp"
#include "surd/external/detail/partition_pages.hpp"

namespace surd::external::detail {

class GroupCache {
 public:
  static constexpr std::size_t key_limit = 56;  ///< Longer keys are never held.
  static constexpr std::size_t none = ~std::size_t{0};

  GroupCache(const Layout& layout, std::uint64_t bytes) : layout_(layout) {
    state_offset_ = layout.byte_keys ? key_limit : 0;
    entry_bytes_ = state_offset_ + layout.state_bytes;
    const auto sets = bytes / (sizeof(Set) + ways * entry_bytes_);
    if (sets < 2) return;
    count_ = std::bit_floor(sets);
    memory_ = make_arena((count_ + 1) * sizeof(Set));
    sets_ = reinterpret_cast<Set*>(memory_.get());
    for (std::size_t set = 0; set <= count_; ++set) empty(set);
    entries_ = make_arena((count_ + 1) * ways * entry_bytes_ + 8);
  }

  /// Keys it has room for.
  [[nodiscard]] std::size_t capacity() const noexcept { return count_ * ways; }
  [[nodiscard]] std::byte* state(std::size_t slot) const noexcept { return entry(slot) + state_offset_; }
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&sets_[set_of(hash)], 1); }

  /// A row of an 8-byte key goes by. Returns the state to sum it up in; if the key is not held, one that is
  /// never read. No branch depends on the key: whether it is held, and where, is anybody's guess.
  [[nodiscard]] std::byte* take_number(std::uint64_t hash, bool& held) noexcept {
    auto set = set_of(hash);
    auto way = way_of(sets_[set], hash);
    held = way < ways;
    set = held ? set : count_;
    way = held ? way : 0;
    count_rows(sets_[set].meta[way], 1);
    return entries_.get() + (set * ways + way) * entry_bytes_;
  }

  /// Rows of one such key go by. Returns its state; null if it is not held.
  [[nodiscard]] std::byte* take_rows(std::uint64_t hash, std::size_t rows) noexcept {
    const auto set = set_of(hash);
    const auto way = way_of(sets_[set], hash);
    if (way == ways) return nullptr;
    count_rows(sets_[set].meta[way], static_cast<Meta>(std::min<std::size_t>(rows, weight_mask)));
    return state(slot_of(set, way));
  }

  [[nodiscard]] std::size_t find(std::uint64_t hash, std::span<const std::byte> key) const noexcept {
    const auto set = set_of(hash);
    for (std::size_t way = 0; way < ways; ++way) {
      const auto slot = slot_of(set, way);
      if (sets_[set].hashes[way] == hash && same_key(slot, key)) return slot;
    }
    return none;
  }

  /// A row of `slot`'s key is summed up.
  void hit(std::size_t slot) noexcept { count_rows(meta(slot), 1); }

  /// A row of a key that is not held went by. `evict(slot)` is called for what makes room for it.
  template <class Evict>
  void miss(std::uint64_t hash, std::span<const std::byte> key, const Evict& evict) {
    if (key.size() > key_limit || holds(hash, key)) return;
    const auto set = set_of(hash);
    const auto way = rarest_of(sets_[set]);
    const auto rarest = slot_of(set, way);
    auto& meta = sets_[set].meta[way];
    const auto weight = meta & weight_mask;
    if (weight > 1) {
      --meta;
      return;
    }
    const bool dirty = (meta & dirty_bit) != 0;
    const bool untouched = weight > 0 && !dirty && !layout_.texts;  // as init() left it
    if (dirty) evict(rarest);
    sets_[set].hashes[way] = hash;
    meta = 1U | static_cast<std::uint32_t>(key.size()) << key_shift;
    if (!key.empty()) std::memcpy(entry(rarest), key.data(), key.size());
    if (!untouched) layout_.init(state(rarest));
  }

  /// Calls `evict` for all that was summed up, and forgets everything.
  template <class Evict>
  void clear(const Evict& evict) {
    for (std::size_t set = 0; set < count_; ++set) {
      for (std::size_t way = 0; way < ways; ++way) {
        if ((sets_[set].meta[way] & dirty_bit) != 0) evict(slot_of(set, way));
      }
      empty(set);
    }
  }

  [[nodiscard]] std::uint64_t hash(std::size_t slot) const noexcept {
    return sets_[slot / 8].hashes[slot % 8];
  }
  [[nodiscard]] std::span<const std::byte> key(std::size_t slot) const noexcept {
    return {entry(slot), meta(slot) >> key_shift};
  }

 private:
  static constexpr std::size_t ways = 5;
  /// Of a slot: rows it was met in, 0: free; whether the state holds rows; bytes of the key.
  using Meta = std::uint32_t;
  static constexpr Meta weight_mask = 0xFFFF;
  static constexpr Meta dirty_bit = 0x1'0000;
  static constexpr unsigned key_shift = 24;

  struct alignas(64) Set {
    std::array<std::uint64_t, ways> hashes;
    std::array<Meta, ways> meta;
  };
  static_assert(sizeof(Set) == 64);

  /// A slot's number: set and way.
  [[nodiscard]] static std::size_t slot_of(std::size_t set, std::size_t way) noexcept {
    return 8 * set + way;
  }
  [[nodiscard]] Meta& meta(std::size_t slot) const noexcept { return sets_[slot / 8].meta[slot % 8]; }
  [[nodiscard]] std::byte* entry(std::size_t slot) const noexcept {
    return entries_.get() + (slot / 8 * ways + slot % 8) * entry_bytes_;
  }

  [[nodiscard]] std::size_t set_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(hash) & (count_ - 1);
  }
  /// `ways` if the set has no such hash.
  [[nodiscard]] static std::size_t way_of(const Set& set, std::uint64_t hash) noexcept {
    const auto held = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return (... | (static_cast<unsigned>(set.hashes[I] == hash) << I));
    }
    (std::make_index_sequence<ways>());
    return static_cast<std::size_t>(std::countr_zero(held | 1U << ways));
  }
  [[nodiscard]] static std::size_t rarest_of(const Set& set) noexcept {
    auto least = ~Meta{0};  // weight and way in one number: no branches
    for (Meta way = 0; way < ways; ++way) least = std::min(least, (set.meta[way] & weight_mask) * 8 + way);
    return least % 8;
  }
  static void count_rows(Meta& meta, Meta rows) noexcept {
    const auto weight = meta & weight_mask;
    meta = (meta - weight + std::min(weight + rows, weight_mask)) | dirty_bit;
  }
  /// With hashes that belong to another set: nothing is found where they stand.
  void empty(std::size_t set) noexcept {
    sets_[set].hashes.fill(~set);
    sets_[set].meta.fill(0);
  }
  [[nodiscard]] bool holds(std::uint64_t hash, std::span<const std::byte> key) const noexcept {
    return layout_.byte_keys ? find(hash, key) != none : way_of(sets_[set_of(hash)], hash) != ways;
  }
  [[nodiscard]] bool same_key(std::size_t slot, std::span<const std::byte> bytes) const noexcept {
    const auto held = key(slot);
    return bytes.size() == held.size() &&
           (bytes.empty() || std::memcmp(held.data(), bytes.data(), bytes.size()) == 0);
  }

  const Layout& layout_;
  std::size_t state_offset_ = 0;
  std::size_t entry_bytes_ = 0;
  std::size_t count_ = 0;  ///< Of sets that hold keys; one more takes what is never read.
  Arena memory_;
  Set* sets_ = nullptr;
  Arena entries_;
};

}  // namespace surd::external::detail
