#include "surd/external/detail/group_table.hpp"

#include <algorithm>
#include <bit>

namespace surd::external::detail {
namespace {

constexpr std::size_t least_capacity = 256;

std::size_t key_bytes(const Layout& layout) { return layout.byte_keys ? 16 : 8; }

}  // namespace

std::uint64_t GroupTable::least_bytes(const Layout& layout) noexcept {
  return (1 + least_capacity + slack) * (key_bytes(layout) + layout.state_bytes) + (16 << 10);
}

GroupTable::GroupTable(const Layout& layout, std::span<std::byte> region, std::uint64_t records)
    : layout_(layout),
      begin_(region.data()),
      heap_{region.data(), region.data() + region.size(), region.data() + region.size()},
      state_offset_(key_bytes(layout)),
      entry_bytes_(state_offset_ + layout.state_bytes),
      moved_(entry_bytes_) {
  // A guess that is too small costs some passes of grow(), one that is too large costs cache misses.
  const auto most = std::max(least_capacity, std::bit_floor(region.size() / 4 / entry_bytes_));
  const auto guess = std::bit_floor(std::max<std::uint64_t>(1, records / 4));
  set_capacity(std::clamp(static_cast<std::size_t>(guess), least_capacity, most));
  std::memset(begin_, 0, slots() * entry_bytes_);
}

void GroupTable::set_capacity(std::size_t capacity) noexcept {
  capacity_ = capacity;
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(capacity));
  heap_.floor = begin_ + slots() * entry_bytes_;
}

/// Takes fewer leading bits for granted if these records do not share them. False if there is no room to put
/// the groups anew.
bool GroupTable::same_prefix(const Record* records, std::size_t n) {
  if (count_ == 0) {
    first_hash_ = records[0].hash;
    prefix_ = 63;
  }
  std::uint64_t difference = 0;
  for (std::size_t i = 0; i < n; ++i) difference |= records[i].hash ^ first_hash_;
  const auto shared = std::min(63U, static_cast<unsigned>(std::countl_zero(difference)));
  if (shared >= prefix_) return true;
  prefix_ = shared;
  return count_ == 0 || rebuild(capacity_);
}

std::size_t GroupTable::insert(const Record* records, std::size_t n, std::byte** states) {
  heap_full_ = false;
  if (n == 0 || !same_prefix(records, n)) return 0;
  std::array<std::size_t, batch> homes;
  for (std::size_t i = 0; i < n; ++i) {
    homes[i] = home(records[i].hash);
    __builtin_prefetch(slot(homes[i]), 1);
  }
  const auto most = capacity_ / 8 * 5;
  for (std::size_t i = 0; i < n; ++i) {
    if (count_ >= most) return i;
    auto* const entry = find(records[i], homes[i]);
    if (entry == nullptr) return i;
    states[i] = entry + state_offset_;
  }
  return n;
}

std::byte* GroupTable::find(const Record& record, std::size_t at) {
  if (record.hash == 0) {
    if (!zero_ && !make(record, slot(0))) return nullptr;
    zero_ = true;
    return slot(0);
  }
  for (const auto end = slots(); at < end; ++at) {
    auto* const entry = slot(at);
    const auto held = load<std::uint64_t>(entry);
    if (held == record.hash && (!layout_.byte_keys || std::ranges::equal(key_at(entry), record.key)))
      return entry;
    if (held == 0) return make(record, entry) ? entry : nullptr;
  }
  return nullptr;
}

bool GroupTable::make(const Record& record, std::byte* entry) {
  if (layout_.byte_keys) {
    if (!heap_.fits(record.key.size() + 4)) {
      heap_full_ = true;
      return false;
    }
    heap_.put(record.key);
    const auto bytes = static_cast<std::uint32_t>(record.key.size());
    store(entry + 8, heap_.put(std::as_bytes(std::span(&bytes, 1))));
  }
  store(entry, record.hash);
  layout_.init(entry + state_offset_);
  ++count_;
  return true;
}

bool GroupTable::grow() { return !heap_full_ && rebuild(2 * capacity_); }

bool GroupTable::less(const std::byte* a, const std::byte* b) const noexcept {
  const auto hash_a = load<std::uint64_t>(a);
  const auto hash_b = load<std::uint64_t>(b);
  if (hash_a != hash_b || !layout_.byte_keys) return hash_a < hash_b;
  const auto key_a = key_at(a);
  const auto key_b = key_at(b);
  if (key_a.size() != key_b.size()) return key_a.size() < key_b.size();
  return std::ranges::lexicographical_compare(key_a, key_b);
}

/// Moves the groups to the front and puts them in order: an insertion sort, for they nearly are.
void GroupTable::compact() {
  std::size_t to = 0;
  for (std::size_t from = 0; to < count_; ++from) {
    if (is_free(from)) continue;
    if (from != to) std::memcpy(slot(to), slot(from), entry_bytes_);
    if (to > 0 && less(slot(to), slot(to - 1))) {
      std::memcpy(moved_.data(), slot(to), entry_bytes_);
      auto at = to;
      for (; at > 0 && less(moved_.data(), slot(at - 1)); --at) {
        std::memcpy(slot(at), slot(at - 1), entry_bytes_);
      }
      std::memcpy(slot(at), moved_.data(), entry_bytes_);
    }
    ++to;
  }
}

void GroupTable::sort() { compact(); }

/// Puts all groups at their homes for a new capacity or prefix: from the front to the end of the new slots,
/// and from there, in order, to their places. What lies behind always has room behind.
bool GroupTable::rebuild(std::size_t capacity) {
  const auto bytes = (1 + capacity + slack) * entry_bytes_;
  if (bytes > static_cast<std::size_t>(heap_.top - begin_)) return false;
  compact();
  set_capacity(capacity);
  const auto source = slots() - count_;
  std::memmove(slot(source), begin_, count_ * entry_bytes_);
  std::size_t next = 0;
  std::size_t placed = 0;
  for (; placed < count_; ++placed) {
    const auto* const from = slot(source + placed);
    const bool zero = zero_ && placed == 0;
    const auto to = zero ? 0 : std::max(home(load<std::uint64_t>(from)), std::max<std::size_t>(next, 1));
    if (to > source + placed) break;
    std::memmove(moved_.data(), from, entry_bytes_);
    std::memset(slot(next), 0, (to - next) * entry_bytes_);
    std::memcpy(slot(to), moved_.data(), entry_bytes_);
    next = to + 1;
  }
  if (placed < count_) return false;
  std::memset(slot(next), 0, (slots() - next) * entry_bytes_);
  return true;
}

}  // namespace surd::external::detail
