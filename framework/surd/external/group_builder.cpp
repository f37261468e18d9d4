#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "surd/base/error.hpp"
#include "surd/external/detail/group_cache.hpp"
#include "surd/external/detail/group_records.hpp"
#include "surd/external/detail/group_state.hpp"
#include "surd/external/detail/hash_mix.hpp"
#include "surd/external/group.hpp"

namespace surd::external {

using detail::GroupCache;
using detail::GroupRecords;
using detail::Layout;
using detail::PartitionPages;

namespace {

constexpr std::size_t batch_rows = 512;
constexpr std::size_t ahead = 16;
constexpr std::uint64_t most_cache_bytes = 768 << 10;  // of a private cache of 1 MiB
constexpr std::uint64_t least_cache_bytes = 16 << 10;

std::uint64_t cache_bytes(const Layout& layout, std::uint32_t partitions, std::uint64_t memory_bytes) {
  const auto least = PartitionPages::least_memory(partitions);
  const auto spare = memory_bytes > least ? memory_bytes - least : 0;
  const auto bytes = std::min({memory_bytes / 8, most_cache_bytes, spare});
  return layout.combines && bytes >= least_cache_bytes ? bytes : 0;
}

}  // namespace

/// Rows come in batches of 512, column by column: hashes, then a look into the cache that parts them into
/// hits, which are summed up, and misses, which are written as rows.
struct GroupBuilder::State {
  State(const GroupFormat& format, std::uint32_t partitions_in, memory::Budget& budget_in,
        std::uint64_t memory_bytes, SpillFile& spill_in, std::uint64_t file_number_in,
        storage::AsyncIo& io_in)
      : layout(format),
        records(layout),
        partitions(partitions_in),
        budget(budget_in),
        spill(spill_in),
        file_number(file_number_in),
        io(io_in),
        done(partitions_in) {
    allocate(memory_bytes);
  }

  void allocate(std::uint64_t memory_bytes) {
    const auto for_cache = cache_bytes(layout, partitions, memory_bytes);
    cache_reservation = budget.reserve(for_cache, for_cache, "grouping rows in advance");
    cache.emplace(layout, for_cache);
    pages.emplace(partitions, budget, memory_bytes - for_cache, spill, file_number, io);
    window = std::max<std::uint64_t>(16'384, 4 * cache->capacity());
    begin_window();
  }

  // --- Whether looking into the cache pays: windows of looking; after a poor one, 16 windows without.
  void begin_window() {
    left = window;
    hits_seen = 0;
    looking = cache->capacity() > 0;
  }
  void count_rows(std::size_t rows, std::size_t hits) {
    hits_seen += hits;
    if (left > rows) {
      left -= rows;
    } else if (looking && hits_seen < window / 8) {
      looking = false;
      left = 16 * window;
    } else {
      begin_window();
    }
  }

  void push(const GroupInput& input) {
    records.begin(input);
    for (std::size_t begin = 0; begin < input.rows; begin += batch_rows) {
      push_batch(input, begin, std::min(batch_rows, input.rows - begin));
    }
  }

  void push_batch(const GroupInput& input, std::size_t begin, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = begin + i;
      hashes[i] = layout.byte_keys ? hash_key(input.byte_keys[row]) : detail::mix(input.keys[row]);
    }
    std::size_t hits = 0;
    std::size_t misses = 0;
    const bool simple = !layout.texts && !layout.byte_keys;
    if (looking && simple && !layout.holistic && sum_up_one_key(input, begin, n)) {
      return count_rows(n, n);
    }
    if (looking) {
      std::tie(hits, misses) = simple ? look_up_numbers(begin, n) : look_up(input, begin, n);
      sum_up(input, hits);
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        missed[i] = static_cast<std::uint32_t>(begin + i);
        missed_hashes[i] = hashes[i];
      }
      misses = n;
    }
    records.write(missed.data(), missed_hashes.data(), misses, *pages);
    if (layout.holistic) records.write_values(begin, n, hashes.data(), *pages);
    if (looking) admit(misses);
    count_rows(n, hits);
  }

  std::pair<std::size_t, std::size_t> look_up(const GroupInput& input, std::size_t begin, std::size_t n) {
    std::size_t hits = 0;
    std::size_t misses = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = static_cast<std::uint32_t>(begin + i);
      const auto slot = cache->find(hashes[i], records.key(row));
      if (slot != GroupCache::none && (!layout.texts || first_texts_known(input, slot, row))) {
        cache->hit(slot);
        states[hits] = cache->state(slot);
        hit_rows[hits++] = row;
      } else {
        missed_hashes[misses] = hashes[i];
        missed[misses++] = row;
      }
    }
    return {hits, misses};
  }

  /// Sets of the cache are asked for some rows before they are looked into.
  std::pair<std::size_t, std::size_t> look_up_numbers(std::size_t begin, std::size_t n) {
    std::size_t hits = 0;
    std::size_t misses = 0;
    for (std::size_t i = 0; i < std::min(ahead, n); ++i) cache->prefetch(hashes[i]);
    for (std::size_t i = 0; i < n; ++i) {
      cache->prefetch(hashes[i + ahead]);
      bool hit = false;
      states[hits] = cache->take_number(hashes[i], hit);
      hit_rows[hits] = missed[misses] = static_cast<std::uint32_t>(begin + i);
      missed_hashes[misses] = hashes[i];
      hits += static_cast<std::size_t>(hit);
      misses += static_cast<std::size_t>(!hit);
    }
    return {hits, misses};
  }

  /// Positions ascend, so once a text of a key was written, later ones cannot be the first. If there is one
  /// to write yet, the row must be written.
  bool first_texts_known(const GroupInput& input, std::size_t slot, std::uint32_t row) {
    bool known = true;
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      if (!layout.columns[c].text() || GroupRecords::is_null(input.values[c], row)) continue;
      auto& held = *reinterpret_cast<detail::TextState*>(cache->state(slot) + layout.columns[c].state);
      known = known && held.rank != 0;
      held.rank = 1;
    }
    return known;
  }

  void sum_up(const GroupInput& input, std::size_t hits) {
    if (hits == 0) return;
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      detail::add_rows(layout.columns[c], states.data(), hits,
                       {input.values[c], hit_rows.data(), input.first_position});
    }
  }

  /// If all rows of the batch have one key that is held: input in order of keys, one key in all.
  bool sum_up_one_key(const GroupInput& input, std::size_t begin, std::size_t n) {
    if (hashes[0] != hashes[n - 1] || hashes[0] != hashes[n / 2]) return false;
    if (!std::all_of(hashes.begin(), hashes.begin() + n, [&](auto hash) { return hash == hashes[0]; })) {
      return false;
    }
    auto* const state = cache->take_rows(hashes[0], n);
    if (state == nullptr) return false;
    std::iota(hit_rows.begin(), hit_rows.begin() + n, static_cast<std::uint32_t>(begin));
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      detail::add_rows(layout.columns[c], state, n, {input.values[c], hit_rows.data(), input.first_position});
    }
    return true;
  }

  /// Every fourth miss or so: what comes often is held all the same. In steps that differ, for keys may come
  /// in turns.
  void admit(std::size_t misses) {
    auto i = until_admitted;
    for (; i < misses; i += 1 + (missed_hashes[i] >> 24) % 7) {
      cache->miss(missed_hashes[i], records.key(missed[i]),
                  [this](std::size_t slot) { records.write_state(*cache, slot, *pages); });
    }
    until_admitted = i - misses;
  }

  /// Writes what is held and adds it to `done`.
  void spill_all() {
    cache->clear([this](std::size_t slot) { records.write_state(*cache, slot, *pages); });
    until_admitted = 0;
    auto extents = pages->finish();
    for (std::size_t p = 0; p < extents.size(); ++p) {
      done[p].file = extents[p].file;
      done[p].records += extents[p].records;
      done[p].unpacked_bytes += extents[p].unpacked_bytes;
      done[p].extents.insert(done[p].extents.end(), extents[p].extents.begin(), extents[p].extents.end());
    }
  }

  Layout layout;
  GroupRecords records;
  std::uint32_t partitions;
  memory::Budget& budget;
  SpillFile& spill;
  std::uint64_t file_number;
  storage::AsyncIo& io;
  memory::Reservation cache_reservation;
  std::optional<GroupCache> cache;
  std::optional<PartitionPages> pages;
  std::vector<PartitionExtents> done;

  std::uint64_t window = 0;
  std::uint64_t left = 0;
  std::uint64_t hits_seen = 0;
  bool looking = false;
  std::size_t until_admitted = 0;  ///< Misses that go by before one is.

  std::array<std::uint64_t, batch_rows + ahead> hashes{};  ///< Of what lies behind the last, any.
  std::array<std::uint64_t, batch_rows> missed_hashes;
  std::array<std::uint32_t, batch_rows> missed;
  std::array<std::uint32_t, batch_rows> hit_rows;
  std::array<std::byte*, batch_rows> states;
};

GroupBuilder::GroupBuilder(const GroupFormat& format, std::uint32_t partitions, memory::Budget& budget,
                           std::uint64_t memory_bytes, SpillFile& spill, std::uint64_t file_number,
                           storage::AsyncIo& io)
    : state_(std::make_unique<State>(format, partitions, budget, memory_bytes, spill, file_number, io)) {}

GroupBuilder::GroupBuilder(GroupBuilder&&) noexcept = default;
GroupBuilder::~GroupBuilder() = default;

void GroupBuilder::push(const GroupInput& input) { state_->push(input); }

void GroupBuilder::shrink(std::uint64_t memory_bytes) {
  state_->spill_all();
  state_->pages.reset();
  state_->cache.reset();
  state_->cache_reservation = {};
  state_->allocate(memory_bytes);
}

std::vector<PartitionExtents> GroupBuilder::finish() {
  state_->spill_all();
  std::vector<PartitionExtents> result(state_->partitions);
  std::swap(result, state_->done);
  return result;
}

}  // namespace surd::external
