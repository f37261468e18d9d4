#include "surd/external/detail/entry_sort.hpp"

#include <algorithm>

#include "surd/external/detail/vqsort.hpp"

namespace surd::external::detail {
namespace {

/// Groups up to this size are sorted by comparing whole keys.
constexpr std::size_t small_group = 16;

class TieSorter {
 public:
  TieSorter(const Order& order, const Locator& locate, EntryBits bits)
      : order_(order), locate_(locate), bits_(bits) {}

  /// Sorts each group of `entries` (sorted by bits that stand for the key from `depth`) whose bits agree.
  /// Recurs into all groups but the largest, which it returns with its depth: recursion is O(log n) deep.
  struct Rest {
    std::span<std::uint64_t> entries;
    std::size_t depth = 0;
  };
  Rest sort_groups(std::span<std::uint64_t> entries, std::size_t depth) {
    const auto next_depth = depth + (64 - bits_.bits) / 8;
    Rest largest{{}, next_depth};
    for (std::size_t begin = 0; begin < entries.size();) {
      const auto group = entries.subspan(begin, group_size(entries, begin));
      begin += group.size();
      if (group.size() == 1) continue;
      if (group.size() <= small_group) {
        sort_small(group, next_depth);
      } else if (group.size() > largest.entries.size()) {
        if (!largest.entries.empty()) sort(largest.entries, next_depth);
        largest.entries = group;
      } else {
        sort(group, next_depth);
      }
    }
    return largest;
  }

  /// Sorts records that agree in the first `depth` bytes.
  void sort(std::span<std::uint64_t> entries, std::size_t depth) {
    while (!entries.empty()) {
      depth = skip_common(entries, depth);
      if (depth == all_equal) {
        sort_by_size(entries);
        return;
      }
      for (auto& entry : entries) {
        const auto number = bits_.number(entry);
        entry = bits_.make(order_.word(locate_(number), depth), number);
      }
      vqsort(entries);
      const auto rest = sort_groups(entries, depth);
      entries = rest.entries;
      depth = rest.depth;
    }
  }

 private:
  static constexpr std::size_t all_equal = ~std::size_t{0};

  [[nodiscard]] std::size_t group_size(std::span<const std::uint64_t> entries, std::size_t begin) const {
    const auto key = entries[begin] & ~bits_.mask();
    auto end = begin + 1;
    while (end < entries.size() && (entries[end] & ~bits_.mask()) == key) ++end;
    return end - begin;
  }

  void sort_small(std::span<std::uint64_t> group, std::size_t depth) const {
    std::sort(group.begin(), group.end(), [&](std::uint64_t a, std::uint64_t b) {
      const auto order = order_.compare(locate_(bits_.number(a)), locate_(bits_.number(b)), depth);
      return order != 0 ? order < 0 : a < b;
    });
  }

  /// First byte from `depth` on in which not all keys agree, or all_equal (but for zeros at their ends).
  [[nodiscard]] std::size_t skip_common(std::span<const std::uint64_t> entries, std::size_t depth) const {
    const auto* const first = locate_(bits_.number(entries[0]));
    auto key_end = order_.key_size(first);
    for (;; depth += 8) {
      const auto word = order_.word(first, depth);
      std::uint64_t different = 0;
      for (const auto entry : entries) {
        const auto* const record = locate_(bits_.number(entry));
        different |= order_.word(record, depth) ^ word;
        key_end = std::max(key_end, order_.key_size(record));
      }
      if (different != 0) return depth + static_cast<std::size_t>(std::countl_zero(different)) / 8;
      if (depth + 8 >= key_end) return all_equal;
    }
  }

  /// Keys that are equal but for zeros at their ends: the shorter first, then by number.
  void sort_by_size(std::span<std::uint64_t> entries) const {
    for (auto& entry : entries) {
      const auto number = bits_.number(entry);
      entry = (std::uint64_t{order_.key_size(locate_(number))} << bits_.bits) | number;
    }
    vqsort(entries);
  }

  const Order& order_;
  const Locator& locate_;
  EntryBits bits_;
};

}  // namespace

void sort_entries(const Order& order, const Locator& locate, EntryBits bits,
                  std::span<std::uint64_t> entries) {
  vqsort(entries);
  TieSorter ties(order, locate, bits);
  const auto rest = ties.sort_groups(entries, 0);
  ties.sort(rest.entries, rest.depth);
}

}  // namespace surd::external::detail
