#include "surd/external/detail/vqsort.hpp"

#include <algorithm>

#include <hwy/contrib/sort/vqsort.h>

namespace surd::external::detail {
namespace {

/// Below this, starting vqsort costs more than it saves.
constexpr std::size_t small = 48;

template <class T>
void sort(std::span<T> keys) {
  if (std::is_sorted(keys.begin(), keys.end())) return;
  if (keys.size() <= small) {
    std::sort(keys.begin(), keys.end());
    return;
  }
  // Holds a few hundred bytes of scratch, made once. Only u32 and u64: Highway 1.0.3 sorts wider keys
  // wrongly.
  static thread_local const hwy::Sorter sorter;
  sorter(keys.data(), keys.size(), hwy::SortAscending());
}

}  // namespace

void vqsort(std::span<std::uint32_t> keys) { sort(keys); }
void vqsort(std::span<std::uint64_t> keys) { sort(keys); }

}  // namespace surd::external::detail
