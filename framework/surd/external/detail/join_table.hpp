// Records in memory, found by key: for each bucket of the hash a row of (offset, tag) entries, all in one
// array, filled by counting. Compact (12 to 16 bytes a record), no pointers to chase, and equal keys come in
// the order of their records.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "surd/external/detail/join_entries.hpp"
#include "surd/external/detail/join_layout.hpp"

namespace surd::external::detail {

template <class Layout>
class JoinTable {
 public:
  using Entry = JoinEntry;

  explicit JoinTable(Layout layout) noexcept : layout_(layout) {}

  /// Bytes that `records` of `bytes` in total need, themselves included.
  [[nodiscard]] static std::uint64_t bytes_for(std::uint64_t bytes, std::uint64_t records) noexcept {
    const auto marks = bytes / Layout::least_bytes / 8 + 8;
    return bytes + marks + records * sizeof(Entry) + (buckets_for(records) + 1) * 4 + 32;
  }

  /// Offsets are 32 bits.
  static constexpr std::uint64_t limit_bytes = UINT32_MAX - (1U << 21);

  /// Indexes the whole records among the first `bytes` of `memory`, as many as fit with their index into
  /// `memory`. Returns how many bytes those take.
  std::size_t index(std::span<std::byte> memory, std::size_t bytes) {
    data_ = memory.data();
    bytes_ = 0;
    records_ = 0;
    while (const auto size = layout_.size(data_ + bytes_, bytes - bytes_)) {
      if (bytes_for(bytes_ + size, records_ + 1) > memory.size()) break;
      bytes_ += size;
      ++records_;
    }
    place(memory);
    fill();
    return bytes_;
  }

  [[nodiscard]] std::size_t records() const noexcept { return records_; }
  [[nodiscard]] std::size_t with_key() const noexcept { return starts_[buckets_]; }
  [[nodiscard]] const std::byte* record(const Entry& entry) const noexcept { return data_ + entry.offset; }

  /// Marks the record. True if it had no mark.
  bool mark(const Entry& entry) noexcept {
    const auto number = entry.offset / Layout::least_bytes;  // of no other record: they are that far apart
    auto& byte = marks_[number / 8];
    const auto bit = std::byte{1} << (number % 8);
    const bool fresh = (byte & bit) == std::byte{0};
    byte |= bit;
    return fresh;
  }

  /// Calls visit(record, marked) for all records in order.
  template <class Visit>
  void each(Visit visit) const {
    for (std::size_t at = 0; at < bytes_; at += layout_.size(data_ + at, bytes_ - at)) {
      const auto number = at / Layout::least_bytes;
      visit(data_ + at, (marks_[number / 8] & (std::byte{1} << (number % 8))) != std::byte{0});
    }
  }

  /// Entries that may have the key of a record with this hash.
  [[nodiscard]] std::span<const Entry> candidates(std::uint64_t hash) const noexcept {
    const auto bucket = static_cast<std::size_t>(hash) & (buckets_ - 1);
    return narrow(entries_ + starts_[bucket], entries_ + starts_[bucket + 1], tag_of(hash));
  }

  /// Calls visit(record, entries, tag) for the whole records of `block`, in order: for all of them, or for
  /// those that are likely to have a match and all that have. What has a record's key is among the entries.
  /// Returns how many bytes were whole records.
  ///
  /// In groups: each step touches memory that the step before has asked for (Chen, Ailamaki, Gibbons & Mowry:
  /// Improving hash join performance through prefetching, TODS 32(3), 2007). Whether a record has candidates
  /// is not to be foreseen, so it is no branch.
  template <class Visit>
  std::size_t probe(const Layout& layout, std::span<const std::byte> block, bool all, Visit visit) const {
    constexpr std::size_t group = 64;
    std::array<const std::byte*, group> records;
    std::array<std::uint64_t, group> hashes;
    std::array<std::span<const Entry>, group> found;
    std::array<std::uint8_t, group> chosen;
    std::size_t at = 0;
    while (true) {
      std::size_t n = 0;
      for (; n < group; ++n) {
        const auto* const record = block.data() + at;
        const auto size = layout.size(record, block.size() - at);
        if (size == 0) break;
        records[n] = record;
        hashes[n] = layout.hash(record);
        __builtin_prefetch(starts_ + (static_cast<std::size_t>(hashes[n]) & (buckets_ - 1)));
        at += size;
      }
      for (std::size_t i = 0; i < n; ++i) {
        const auto bucket = static_cast<std::size_t>(hashes[i]) & (buckets_ - 1);
        found[i] = {entries_ + starts_[bucket], entries_ + starts_[bucket + 1]};
        __builtin_prefetch(found[i].data());
      }
      std::size_t count = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const auto& entry = *found[i].data();  // there is something after the last one, too
        const bool likely = found[i].size() > 1 || (entry.tag == tag_of(hashes[i]) && found[i].size() == 1);
        chosen[count] = static_cast<std::uint8_t>(i);
        count += static_cast<std::size_t>(likely || all);
        __builtin_prefetch(data_ + entry.offset);
      }
      for (std::size_t c = 0; c < count; ++c) {
        const auto i = chosen[c];
        const auto tag = tag_of(hashes[i]);
        const bool has_key = layout.has_key(records[i]);
        const auto* const first = found[i].data();
        visit(records[i], has_key ? narrow(first, first + found[i].size(), tag) : std::span<const Entry>(),
              tag);
      }
      if (n < group) return at;
    }
  }

 private:
  [[nodiscard]] static std::uint64_t buckets_for(std::uint64_t records) noexcept {
    return std::bit_ceil(std::max<std::uint64_t>(records + records / 2, 1));
  }
  [[nodiscard]] static std::uint32_t tag_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>(hash >> 32);
  }

  /// After the records: entries, starts of buckets, marks.
  void place(std::span<std::byte> memory) noexcept {
    buckets_ = static_cast<std::size_t>(buckets_for(records_));
    auto* at = memory.data() + bytes_;
    at += (8 - reinterpret_cast<std::uintptr_t>(at) % 8) % 8;
    entries_ = reinterpret_cast<Entry*>(at);
    at += records_ * sizeof(Entry);
    starts_ = reinterpret_cast<std::uint32_t*>(at);
    at += (buckets_ + 1) * sizeof(std::uint32_t);
    marks_ = at;
    std::fill_n(starts_, buckets_ + 1, 0U);
    std::fill_n(marks_, bytes_ / Layout::least_bytes / 8 + 1, std::byte{0});
  }

  template <class Visit>
  void each_with_key(Visit visit) const {
    for (std::size_t at = 0; at < bytes_; at += layout_.size(data_ + at, bytes_ - at)) {
      if (layout_.has_key(data_ + at)) visit(at, layout_.hash(data_ + at));
    }
  }

  void fill() {
    // Where the next entry of a bucket goes; when all are there, where the bucket after it starts.
    auto* const next = starts_ + 1;
    const auto mask = buckets_ - 1;
    each_with_key([&](std::size_t, std::uint64_t hash) { ++next[static_cast<std::size_t>(hash) & mask]; });
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < buckets_; ++i) {
      const auto count = next[i];
      next[i] = sum;
      sum += count;
    }
    each_with_key([&](std::size_t at, std::uint64_t hash) {
      entries_[next[static_cast<std::size_t>(hash) & mask]++] = {static_cast<std::uint32_t>(at),
                                                                 tag_of(hash)};
    });
    for (std::size_t i = 0; i < buckets_; ++i) {
      auto* const first = entries_ + starts_[i];
      auto* const last = entries_ + starts_[i + 1];
      if (last - first > most_unsorted) sort_entries(first, last);
    }
  }

  Layout layout_;
  const std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
  std::size_t records_ = 0;
  std::size_t buckets_ = 1;
  Entry* entries_ = nullptr;
  std::uint32_t* starts_ = nullptr;  ///< [buckets_ + 1]
  std::byte* marks_ = nullptr;       ///< One bit per least_bytes of records.
};

}  // namespace surd::external::detail
