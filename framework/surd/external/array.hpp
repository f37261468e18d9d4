// A growing array of which only the recently used elements are in memory: blocks of elements, the least
// recently used of which go to scratch. Reading one element reads one block, O(1) I/Os.
//
//   Array<double> array(budget, 1'000'000, files, scratch);
//   array.append(1.5);   array[0];   array.set(0, 2.5);   array.at(-1);   for (double x : array) ...
//
// Rank-local, not thread-safe: reading moves blocks, too.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "surd/base/error.hpp"
#include "surd/external/detail/page_cache.hpp"

namespace surd::external {

template <class T>
requires std::is_trivially_copyable_v<T>
class Array {
 public:
  /// Keeps at most `hot_items` (at least 2) elements in memory, which it takes from `budget`.
  /// @throws UsageError  if they do not fit.
  Array(memory::Budget& budget, std::uint64_t hot_items, storage::FileSystem& files, storage::Path scratch)
      : block_items_(block_items_for(hot_items)),
        blocks_(std::make_unique<detail::PageCache>(budget, hot_items / block_items_,
                                                    block_items_ * sizeof(T), files, std::move(scratch))) {}

  void append(const T& value) {
    put(size_, value);
    ++size_;
  }

  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  [[nodiscard]] T operator[](std::uint64_t i) const {
    base::expect(i < size_, "an array is read within its size");
    return get(i);
  }
  /// From the end if `i` is negative. @throws UsageError  beyond either end.
  [[nodiscard]] T at(std::int64_t i) const { return get(place(i)); }
  /// As at().
  void set(std::int64_t i, const T& value) { put(place(i), value); }

  /// Elements [begin, end), both from the end if negative, and cut to the array.
  [[nodiscard]] std::vector<T> slice(std::int64_t begin, std::int64_t end) const {
    const auto last = cut(end);
    std::vector<T> values;
    if (const auto first = cut(begin); first < last) {
      values.reserve(static_cast<std::size_t>(last - first));
      for (auto i = first; i < last; ++i) values.push_back(get(i));
    }
    return values;
  }

  /// Reads in order. Elements may be changed meanwhile.
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = const T*;
    using reference = T;

    Iterator() noexcept = default;
    [[nodiscard]] T operator*() const { return array_->get(i_); }
    Iterator& operator++() noexcept {
      ++i_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      auto old = *this;
      ++i_;
      return old;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.i_ == b.i_; }

   private:
    friend class Array;
    Iterator(const Array& array, std::uint64_t i) noexcept : array_(&array), i_(i) {}
    const Array* array_ = nullptr;
    std::uint64_t i_ = 0;
  };
  [[nodiscard]] Iterator begin() const noexcept { return {*this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {*this, size_}; }

  /// Elements in memory, and on scratch only.
  [[nodiscard]] std::uint64_t hot() const noexcept {
    return std::min(size_, blocks_->hot_pages() * block_items_);
  }
  [[nodiscard]] std::uint64_t cold() const noexcept { return size_ - hot(); }
  /// Blocks read from scratch so far.
  [[nodiscard]] std::uint64_t blocks_read() const noexcept { return blocks_->reads(); }

 private:
  /// Eight blocks or more, none of them larger than 64 KiB.
  static std::uint64_t block_items_for(std::uint64_t hot_items) {
    if (hot_items < 2) throw base::UsageError("an array that spills keeps 2 elements in memory at least");
    constexpr auto most = std::max<std::uint64_t>((std::size_t{64} << 10) / sizeof(T), 1);
    return std::clamp<std::uint64_t>(hot_items / 8, 1, most);
  }

  [[nodiscard]] std::uint64_t place(std::int64_t i) const {
    const auto at = i < 0 ? i + static_cast<std::int64_t>(size_) : i;
    if (at < 0 || static_cast<std::uint64_t>(at) >= size_) {
      throw base::UsageError("element " + std::to_string(i) + " of an array of " + std::to_string(size_));
    }
    return static_cast<std::uint64_t>(at);
  }
  [[nodiscard]] std::uint64_t cut(std::int64_t i) const noexcept {
    const auto size = static_cast<std::int64_t>(size_);
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(i < 0 ? i + size : i, 0, size));
  }

  [[nodiscard]] T get(std::uint64_t i) const {
    T value;
    std::memcpy(&value, blocks_->read(i / block_items_).data() + i % block_items_ * sizeof(T), sizeof(T));
    return value;
  }
  void put(std::uint64_t i, const T& value) {
    std::memcpy(blocks_->change(i / block_items_).data() + i % block_items_ * sizeof(T), &value, sizeof(T));
  }

  std::uint64_t block_items_;
  std::uint64_t size_ = 0;
  std::unique_ptr<detail::PageCache> blocks_;
};

}  // namespace surd::external
