#include <algorithm>
#include <optional>
#include <utility>

#include "surd/base/error.hpp"
#include "surd/external/detail/group_cache.hpp"
#include "surd/external/detail/group_packing.hpp"
#include "surd/external/detail/group_state.hpp"
#include "surd/external/detail/hash_mix.hpp"
#include "surd/external/group.hpp"

namespace surd::external {

using detail::GroupCache;
using detail::GroupPacking;
using detail::Kind;
using detail::Layout;
using detail::PartitionPages;
using detail::store;

namespace {

constexpr std::size_t batch_rows = 512;
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
        partitions(partitions_in),
        budget(budget_in),
        spill(spill_in),
        file_number(file_number_in),
        io(io_in),
        done(partitions_in) {
    if (GroupPacking::suits(layout)) packing.emplace(layout);
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
    prepare(input);
    for (std::size_t begin = 0; begin < input.rows; begin += batch_rows) {
      push_batch(input, begin, std::min(batch_rows, input.rows - begin));
    }
  }

  /// Where this input's values lie.
  void prepare(const GroupInput& input) {
    base::expect(input.values.size() == layout.columns.size(), "one column of values per aggregate");
    sources.clear();
    nulls = false;
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      const auto& column = layout.columns[c];
      const auto& values = input.values[c];
      if (!column.spec.has_input) continue;
      nulls = nulls || !values.nulls.empty();
      if (column.raw == detail::Column::no_value) continue;
      const auto* const from = values.type == ValueType::float64
                                   ? reinterpret_cast<const std::byte*>(values.numbers.data())
                                   : reinterpret_cast<const std::byte*>(values.integers.data());
      sources.push_back({from, column.raw});
    }
  }

  void push_batch(const GroupInput& input, std::size_t begin, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = begin + i;
      hashes[i] = layout.byte_keys ? hash_key(input.byte_keys[row]) : detail::mix(input.keys[row]);
    }
    std::size_t hits = 0;
    std::size_t misses = 0;
    if (looking) {
      const bool simple = !layout.texts && !layout.byte_keys;
      std::tie(hits, misses) = simple ? look_up_numbers(begin, n) : look_up(input, begin, n);
      sum_up(input, hits);
    } else {
      for (std::size_t i = 0; i < n; ++i) {
        missed[i] = static_cast<std::uint32_t>(begin + i);
        missed_hashes[i] = hashes[i];
      }
      misses = n;
    }
    if (packing) {
      write_packed(input, misses);
    } else {
      write_wide(input, misses);
    }
    if (layout.holistic) write_values(input, begin, n);
    if (looking) admit(input, misses);
    count_rows(n, hits);
  }

  std::pair<std::size_t, std::size_t> look_up(const GroupInput& input, std::size_t begin, std::size_t n) {
    std::size_t hits = 0;
    std::size_t misses = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = static_cast<std::uint32_t>(begin + i);
      const auto slot = cache->find(hashes[i], key_of(input, row));
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

  std::pair<std::size_t, std::size_t> look_up_numbers(std::size_t begin, std::size_t n) {
    std::size_t hits = 0;
    std::size_t misses = 0;
    for (std::size_t i = 0; i < n; ++i) cache->prefetch(hashes[i]);
    for (std::size_t i = 0; i < n; ++i) {
      const auto slot = cache->find_number(hashes[i]);
      cache->hit(slot);
      states[hits] = cache->state(slot);
      hit_rows[hits] = missed[misses] = static_cast<std::uint32_t>(begin + i);
      missed_hashes[misses] = hashes[i];
      const bool hit = slot != cache->capacity();
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
      if (!layout.columns[c].text() || is_null(input.values[c], row)) continue;
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

  /// Every other miss: what comes often is held all the same.
  void admit(const GroupInput& input, std::size_t misses) {
    for (std::size_t i = hashes[0] & 1; i < misses; i += 2) {
      cache->miss(missed_hashes[i], key_of(input, missed[i]),
                  [this](std::size_t slot) { write_state(slot); });
    }
  }

  [[nodiscard]] std::span<const std::byte> key_of(const GroupInput& input, std::size_t row) const {
    return layout.byte_keys ? input.byte_keys[row] : std::span<const std::byte>{};
  }
  [[nodiscard]] static bool is_null(const Values& values, std::size_t row) {
    return !values.nulls.empty() && values.nulls[row] != 0;
  }

  // --- Records; see group_layout.hpp.
  std::byte* put_key(std::byte* at, Kind kind, std::uint64_t hash, std::span<const std::byte> key) const {
    *at++ = static_cast<std::byte>(kind);
    if (!layout.byte_keys) {
      store(at, hash);
      return at + 8;
    }
    store(at, static_cast<std::uint32_t>(key.size()));
    if (!key.empty()) std::memcpy(at + 4, key.data(), key.size());
    return at + 4 + key.size();
  }

  [[nodiscard]] std::size_t key_room(std::span<const std::byte> key) const {
    return 1 + (layout.byte_keys ? 4 + key.size() : 8);
  }

  std::byte* put_fixed(std::byte* at, const GroupInput& input, std::size_t row) const {
    if (nulls) {
      std::memset(at, 0, layout.null_bytes);
      for (std::size_t c = 0; c < layout.columns.size(); ++c) {
        if (layout.columns[c].spec.has_input && is_null(input.values[c], row)) {
          at[c / 8] |= std::byte{1} << (c % 8);
        }
      }
      at += layout.null_bytes;
    }
    for (const auto& source : sources) std::memcpy(at + source.to, source.from + 8 * row, 8);
    if (layout.position != detail::Column::no_value) store(at + layout.position, input.first_position + row);
    return at + layout.raw_bytes;
  }

  void write_packed(const GroupInput& input, std::size_t n) {
    const auto kind = nulls ? Kind::raw_nulls : Kind::raw;
    const auto unpacked = packing->unpacked_bytes(kind);
    const auto room = packing->room(kind);
    auto& to = *pages;
    const auto put_all = [&](const auto& put) {
      for (std::size_t i = 0; i < n; ++i) {
        auto* const at = to.room(missed_hashes[i], room);
        const auto* const end = put(at, missed[i]);
        to.take(missed_hashes[i], static_cast<std::size_t>(end - at), unpacked);
      }
    };
    if (unpacked == 17 && sources.size() == 1) {  // one number and nothing else: the commonest row
      const auto* const keys = input.keys.data();
      const auto* const values = sources[0].from;
      put_all([&](std::byte* at, std::size_t row) {
        return GroupPacking::put_row(at, keys[row], detail::load<std::uint64_t>(values + 8 * row));
      });
    } else {
      std::array<std::byte, GroupPacking::most_bytes> payload;
      put_all([&](std::byte* at, std::size_t row) {
        put_fixed(payload.data(), input, row);
        return packing->put(at, kind, input.keys[row], payload.data());
      });
    }
  }

  void write_wide(const GroupInput& input, std::size_t n) {
    const auto kind = nulls ? Kind::raw_nulls : Kind::raw;
    for (std::size_t i = 0; i < n; ++i) {
      const auto row = missed[i];
      const auto key = key_of(input, row);
      auto bytes = key_room(key) + layout.raw_bytes + (nulls ? layout.null_bytes : 0);
      for (std::size_t c = 0; c < layout.columns.size(); ++c) {
        if (layout.columns[c].text()) bytes += 4 + text_of(input.values[c], row).size();
      }
      auto* at = pages->append(missed_hashes[i], bytes);
      at = put_fixed(put_key(at, kind, missed_hashes[i], key), input, row);
      for (std::size_t c = 0; c < layout.columns.size(); ++c) {
        if (layout.columns[c].text()) at = put_text(at, text_of(input.values[c], row));
      }
    }
  }

  [[nodiscard]] static std::span<const std::byte> text_of(const Values& values, std::size_t row) {
    return is_null(values, row) ? std::span<const std::byte>{} : values.texts[row];
  }
  static std::byte* put_text(std::byte* at, std::span<const std::byte> text) {
    store(at, static_cast<std::uint32_t>(text.size()));
    if (!text.empty()) std::memcpy(at + 4, text.data(), text.size());
    return at + 4 + text.size();
  }

  /// The values that medians, lists and distinct counts need, one record each.
  void write_values(const GroupInput& input, std::size_t begin, std::size_t n) {
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      const auto& values = input.values[c];
      if (!layout.columns[c].holistic()) continue;
      const bool text = values.type == ValueType::text;
      for (std::size_t i = 0; i < n; ++i) {
        const auto row = begin + i;
        if (is_null(values, row)) continue;
        const auto key = key_of(input, row);
        const auto value_bytes = text ? 4 + values.texts[row].size() : 8;
        auto* at = pages->append(hashes[i], key_room(key) + 9 + value_bytes);
        at = put_key(at, Kind::value, hashes[i], key);
        *at++ = static_cast<std::byte>(c);
        store(at, input.first_position + row);
        if (text) {
          put_text(at + 8, values.texts[row]);
        } else if (values.type == ValueType::float64) {
          store(at + 8, values.numbers[row]);
        } else {
          store(at + 8, values.integers[row]);
        }
      }
    }
  }

  void write_state(std::size_t slot) {
    if (layout.state_bytes == 0) return;  // the row that brought the key here was written
    if (packing) {
      const auto hash = cache->hash(slot);
      auto* const at = pages->room(hash, packing->room(Kind::state));
      const auto* const end = packing->put(at, Kind::state, detail::unmix(hash), cache->state(slot));
      pages->take(hash, static_cast<std::size_t>(end - at), packing->unpacked_bytes(Kind::state));
      return;
    }
    const auto key = cache->key(slot);
    auto* const at = pages->append(cache->hash(slot), key_room(key) + layout.state_bytes);
    std::memcpy(put_key(at, Kind::state, cache->hash(slot), key), cache->state(slot), layout.state_bytes);
  }

  /// Writes what is held and adds it to `done`.
  void spill_all() {
    cache->clear([this](std::size_t slot) { write_state(slot); });
    auto extents = pages->finish();
    for (std::size_t p = 0; p < extents.size(); ++p) {
      done[p].file = extents[p].file;
      done[p].records += extents[p].records;
      done[p].unpacked_bytes += extents[p].unpacked_bytes;
      done[p].extents.insert(done[p].extents.end(), extents[p].extents.begin(), extents[p].extents.end());
    }
  }

  struct Source {
    const std::byte* from;
    std::uint32_t to;
  };

  Layout layout;
  std::optional<GroupPacking> packing;
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

  std::vector<Source> sources;
  bool nulls = false;
  std::array<std::uint64_t, batch_rows> hashes;
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
