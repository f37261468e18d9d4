// Merging records that are one number each.
#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "surd/base/error.hpp"
#include "surd/external/detail/merge.hpp"
#include "surd/external/detail/vqsort.hpp"

namespace surd::external::detail {
namespace {

template <class T>
class ScalarMerge final : public RecordStream {
 public:
  explicit ScalarMerge(MergeParts parts)
      : order_(std::move(parts.order)),
        memory_(std::move(parts.memory)),
        out_{out_buffer(parts.shape), out_buffer(parts.shape)},
        safe_(parts.ranges.size()),
        feed_(*order_, parts.files, parts.ranges, parts.shape, memory_, parts.io) {
    for (const auto& range : parts.ranges) left_ += range.records;
  }

  std::span<const std::byte> next() override {
    turn_ = 1 - turn_;
    const auto out = out_[turn_];
    std::size_t filled = 0;
    while (filled < out.size() / 2 && left_ > 0) {
      const auto batch = out.subspan(filled, fill(out.subspan(filled)));
      vqsort(batch);
      if (batch.empty() || batch.front() < last_) {
        throw base::FormatError("a run is out of order: its spill file is damaged");
      }
      last_ = batch.back();
      filled += batch.size();
      left_ -= std::min<std::uint64_t>(left_, batch.size());
    }
    const auto merged = out.first(filled);
    order_->from_keys(merged);
    return std::as_bytes(merged);
  }

 private:
  static constexpr std::size_t first_keys = 16;
  static constexpr std::size_t prefetched_ahead = 8;

  std::span<T> out_buffer(const MergeShape& shape) {
    const auto bytes = memory_.take(shape.out_bytes);
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  static std::span<const T> rest(const RunFeed::Cursor& cursor) {
    return {reinterpret_cast<const T*>(cursor.at), reinterpret_cast<const T*>(cursor.end)};
  }

  /// Gathers the next keys, as many as are safe and fit; returns how many.
  std::size_t fill(std::span<T> out) {
    feed_.refill();
    auto bound = std::numeric_limits<T>::max();
    for (const auto& cursor : feed_.cursors()) {
      if (cursor.more) bound = std::min(bound, static_cast<T>(cursor.last_word));
    }
    if (gather(bound, out)) return take_gathered();
    if (count_fitting(bound, out.size()) == 0) return take_copies(bound_, out);
    base::expect(gather(bound_, out), "keys that were counted do not fit");
    return take_gathered();
  }

  /// Copies all keys <= bound, and sets safe_ to their number in each range; false if they do not fit.
  bool gather(T bound, std::span<T> out) {
    std::size_t filled = 0;
    for (std::size_t i = 0; i < safe_.size(); ++i) {
      prefetch_after(i);
      const auto keys = rest(feed_.cursors()[i]);
      safe_[i] = leading(keys, bound);
      if (safe_[i] > out.size() - filled) return false;
      copy(keys, safe_[i], out.subspan(filled));
      filled += safe_[i];
    }
    return true;
  }

  /// The first `count` of `keys`; mostly few, so what lies behind them may come along.
  static void copy(std::span<const T> keys, std::size_t count, std::span<T> out) {
    if (count <= first_keys && keys.size() >= first_keys && out.size() >= first_keys) {
      std::memcpy(out.data(), keys.data(), first_keys * sizeof(T));
    } else {
      std::memcpy(out.data(), keys.data(), count * sizeof(T));
    }
  }

  /// Goes on behind safe_; returns how many keys that are.
  std::size_t take_gathered() {
    std::size_t taken = 0;
    for (std::size_t i = 0; i < safe_.size(); ++i) {
      feed_.cursors()[i].at += safe_[i] * sizeof(T);
      taken += safe_[i];
    }
    return taken;
  }

  /// Of keys <= bound.
  std::size_t count_safe(T bound) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < safe_.size(); ++i) {
      prefetch_after(i);
      sum += leading(rest(feed_.cursors()[i]), bound);
    }
    return sum;
  }

  void prefetch_after(std::size_t i) {
    __builtin_prefetch(feed_.cursors()[std::min(i + prefetched_ahead, safe_.size() - 1)].at);
  }

  /// Keys <= bound at the beginning of sorted `keys`. Mostly few, so the first are counted some at a time,
  /// without a branch that nobody can foresee; then the search goes on with growing steps.
  static std::size_t leading(std::span<const T> keys, T bound) {
    std::size_t step = 0;
    for (; step < 4 * first_keys; step += first_keys) {
      if (keys.size() - step < first_keys) return step + not_above(keys.subspan(step), bound);
      const auto count = not_above(keys.subspan(step).template first<first_keys>(), bound);
      if (count < first_keys) return step + count;
    }
    while (step < keys.size() && keys[step] <= bound) step *= 2;
    const auto begin = keys.begin() + static_cast<std::ptrdiff_t>(step / 2);
    const auto end = keys.begin() + static_cast<std::ptrdiff_t>(std::min(step, keys.size()));
    return static_cast<std::size_t>(std::upper_bound(begin, end, bound) - keys.begin());
  }

  template <std::size_t Count>
  static std::size_t not_above(std::span<const T, Count> keys, T bound) {
    std::size_t count = 0;
    for (const auto key : keys) count += key <= bound ? 1 : 0;
    return count;
  }

  /// More keys than fit are <= high: finds a smaller bound_ by bisection, good enough when it fills half.
  /// Returns how many are <= bound_: 0 if copies of the smallest key alone, which bound_ is then, are too
  /// many.
  std::size_t count_fitting(T high, std::size_t most) {
    auto low = std::numeric_limits<T>::max();
    for (const auto& cursor : feed_.cursors()) {
      if (!rest(cursor).empty()) low = std::min(low, rest(cursor).front());
    }
    std::size_t best = 0;
    T best_bound = 0;
    while (low < high && best < most / 2) {
      const T middle = low + (high - low) / 2;
      const auto safe = count_safe(middle);
      if (safe > most) {
        high = middle;
      } else {
        best = safe;
        best_bound = middle;
        low = middle + 1;
      }
    }
    bound_ = best > 0 ? best_bound : low;
    return best;
  }

  /// Copies of `key`, the smallest there is, until `out` is full.
  std::size_t take_copies(T key, std::span<T> out) {
    std::size_t filled = 0;
    for (std::size_t i = 0; i < safe_.size(); ++i) {
      const auto keys = rest(feed_.cursors()[i]);
      safe_[i] = std::min(leading(keys, key), out.size() - filled);
      copy(keys, safe_[i], out.subspan(filled));
      filled += safe_[i];
    }
    return take_gathered();
  }

  std::shared_ptr<const Order> order_;
  Workspace memory_;
  std::array<std::span<T>, 2> out_;
  std::size_t turn_ = 0;
  std::vector<std::size_t> safe_;
  RunFeed feed_;
  std::uint64_t left_ = 0;
  T bound_ = 0;
  T last_ = 0;
};

}  // namespace

std::unique_ptr<RecordStream> merge_scalars(MergeParts parts) {
  if (parts.order->scalar_bytes() == 4) return std::make_unique<ScalarMerge<std::uint32_t>>(std::move(parts));
  return std::make_unique<ScalarMerge<std::uint64_t>>(std::move(parts));
}

}  // namespace surd::external::detail
