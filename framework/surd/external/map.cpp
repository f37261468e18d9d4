#include "surd/external/map.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "surd/base/bytes.hpp"
#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"
#include "surd/base/units.hpp"
#include "surd/external/detail/page_cache.hpp"

namespace surd::external {
namespace {

using base::load;
using base::store;
using Bytes = Map::Bytes;

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t key_limit = 512;
constexpr std::size_t inline_limit = page_bytes / 4;  ///< Of values; larger ones lie in a file of their own.
constexpr std::uint64_t least_map_memory = 64 * base::KiB;

/// At the start of a page; entries follow back to back. Zeros are an empty page.
struct PageHead {
  std::uint64_t next = 0;  ///< Overflow page; 0: none.
  std::uint64_t used = 0;  ///< Bytes of entries.
};
constexpr std::size_t room = page_bytes - sizeof(PageHead);

/// Before key and value, or key and u64 offset of the value in the value file.
struct EntryHead {
  std::uint32_t tag;
  std::uint16_t key_bytes;
  std::uint16_t outside;  ///< 1: the value is in the value file.
  std::uint32_t value_bytes;

  [[nodiscard]] std::size_t stored_bytes() const noexcept { return outside != 0 ? 8 : value_bytes; }
  [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(EntryHead) + key_bytes + stored_bytes(); }
};

PageHead head_of(std::span<const std::byte> page) noexcept { return load<PageHead>(page.data()); }

/// An entry where it lies.
struct Entry {
  const std::byte* at;
  EntryHead head;

  explicit Entry(const std::byte* start) noexcept : at(start), head(load<EntryHead>(start)) {}
  [[nodiscard]] Bytes key() const noexcept { return {at + sizeof(EntryHead), head.key_bytes}; }
  [[nodiscard]] Bytes stored() const noexcept {
    return {at + sizeof(EntryHead) + head.key_bytes, head.stored_bytes()};
  }
};

/// Calls visit(entry) for each entry of a page until it returns false.
template <class Visit>
void each_entry(std::span<const std::byte> page, Visit visit) {
  const auto* at = page.data() + sizeof(PageHead);
  for (const auto* const end = at + head_of(page).used; at < end;) {
    const Entry entry(at);
    if (!visit(entry)) return;
    at += entry.head.bytes();
  }
}

std::uint32_t tag_of(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash >> 32); }

/// Buckets are the pages with even numbers, overflow pages the odd ones.
std::uint64_t page_of(std::uint64_t bucket) noexcept { return 2 * bucket; }

}  // namespace

struct Map::State {
  State(memory::Budget& budget_, std::uint64_t frames_, std::uint64_t value_limit_,
        storage::FileSystem& files_, storage::Path scratch_)
      : budget(budget_),
        frames(frames_),
        value_limit(value_limit_),
        files(files_),
        scratch(std::move(scratch_)),
        cache(budget, frames, page_bytes, files, scratch) {}

  memory::Budget& budget;
  std::uint64_t frames;  ///< When not compacting.
  std::uint64_t value_limit;
  storage::FileSystem& files;
  storage::Path scratch;
  detail::PageCache cache;
  std::uint64_t size = 0;
  std::uint64_t bytes = 0;     ///< Of entries.
  std::uint64_t half = 1;      ///< Buckets before this round of splits: a power of two.
  std::uint64_t split_at = 0;  ///< Next bucket to be split; there are half + split_at.
  std::uint64_t overflow_pages = 0;
  std::uint64_t free_page = 0;  ///< First of a list of free overflow pages; 0: none.
  std::unique_ptr<storage::WritableFile> value_writer;
  std::unique_ptr<storage::ReadableFile> value_reader;
  std::uint64_t value_file_bytes = 0;
  memory::Reservation value_reservation;
  std::unique_ptr<std::byte[]> value;  ///< Last value read from its file.

  [[nodiscard]] std::uint64_t bucket_of(std::uint64_t hash) const noexcept {
    const auto bucket = hash & (half - 1);
    return bucket < split_at ? hash & (2 * half - 1) : bucket;
  }

  struct Found {
    std::uint64_t page;
    std::size_t offset;  ///< Of the entry in the page.
  };
  std::optional<Found> find(Bytes key, std::uint64_t hash);
  Bytes value_of(const Entry& entry);
  std::uint64_t write_value(Bytes bytes);
  void insert(std::uint64_t bucket, Bytes entry);
  void remove(const Found& found);
  std::uint64_t take_overflow_page();
  void split();
  void set(Bytes key, Bytes value);
};

std::optional<Map::State::Found> Map::State::find(Bytes key, std::uint64_t hash) {
  std::optional<Found> found;
  for (auto number = page_of(bucket_of(hash)); !found;) {
    const auto page = cache.read(number);
    each_entry(page, [&](const Entry& entry) {
      if (entry.head.tag == tag_of(hash) && std::ranges::equal(entry.key(), key)) {
        found = {number, static_cast<std::size_t>(entry.at - page.data())};
      }
      return !found;
    });
    number = head_of(page).next;
    if (number == 0) break;
  }
  return found;
}

Bytes Map::State::value_of(const Entry& entry) {
  if (entry.head.outside == 0) return entry.stored();
  if (!value) {
    value_reservation = budget.reserve(value_limit, value_limit, "a value of a map that spills");
    value = std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(value_limit));
  }
  const std::span into(value.get(), entry.head.value_bytes);
  const auto got = value_reader->read_at(load<std::uint64_t>(entry.stored().data()), into);
  if (got != into.size()) throw base::FormatError("a value of a map has vanished from scratch");
  return into;
}

std::uint64_t Map::State::write_value(Bytes written) {
  if (!value_writer) std::tie(value_writer, value_reader) = files.create_scratch(scratch);
  value_writer->append(written);
  return std::exchange(value_file_bytes, value_file_bytes + written.size());
}

void Map::State::insert(std::uint64_t bucket, Bytes entry) {
  auto number = page_of(bucket);
  while (head_of(cache.read(number)).used + entry.size() > room) {
    auto next = head_of(cache.read(number)).next;
    if (next == 0) {
      next = take_overflow_page();
      const auto page = cache.change(number);
      store(page.data(), PageHead{next, head_of(page).used});
    }
    number = next;
  }
  const auto page = cache.change(number);
  const auto head = head_of(page);
  std::ranges::copy(entry, page.data() + sizeof(PageHead) + head.used);
  store(page.data(), PageHead{head.next, head.used + entry.size()});
}

void Map::State::remove(const Found& found) {
  const auto page = cache.change(found.page);
  const auto head = head_of(page);
  const auto removed = Entry(page.data() + found.offset).head.bytes();
  auto* const at = page.data() + found.offset;
  const auto* const end = page.data() + sizeof(PageHead) + head.used;
  std::copy(static_cast<const std::byte*>(at) + removed, end, at);
  store(page.data(), PageHead{head.next, head.used - removed});
  bytes -= removed;
  --size;
}

std::uint64_t Map::State::take_overflow_page() {
  if (free_page == 0) return 2 * overflow_pages++ + 1;
  const auto number = free_page;
  const auto page = cache.change(number);
  free_page = head_of(page).next;
  store(page.data(), PageHead{});
  return number;
}

/// Divides the entries of one bucket between it and a new last one.
void Map::State::split() {
  auto number = page_of(split_at);
  if (++split_at == half) {
    half *= 2;
    split_at = 0;
  }
  std::array<std::byte, page_bytes> old;
  bool overflow = false;
  while (true) {
    std::ranges::copy(cache.read(number), old.begin());
    const auto next = head_of(old).next;
    store(cache.change(number).data(), PageHead{overflow ? free_page : 0, 0});
    if (overflow) free_page = number;
    each_entry(old, [&](const Entry& entry) {
      insert(bucket_of(base::hash64(entry.key())), {entry.at, entry.head.bytes()});
      return true;
    });
    if (next == 0) return;
    number = next;
    overflow = true;
  }
}

void Map::State::set(Bytes key, Bytes new_value) {
  const auto hash = base::hash64(key);
  const bool outside = new_value.size() > inline_limit;
  const auto offset = outside ? write_value(new_value) : 0;
  const auto stored = outside ? std::as_bytes(std::span(&offset, 1)) : new_value;
  const EntryHead head{tag_of(hash), static_cast<std::uint16_t>(key.size()), outside,
                       static_cast<std::uint32_t>(new_value.size())};
  // Put together before pages move: key and value may be bytes that get() returned.
  std::array<std::byte, sizeof(EntryHead) + key_limit + inline_limit> buffer;
  store(buffer.data(), head);
  std::ranges::copy(stored, std::ranges::copy(key, buffer.data() + sizeof(EntryHead)).out);
  const auto found = find(key, hash);
  if (found) remove(*found);
  insert(bucket_of(hash), std::span(buffer).first(head.bytes()));
  bytes += head.bytes();
  ++size;
  // At 70 % few buckets need an overflow page (Larson 1988, section 4).
  if (bytes * 10 > (half + split_at) * room * 7) split();
}

Map::Map(memory::Budget& budget, std::uint64_t memory_bytes, storage::FileSystem& files,
         storage::Path scratch) {
  if (memory_bytes < least_map_memory) {
    throw base::UsageError(fmt::format("a map that spills needs at least {} of memory, not {}",
                                       base::format_bytes(least_map_memory),
                                       base::format_bytes(memory_bytes)));
  }
  const auto value_limit = memory_bytes / 8;
  const auto frames = detail::PageCache::frames_in(memory_bytes - value_limit, page_bytes);
  state_ = std::make_unique<State>(budget, frames, value_limit, files, std::move(scratch));
}

Map::Map(Map&&) noexcept = default;
Map& Map::operator=(Map&&) noexcept = default;
Map::~Map() = default;

void Map::set(Bytes key, Bytes value) {
  if (key.size() > key_limit) {
    throw base::UsageError(
        fmt::format("a key of {} bytes; a map that spills takes up to {}", key.size(), key_limit));
  }
  if (value.size() > state_->value_limit) {
    throw base::UsageError(
        fmt::format("a value of {}; this map that spills takes up to {}, an eighth of its memory",
                    base::format_bytes(value.size()), base::format_bytes(state_->value_limit)));
  }
  state_->set(key, value);
}

std::optional<Bytes> Map::get(Bytes key) {
  const auto found = state_->find(key, base::hash64(key));
  if (!found) return std::nullopt;
  return state_->value_of(Entry(state_->cache.read(found->page).data() + found->offset));
}

bool Map::contains(Bytes key) { return state_->find(key, base::hash64(key)).has_value(); }

bool Map::erase(Bytes key) {
  const auto found = state_->find(key, base::hash64(key));
  if (found) state_->remove(*found);
  return found.has_value();
}

std::uint64_t Map::size() const noexcept { return state_->size; }

void Map::each(const std::function<void(Bytes key, Bytes value)>& visit) {
  auto& state = *state_;
  for (std::uint64_t bucket = 0; bucket < state.half + state.split_at; ++bucket) {
    for (auto number = page_of(bucket);;) {
      const auto page = state.cache.read(number);
      each_entry(page, [&](const Entry& entry) {
        visit(entry.key(), state.value_of(entry));
        return true;
      });
      number = head_of(page).next;
      if (number == 0) break;
    }
  }
}

void Map::compact() {
  constexpr std::uint64_t few = 4;  // the old pages are read once, in order
  auto& old = *state_;
  old.cache.shrink(few);
  auto fresh = std::make_unique<State>(old.budget, old.frames - few, old.value_limit, old.files, old.scratch);
  fresh->frames = old.frames;
  // As many buckets as it will need: then entries come in the order of its buckets, too.
  fresh->half = std::bit_floor(std::max<std::uint64_t>(old.bytes * 10 / (room * 7), 1));
  each([&](Bytes key, Bytes value) { fresh->set(key, value); });
  state_ = std::move(fresh);
  state_->cache.grow(state_->frames);
}

std::uint64_t Map::scratch_bytes() const noexcept {
  const auto& state = *state_;
  return (state.half + state.split_at + state.overflow_pages) * page_bytes + state.value_file_bytes;
}

std::uint64_t Map::pages_read() const noexcept { return state_->cache.reads(); }

}  // namespace surd::external
