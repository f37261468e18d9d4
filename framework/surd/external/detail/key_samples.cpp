#include "surd/external/detail/key_samples.hpp"

#include <algorithm>

namespace surd::external::detail {
namespace {

constexpr std::uint64_t most_samples = 1 << 15;

std::strong_ordering compare_words(std::span<const std::uint64_t> a,
                                   std::span<const std::uint64_t> b) noexcept {
  return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

/// Goes through all samples in the order of their keys. Before a group of equal keys h is passed, last[i] is
/// the number of records of run i known to be below h, next[i] that of records not known to be at least h.
class KeySamples::Sweep {
 public:
  Sweep(const KeySamples& samples, std::size_t cuts)
      : samples_(samples), result(cuts, std::vector<Bracket>(samples.runs_.size())) {
    const auto runs = samples.runs_.size();
    last_.resize(runs);
    for (std::size_t i = 0; i < runs; ++i) {
      next_.push_back(samples.entries_[i].size() > 0 ? samples.entries_[i].record(0)
                                                     : samples.runs_[i].records);
      next_sum_ += next_[i];
    }
  }

  void pass(std::span<const Sample> group, const std::vector<std::uint64_t>& cuts) {
    for (; highs_ < cuts.size() && last_sum_ >= cuts[highs_]; ++highs_) set_high(next_);
    for (const auto& sample : group) {
      const auto& entries = samples_.entries_[sample.run];
      const auto following = sample.entry + std::size_t{1};
      const auto next =
          following < entries.size() ? entries.record(following) : samples_.runs_[sample.run].records;
      next_sum_ += next - next_[sample.run];
      next_[sample.run] = next;
    }
    // Fewer than next_sum_ records are at most h: cuts before that are not known to lie after h.
    for (; lows_ < cuts.size() && next_sum_ > cuts[lows_]; ++lows_) set_low();
    for (const auto& sample : group) {
      const auto last = samples_.entries_[sample.run].record(sample.entry) + 1;
      last_sum_ += last - last_[sample.run];
      last_[sample.run] = last;
    }
  }

  void finish(const std::vector<std::uint64_t>& cuts) {
    for (; lows_ < cuts.size(); ++lows_) set_low();
    for (; highs_ < cuts.size() && last_sum_ >= cuts[highs_]; ++highs_) set_high(next_);
    std::vector<std::uint64_t> all;
    for (const auto& run : samples_.runs_) all.push_back(run.records);
    for (; highs_ < cuts.size(); ++highs_) set_high(all);
  }

 private:
  void set_low() {
    for (std::size_t i = 0; i < last_.size(); ++i) result[lows_][i].low = last_[i];
  }
  void set_high(const std::vector<std::uint64_t>& counts) {
    for (std::size_t i = 0; i < counts.size(); ++i) result[highs_][i].high = counts[i];
  }

  const KeySamples& samples_;
  std::vector<std::uint64_t> last_;
  std::vector<std::uint64_t> next_;
  std::uint64_t last_sum_ = 0;
  std::uint64_t next_sum_ = 0;
  std::size_t lows_ = 0;   ///< Cuts whose low is known,
  std::size_t highs_ = 0;  ///< and high.

 public:
  std::vector<std::vector<Bracket>> result;
};

KeySamples::KeySamples(const Order& order, const RunFiles& files, const std::vector<Run>& runs)
    : order_(order), runs_(runs) {
  const auto& format = order.format();
  const std::byte* const none = nullptr;
  whole_keys_ = order.fixed() && order.key_size(none) <= 8 * most_key_words;
  std::uint64_t all = 0;
  for (const auto& run : runs) all += index_size(format, run);
  const auto step = std::max<std::uint64_t>(1, (all + most_samples - 1) / most_samples);
  for (const auto& run : runs) {
    entries_.push_back(read_index(format, files, run, 0, index_size(format, run), step));
  }
}

std::strong_ordering KeySamples::compare(const Sample& a, const Sample& b) const noexcept {
  return compare_words(entries_[a.run].key(a.entry), entries_[b.run].key(b.entry));
}

std::vector<KeySamples::Sample> KeySamples::in_order() const {
  std::size_t count = 0;
  for (const auto& entries : entries_) count += entries.size();
  std::vector<Sample> samples;
  samples.reserve(count);
  for (std::uint32_t run = 0; run < entries_.size(); ++run) {
    for (std::uint32_t entry = 0; entry < entries_[run].size(); ++entry) samples.push_back({run, entry});
  }
  std::sort(samples.begin(), samples.end(), [&](const Sample& a, const Sample& b) {
    const auto order = compare(a, b);
    if (order != 0) return order < 0;
    return a.run != b.run ? a.run < b.run : a.entry < b.entry;
  });
  return samples;
}

std::vector<std::vector<Bracket>> KeySamples::brackets(const std::vector<std::uint64_t>& cuts) const {
  const auto samples = in_order();
  Sweep sweep(*this, cuts.size());
  for (std::size_t begin = 0; begin < samples.size();) {
    auto end = begin + 1;
    while (end < samples.size() && compare(samples[begin], samples[end]) == 0) ++end;
    sweep.pass(std::span(samples).subspan(begin, end - begin), cuts);
    begin = end;
  }
  sweep.finish(cuts);
  return std::move(sweep.result);
}

void KeySamples::narrow(std::size_t run, const std::byte* pivot, bool or_equal, Bracket& bracket) const {
  const auto& entries = entries_[run];
  std::vector<std::uint64_t> key(entries.key_words);
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = order_.word(pivot, 8 * i);
  // First entry whose key is after (at least, unless `below`) the pivot's.
  const auto first = [&](bool after) {
    std::size_t low = 0;
    std::size_t high = entries.size();
    while (low < high) {
      const auto middle = low + (high - low) / 2;
      const auto order = compare_words(entries.key(middle), key);
      (order < 0 || (after && order == 0) ? low : high) =
          order < 0 || (after && order == 0) ? middle + 1 : middle;
    }
    return low;
  };
  const auto below = first(whole_keys_ && or_equal);
  const auto above = first(!whole_keys_ || or_equal);
  if (below > 0) bracket.low = std::max(bracket.low, entries.record(below - 1) + 1);
  if (above < entries.size()) bracket.high = std::min(bracket.high, entries.record(above));
  bracket.low = std::min(bracket.low, bracket.high);
}

}  // namespace surd::external::detail
