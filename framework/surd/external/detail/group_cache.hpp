// A small table of groups in front of the partitions: rows of keys that come often are summed up here, all
// others go by. Four-way sets in which a key must be met as often as the rarest of its set before it takes
// its place (Misra & Gries, Sci. Comput. Program. 2, 1982): heavy hitters stay whatever else comes.
#pragma once

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
    if (sets == 0) return;
    sets_ = std::bit_floor(sets);
    hashes_.resize(sets_ * ways);
    meta_.resize(sets_ * ways);
    entries_ = make_arena(sets_ * ways * entry_bytes_ + 8);
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return sets_ * ways; }
  [[nodiscard]] std::byte* state(std::size_t slot) const noexcept {
    return entries_.get() + slot * entry_bytes_ + state_offset_;
  }
  void prefetch(std::uint64_t hash) const noexcept { __builtin_prefetch(&hashes_[first_of(hash)]); }

  [[nodiscard]] std::size_t find(std::uint64_t hash, std::span<const std::byte> key) const noexcept {
    const auto first = first_of(hash);
    for (auto slot = first; slot < first + ways; ++slot) {
      if (hashes_[slot] == hash && meta_[slot].weight > 0 && same_key(slot, key)) return slot;
    }
    return none;
  }

  /// A row of `slot`'s key is summed up.
  void hit(std::size_t slot) noexcept {
    auto& meta = meta_[slot];
    meta.weight = static_cast<std::uint16_t>(meta.weight + (meta.weight < 0xFFFF));
    meta.dirty = 1;
  }

  /// A row of a key that is not held went by. `evict(slot)` is called for what makes room for it.
  template <class Evict>
  void miss(std::uint64_t hash, std::span<const std::byte> key, const Evict& evict) {
    if (key.size() > key_limit || find(hash, key) != none) return;
    const auto first = first_of(hash);
    auto rarest = first;
    for (auto slot = first + 1; slot < first + ways; ++slot) {
      if (meta_[slot].weight < meta_[rarest].weight) rarest = slot;
    }
    auto& meta = meta_[rarest];
    if (meta.weight > 1) {
      --meta.weight;
      return;
    }
    if (meta.dirty != 0) evict(rarest);
    hashes_[rarest] = hash;
    meta = {1, 0, static_cast<std::uint8_t>(key.size())};
    if (!key.empty()) std::memcpy(entries_.get() + rarest * entry_bytes_, key.data(), key.size());
    layout_.init(state(rarest));
  }

  /// Calls `evict` for all that was summed up, and forgets everything.
  template <class Evict>
  void clear(const Evict& evict) {
    for (std::size_t slot = 0; slot < capacity(); ++slot) {
      if (meta_[slot].dirty != 0) evict(slot);
      meta_[slot] = {};
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
