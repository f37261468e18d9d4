// Entries of a bucket of a JoinTable.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

namespace surd::external::detail {

struct JoinEntry {
  std::uint32_t offset;  ///< Of the record.
  std::uint32_t tag;     ///< Upper half of its hash.
};

/// Longer buckets are sorted.
inline constexpr std::ptrdiff_t most_unsorted = 16;

/// By tag; entries of one tag in order of their records.
inline void sort_entries(JoinEntry* first, JoinEntry* last) {
  const auto before = [](const JoinEntry& a, const JoinEntry& b) {
    return a.tag != b.tag ? a.tag < b.tag : a.offset < b.offset;
  };
  if (!std::is_sorted(first, last, before)) std::sort(first, last, before);
}

/// From the first entry of a bucket with `tag` on; exactly those with `tag` in long buckets.
[[nodiscard]] inline std::span<const JoinEntry> narrow(const JoinEntry* first, const JoinEntry* last,
                                                       std::uint32_t tag) noexcept {
  if (last - first > most_unsorted) {
    first = std::partition_point(first, last, [&](const JoinEntry& entry) { return entry.tag < tag; });
    last = std::partition_point(first, last, [&](const JoinEntry& entry) { return entry.tag == tag; });
  } else {
    while (first != last && first->tag != tag) ++first;
  }
  return {first, last};
}

}  // namespace surd::external::detail
