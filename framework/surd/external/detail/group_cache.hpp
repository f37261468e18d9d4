// A small table of groups in front of the partitions: rows of keys that come often are summed up here, all
// others go by. Four-way sets in which a key must be met as often as the rarest of its set before it takes
// its place (Misra & Gries, Sci. Comput. Program. 2, 1982): heavy hitters stay whatever else comes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "surd/external/detail/group_layout.hpp"
#include "surd/external/detail/partition_pages.hpp"

namespace surd::external::detail {

class GroupCache {
 public:
  static constexpr std::size_t ways = 4;
  static constexpr std::size_t key_limit = 56;  ///< Longer keys are never held.
  static constexpr std::size_t none = ~std::size_t{0};

  GroupCache(const Layout& layout, std::uint64_t bytes) : layout_(layout) {
    state_offset_ = layout.byte_keys ? key_limit : 0;
    entry_bytes_ = state_offset_ + layout.state_bytes;
    const auto sets = bytes / (ways * (entry_bytes_ + sizeof(std::uint64_t) + sizeof(Meta)));
    if (sets < 2) return;
    sets_ = std::bit_floor(sets);
    hashes_.resize(sets_ * ways + 1);
    meta_.resize(sets_ * ways + 1);
    for (std::size_t slot = 0; slot < capacity(); ++slot) hashes_[slot] = foreign_hash(slot);
    entries_ = make_arena((sets_ * ways + 1) * entry_bytes_ + 8);
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return sets_ * ways; }
  [[nodiscard]] std::byte* state(std::size_t slot) const noexcept {
    return entries_.get() + slot * entry_bytes_ + state_offset_;
  }
  void prefetch(std::uint64_t hash) const noexcept {
    __builtin_prefetch(&hashes_[first_of(hash)]);
    __builtin_prefetch(&meta_[first_of(hash)], 1);
  }

  /// The slot of an 8-byte key, capacity() if it is not held: hit() may be called for that one as well. No
  /// branch depends on the key: whether it is held, and in which way, is anybody's guess.
  [[nodiscard]] std::size_t find_number(std::uint64_t hash) const noexcept {
    const auto first = first_of(hash);
    const auto* const set = &hashes_[first];
    const auto held = [&](unsigned way) { return static_cast<unsigned>(set[way] == hash) << way; };
    const auto way =
        static_cast<std::size_t>(std::countr_zero(held(0) | held(1) | held(2) | held(3) | 1U << ways));
    const auto missing = std::size_t{0} - (way / ways);
    return ((first + way) & ~missing) | (capacity() & missing);
  }

  [[nodiscard]] std::size_t find(std::uint64_t hash, std::span<const std::byte> key) const noexcept {
    const auto first = first_of(hash);
    for (auto slot = first; slot < first + ways; ++slot) {
      if (hashes_[slot] == hash && same_key(slot, key)) return slot;
    }
    return none;
  }

  /// A row of `slot`'s key is summed up.
  void hit(std::size_t slot) noexcept {
    auto& meta = meta_[slot];
    const auto weight = meta.weight + (meta.weight < 0xFFFF);
    meta = {static_cast<std::uint16_t>(weight), 1, meta.key_bytes};
  }

  /// A row of a key that is not held went by. `evict(slot)` is called for what makes room for it.
  template <class Evict>
  void miss(std::uint64_t hash, std::span<const std::byte> key, const Evict& evict) {
    if (key.size() > key_limit || holds(hash, key)) return;
    const auto rarest = rarest_of(first_of(hash));
    auto& meta = meta_[rarest];
    if (meta.weight > 1) {
      --meta.weight;
      return;
    }
    const bool untouched = meta.weight > 0 && meta.dirty == 0 && !layout_.texts;  // as init() left it
    if (meta.dirty != 0) evict(rarest);
    hashes_[rarest] = hash;
    meta = {1, 0, static_cast<std::uint8_t>(key.size())};
    if (!key.empty()) std::memcpy(entries_.get() + rarest * entry_bytes_, key.data(), key.size());
    if (!untouched) layout_.init(state(rarest));
  }

  /// Calls `evict` for all that was summed up, and forgets everything.
  template <class Evict>
  void clear(const Evict& evict) {
    for (std::size_t slot = 0; slot < capacity(); ++slot) {
      if (meta_[slot].dirty != 0) evict(slot);
      meta_[slot] = {};
      hashes_[slot] = foreign_hash(slot);
    }
  }

  [[nodiscard]] std::uint64_t hash(std::size_t slot) const noexcept { return hashes_[slot]; }
  [[nodiscard]] std::span<const std::byte> key(std::size_t slot) const noexcept {
    return {entries_.get() + slot * entry_bytes_, meta_[slot].key_bytes};
  }

 private:
  struct Meta {
    std::uint16_t weight = 0;  ///< 0: free.
    std::uint8_t dirty = 0;    ///< The state holds rows.
    std::uint8_t key_bytes = 0;
  };

  [[nodiscard]] std::size_t first_of(std::uint64_t hash) const noexcept {
    return (static_cast<std::size_t>(hash) & (sets_ - 1)) * ways;
  }
  /// A hash that belongs to another set: nothing is found where it stands.
  [[nodiscard]] std::uint64_t foreign_hash(std::size_t slot) const noexcept { return ~(slot / ways); }
  [[nodiscard]] std::size_t rarest_of(std::size_t first) const noexcept {
    std::uint32_t least = ~std::uint32_t{0};  // weight and way in one number: no branches
    for (std::uint32_t way = 0; way < ways; ++way) {
      least = std::min(least, static_cast<std::uint32_t>(meta_[first + way].weight) * 8U + way);
    }
    return first + least % 8;
  }
  [[nodiscard]] bool holds(std::uint64_t hash, std::span<const std::byte> key) const noexcept {
    return layout_.byte_keys ? find(hash, key) != none : find_number(hash) != capacity();
  }
  [[nodiscard]] bool same_key(std::size_t slot, std::span<const std::byte> bytes) const noexcept {
    return bytes.size() == meta_[slot].key_bytes &&
           (bytes.empty() || std::memcmp(key(slot).data(), bytes.data(), bytes.size()) == 0);
  }

  const Layout& layout_;
  std::size_t state_offset_ = 0;
  std::size_t entry_bytes_ = 0;
  std::size_t sets_ = 0;
  std::vector<std::uint64_t> hashes_;
  std::vector<Meta> meta_;
  Arena entries_;
};

}  // namespace surd::external::detail
