// Merging records of any kind: entries of the safe ones, in the order of their runs, are sorted as in run
// formation; ties fall to the lower number, that is, to the earlier run.
#include <algorithm>
#include <array>
#include <cstring>

#include "surd/base/error.hpp"
#include "surd/external/detail/entry_sort.hpp"
#include "surd/external/detail/merge.hpp"

namespace surd::external::detail {
namespace {

constexpr std::size_t prefetch_distance = 8;

[[noreturn]] void throw_disorder() {
  throw base::FormatError("a run is out of order: its spill file is damaged");
}

class RecordMerge final : public RecordStream {
 public:
  explicit RecordMerge(MergeParts parts)
      : order_(std::move(parts.order)),
        memory_(std::move(parts.memory)),
        out_{memory_.take(parts.shape.out_bytes), memory_.take(parts.shape.out_bytes)},
        entries_(make_span<std::uint64_t>(parts.shape.entries)),
        where_(make_span<std::uint32_t>(parts.shape.entries)),
        bits_(EntryBits::for_numbers(parts.shape.entries)),
        counts_(parts.ranges.size()),
        base_(out_[0].data()),
        feed_(*order_, parts.files, parts.ranges, parts.shape, memory_, parts.io) {
    for (const auto& range : parts.ranges) left_ += range.records;
  }

  std::span<const std::byte> next() override {
    turn_ = 1 - turn_;
    const auto out = out_[turn_];
    std::size_t filled = 0;
    for (;;) {
      if (emitted_ == batch_) {
        if (filled >= out.size() / 2 || left_ == 0) break;
        make_batch();
        check_order(fetch(0));
      }
      const auto* const record = fetch(emitted_);
      const auto bytes = order_->size(record);
      if (filled + bytes > out.size()) break;
      last_ = out.data() + filled;
      std::memcpy(out.data() + filled, record, bytes);
      filled += bytes;
      ++emitted_;
    }
    return out.first(filled);
  }

 private:
  /// Records of range i up to this one are safe: equal ones too if i comes before the bound's range, and in
  /// the bound's range up to the bound itself.
  struct Bound {
    const std::byte* record = nullptr;  ///< Null: all records are safe.
    std::uint64_t word = 0;
    std::size_t range = 0;
  };

  template <class T>
  std::span<T> make_span(std::uint64_t count) {
    const auto bytes = memory_.take(count * sizeof(T));
    return {reinterpret_cast<T*>(bytes.data()), count};
  }

  /// The i-th record of the batch; asks for one that will be needed soon.
  [[nodiscard]] const std::byte* fetch(std::size_t i) const noexcept {
    const auto locate = [&](std::size_t entry) { return base_ + where_[bits_.number(entries_[entry])]; };
    const auto* const ahead = locate(std::min(i + prefetch_distance, batch_ - 1));
    __builtin_prefetch(ahead);
    __builtin_prefetch(ahead + 64);
    return locate(i);
  }

  void check_order(const std::byte* record) const {
    if (last_ != nullptr && order_->compare(record, last_) < 0) throw_disorder();
  }

  void make_batch() {
    feed_.refill();
    auto bound = first_last();
    std::size_t ranges = 0;
    for (;;) {
      batch_ = 0;
      ranges = 0;
      std::size_t i = 0;
      for (; i < counts_.size(); ++i) {
        if (!gather(i, bound)) break;
        if (counts_[i] > 0) ++ranges;
      }
      if (i == counts_.size()) break;
      bound = tighter(i);
    }
    if (batch_ == 0) throw_disorder();
    for (std::size_t i = 0; i < counts_.size(); ++i) skip(feed_.cursors()[i], counts_[i]);
    if (ranges == 1) {
      check_ties();
    } else {
      sort_entries(*order_, {base_, 1, where_.data()}, bits_, entries_.first(batch_));
    }
    emitted_ = 0;
    left_ -= std::min<std::uint64_t>(left_, batch_);
  }

  /// The smallest last record of a block that has a successor.
  [[nodiscard]] Bound first_last() {
    Bound bound;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      const auto& cursor = feed_.cursors()[i];
      if (!cursor.more) continue;
      if (bound.record == nullptr || cursor.last_word < bound.word ||
          (cursor.last_word == bound.word && order_->compare(cursor.last, bound.record, 8) < 0)) {
        bound = {cursor.last, cursor.last_word, i};
      }
    }
    return bound;
  }

  /// Appends entries for the safe records of range i; false if they are too many.
  bool gather(std::size_t i, const Bound& bound) {
    const auto& cursor = feed_.cursors()[i];
    const auto begin = batch_;
    std::uint64_t last_word = 0;
    const auto* record = cursor.at;
    counts_[i] = 0;
    for (; record < cursor.end; record += order_->size(record)) {
      const auto word = order_->word(record, 0);
      if (bound.record != nullptr && word >= bound.word && !safe(record, word, i, bound)) break;
      if (batch_ == entries_.size()) return false;
      if (word < last_word) throw_disorder();
      last_word = word;
      where_[batch_] = static_cast<std::uint32_t>(record - base_);
      entries_[batch_] = bits_.make(word, batch_);
      counts_[i] = ++batch_ - begin;
    }
    return true;
  }

  [[nodiscard]] bool safe(const std::byte* record, std::uint64_t word, std::size_t i,
                          const Bound& bound) const {
    if (i == bound.range) return record <= bound.record;
    if (word > bound.word) return false;
    const auto order = order_->compare(record, bound.record, 8);
    return i < bound.range ? order <= 0 : order < 0;
  }

  /// After gather(i) overflowed: a bound in the middle of what the range with most records has gathered.
  [[nodiscard]] Bound tighter(std::size_t i) const {
    const auto most = std::max_element(counts_.begin(), counts_.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    const auto range = static_cast<std::size_t>(most - counts_.begin());
    std::size_t first = 0;
    for (std::size_t before = 0; before < range; ++before) first += counts_[before];
    const auto* const record = base_ + where_[first + (*most - 1) / 2];
    return {record, order_->word(record, 0), range};
  }

  void skip(RunFeed::Cursor& cursor, std::size_t records) const {
    if (order_->fixed()) {
      cursor.at += records * order_->format().record_bytes;
    } else {
      for (; records > 0; --records) cursor.at += order_->size(cursor.at);
    }
  }

  /// A batch from one range is not sorted again: what gather() did not see of its order is looked at here.
  void check_ties() const {
    for (std::size_t i = 1; i < batch_; ++i) {
      const auto* const record = base_ + where_[i];
      const auto* const before = base_ + where_[i - 1];
      const bool tie = (entries_[i] & ~bits_.mask()) == (entries_[i - 1] & ~bits_.mask());
      if (tie && order_->compare(before, record) > 0) throw_disorder();
    }
  }

  std::shared_ptr<const Order> order_;
  Workspace memory_;
  std::array<std::span<std::byte>, 2> out_;
  std::span<std::uint64_t> entries_;
  std::span<std::uint32_t> where_;
  EntryBits bits_;
  std::vector<std::size_t> counts_;  ///< Records of each range in the batch.
  const std::byte* base_;
  RunFeed feed_;
  std::size_t turn_ = 0;
  std::size_t batch_ = 0;    ///< Records in the batch,
  std::size_t emitted_ = 0;  ///< and how many of them have been put out.
  std::uint64_t left_ = 0;   ///< Records not yet in a batch.
  const std::byte* last_ = nullptr;
};

}  // namespace

std::unique_ptr<RecordStream> merge_records(MergeParts parts) {
  return std::make_unique<RecordMerge>(std::move(parts));
}

}  // namespace surd::external::detail
