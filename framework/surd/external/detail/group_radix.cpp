#include "surd/external/detail/group_radix.hpp"

#include <algorithm>
#include <bit>
#include <utility>

#include "surd/external/detail/group_state.hpp"

namespace surd::external::detail {

std::array<std::size_t, RadixGroups::kinds> RadixGroups::record_sizes(const Layout& layout) noexcept {
  return {8 + layout.raw_bytes, 8 + layout.raw_bytes + layout.null_bytes, 8 + layout.state_bytes};
}

bool RadixGroups::suits(const Layout& layout) noexcept {
  return !layout.byte_keys && !layout.texts && !layout.holistic &&
         std::ranges::max(record_sizes(layout)) <= chunk_bytes / 8;
}

unsigned RadixGroups::bits_for(std::uint64_t records) noexcept {
  const auto wanted = std::bit_width(std::max<std::uint64_t>(1, records / list_records));
  return std::clamp(static_cast<unsigned>(wanted), 1U, most_bits);
}

std::size_t RadixGroups::table_bytes(const Layout& layout, std::size_t capacity) noexcept {
  return (1 + capacity + slack) * (8 + layout.state_bytes + sizeof(std::uint32_t));
}

std::uint64_t RadixGroups::bytes_for(const Layout& layout, std::uint64_t records,
                                     std::uint64_t bytes) noexcept {
  const auto half_chunks = (kinds << bits_for(records)) * chunk_bytes / 2;
  const auto table = table_bytes(layout, 2 * std::min<std::uint64_t>(records, list_records));
  return bytes + bytes / 64 + half_chunks + table;
}

RadixGroups::RadixGroups(const Layout& layout, std::span<std::byte> region, std::uint64_t records)
    : layout_(layout),
      record_bytes_(record_sizes(layout)),
      cell_bytes_(8 + layout.state_bytes),
      free_(region.data()),
      end_(region.data() + region.size()),
      bits_(bits_for(records)) {
  lists_.resize(kinds << bits_);
}

bool RadixGroups::find_prefix(std::span<const std::byte> piece) {
  first_hash_ = load<std::uint64_t>(piece.data() + 1);
  std::uint64_t difference = 1;
  for (const auto* at = piece.data(); at != piece.data() + piece.size();) {
    difference |= load<std::uint64_t>(at + 1) ^ first_hash_;
    at += 1 + record_bytes_[static_cast<std::size_t>(*at)];
  }
  prefix_ = static_cast<unsigned>(std::countl_zero(difference));
  return prefix_ + bits_ < 48;  // else of one key, most likely
}

bool RadixGroups::add(std::span<const std::byte> piece) {
  if (prefix_ == 64 && !find_prefix(piece)) return false;
  const auto* at = piece.data();
  const auto* const end = at + piece.size();
  while (at != nullptr && at != end) {
    switch (record_bytes_[static_cast<std::size_t>(*at)]) {
      case 8:
        at = scatter<8>(at, end);
        break;
      case 16:
        at = scatter<16>(at, end);
        break;
      case 24:
        at = scatter<24>(at, end);
        break;
      case 32:
        at = scatter<32>(at, end);
        break;
      default:
        at = scatter<0>(at, end);
    }
  }
  return at != nullptr;
}

bool RadixGroups::add_rows(PackedRows& run) {
  constexpr std::size_t bytes = 16;
  auto* const lists = lists_.data();  // of raw rows
  const auto prefix = prefix_;
  const auto shift = 64 - bits_;
  const auto first_hash = first_hash_;
  std::uint64_t difference = 0;
  std::uint64_t hash = 0;
  std::uint64_t value = 0;
  auto rows = run;
  while (rows.next(hash, value)) {
    difference |= hash ^ first_hash;
    auto& list = lists[hash << prefix >> shift];
    if (static_cast<std::size_t>(list.end - list.at) < bytes && !new_chunk(list)) return false;
    __builtin_prefetch(list.at + 128, 1);
    store(list.at, hash);
    store(list.at + 8, value);
    list.at += bytes;
    ++list.records;
  }
  run = rows;
  return static_cast<unsigned>(std::countl_zero(difference)) >= prefix;
}

/// Records of one kind, of so many bytes (0: any), from the first on. Returns where they end; null if they
/// can not be kept.
template <std::size_t Bytes>
const std::byte* RadixGroups::scatter(const std::byte* at, const std::byte* end) {
  const auto kind = *at;
  const auto bytes = Bytes != 0 ? Bytes : record_bytes_[static_cast<std::size_t>(kind)];
  auto* const lists = lists_.data() + (static_cast<std::size_t>(kind) << bits_);
  const auto shift = 64 - bits_;
  std::uint64_t difference = 0;
  for (; at != end && *at == kind; at += 1 + bytes) {
    const auto hash = load<std::uint64_t>(at + 1);
    difference |= hash ^ first_hash_;
    auto& list = lists[hash << prefix_ >> shift];
    if (static_cast<std::size_t>(list.end - list.at) < bytes && !new_chunk(list)) return nullptr;
    if constexpr (Bytes != 0) {
      std::memcpy(list.at, at + 1, Bytes);
    } else {
      std::memcpy(list.at, at + 1, bytes);
    }
    list.at += bytes;
    ++list.records;
  }
  const bool shared = static_cast<unsigned>(std::countl_zero(difference)) >= prefix_;
  return shared ? at : nullptr;
}

bool RadixGroups::new_chunk(List& list) {
  if (static_cast<std::size_t>(end_ - free_) < chunk_bytes) return false;
  auto* const chunk = std::exchange(free_, free_ + chunk_bytes);
  if (list.first == nullptr) {
    list.first = chunk;
  } else {
    store(list.end - chunk_bytes, chunk);
  }
  list.at = chunk + sizeof chunk;
  list.end = chunk + chunk_bytes;
  return true;
}

std::size_t RadixGroups::list_size(std::size_t list) const noexcept {
  std::size_t records = 0;
  for (std::size_t kind = 0; kind < kinds; ++kind) records += lists_[(kind << bits_) + list].records;
  return records;
}

bool RadixGroups::end_input() {
  std::size_t most = 0;
  for (std::size_t list = 0; list < std::size_t{1} << bits_; ++list) most = std::max(most, list_size(list));
  most_capacity_ = std::max(least_capacity, std::bit_ceil(most / 5 * 8 + 8));
  cells_ = free_;
  return table_bytes(layout_, most_capacity_) <= static_cast<std::size_t>(end_ - free_);
}

void RadixGroups::next(Groups& into, std::size_t rows) {
  while (into.rows < rows) {
    if (given_ == groups_) {
      if (next_list_ == std::size_t{1} << bits_) return;
      group_list(next_list_++);
    }
    put(into, std::min(rows - into.rows, groups_ - given_));
  }
}

/// The table is as large as the list before asked for; where it turns out to be small, it is filled anew.
void RadixGroups::group_list(std::size_t list) {
  const auto wanted = std::bit_ceil(groups_ * 8 / 5 + 1);
  for (auto capacity = std::clamp(wanted, least_capacity, most_capacity_);; capacity *= 2) {
    clear_table(capacity);
    if (fill_table(list)) break;
  }
  order_cells();
}

void RadixGroups::clear_table(std::size_t capacity) noexcept {
  capacity_ = capacity;
  shift_ = 64 - static_cast<unsigned>(std::countr_zero(capacity));
  groups_ = 0;
  given_ = 0;
  zero_ = false;
  const auto cells = 1 + capacity + slack;
  std::memset(cells_, 0, cells * cell_bytes_);
  order_ = reinterpret_cast<std::uint32_t*>(cells_ + cells * cell_bytes_);
}

bool RadixGroups::fill_table(std::size_t list) {
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    const auto& from = lists_[(kind << bits_) + list];
    const auto per_chunk = (chunk_bytes - sizeof from.first) / record_bytes_[kind];
    const auto* chunk = from.first;
    for (auto left = from.records; left > 0;) {
      const auto n = std::min(left, per_chunk);
      if (!absorb(chunk + sizeof chunk, n, static_cast<Kind>(kind))) return false;
      left -= n;
      chunk = load<const std::byte*>(chunk);
    }
  }
  return true;
}

/// The cell of a hash, or the free one where it belongs, from `at` on; null if there is none.
std::byte* RadixGroups::probe(std::byte* at, std::uint64_t hash) const noexcept {
  const auto* const end = cell(1 + capacity_ + slack);
  for (; at != end; at += cell_bytes_) {
    const auto held = load<std::uint64_t>(at);
    if (held == hash || held == 0) return at;
  }
  return nullptr;
}

bool RadixGroups::absorb(const std::byte* records, std::size_t n, Kind kind) {
  const auto bytes = record_bytes_[static_cast<std::size_t>(kind)];
  const auto shared = prefix_ + bits_;
  const auto most = capacity_ / 8 * 5;
  for (std::size_t i = 0; i < n; ++i) {
    const auto hash = load<std::uint64_t>(records + i * bytes);
    auto* at = hash == 0 ? cells_ : cell(1 + (hash << shared >> shift_));
    auto held = load<std::uint64_t>(at);
    // Whether the key is there or the cell is free is anybody's guess, so it is no branch; a cell in use by
    // another key is rare.
    if (held != hash && held != 0) {
      at = probe(at + cell_bytes_, hash);
      if (at == nullptr) return false;
      held = load<std::uint64_t>(at);
    }
    const bool fresh = hash == 0 ? !zero_ : held == 0;
    if (groups_ == most && fresh) return false;
    groups_ += static_cast<std::size_t>(fresh);
    zero_ = zero_ || hash == 0;
    store(at, hash);
    if (layout_.users && fresh) layout_.init(at + 8);
    states_[i] = at + 8;
  }
  const Payloads payloads{records + 8, bytes};
  for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
    if (kind == Kind::state) {
      merge_records(layout_.columns[c], states_.data(), payloads, n);
    } else {
      add_records(layout_, c, states_.data(), payloads, n, kind == Kind::raw_nulls);
    }
  }
  return true;
}

/// Cells in use lie in order but for short displacements: an insertion sort.
void RadixGroups::order_cells() noexcept {
  std::size_t n = 0;
  if (zero_) order_[n++] = 0;
  for (std::size_t i = 1; i < 1 + capacity_ + slack; ++i) {
    order_[n] = static_cast<std::uint32_t>(i);
    n += static_cast<std::size_t>(load<std::uint64_t>(cell(i)) != 0);
  }
  for (std::size_t i = 1; i < n; ++i) {
    const auto moved = order_[i];
    const auto hash = load<std::uint64_t>(cell(moved));
    auto to = i;
    for (; to > 0 && load<std::uint64_t>(cell(order_[to - 1])) > hash; --to) order_[to] = order_[to - 1];
    order_[to] = moved;
  }
}

void RadixGroups::put(Groups& into, std::size_t n) {
  std::array<const std::byte*, 256> cells;
  while (n > 0) {
    const auto some = std::min(n, cells.size());
    for (std::size_t i = 0; i < some; ++i) cells[i] = cell(order_[given_ + i]);
    put_cells(layout_, std::span(cells).first(some), into);
    given_ += some;
    n -= some;
  }
}

}  // namespace surd::external::detail
