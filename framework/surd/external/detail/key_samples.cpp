#include "surd/external/detail/key_samples.hpp"

#include <algorithm>

namespace surd::external::detail {
namespace {

/// Of an index entry: with what all entries have in common left out, few of them are still alike.
constexpr std::size_t sampled_words = 4;

}  // namespace

/// Goes through all samples in their order. Before a group of samples h whose order is unknown is passed,
/// last[i] is the number of samples of run i known to be before h, next[i] that of samples not known to be at
/// or after h.
class KeySamples::Sweep {
 public:
  Sweep(const KeySamples& samples, const std::vector<Bracket>& within, std::size_t cuts)
      : result(cuts, std::vector<Bracket>(within.size())),
        samples_(samples),
        within_(within),
        last_(samples.begins_.begin(), samples.begins_.end() - 1),
        next_(last_) {
    for (std::size_t run = 0; run < within.size(); ++run) {
      last_sum_ += within[run].low;
      next_sum_ += upper(run, next_[run]);
    }
  }

  void pass(std::span<const Place> group, const std::vector<std::uint64_t>& cuts) {
    for (; highs_ < cuts.size() && last_sum_ >= cuts[highs_]; ++highs_) set_high();
    for (const auto& place : group) {
      const auto before = upper(place.run, next_[place.run]);
      next_sum_ += upper(place.run, ++next_[place.run]) - before;
    }
    // At most next_sum_ records are at most h: cuts before that are not known to lie after h.
    for (; lows_ < cuts.size() && next_sum_ > cuts[lows_]; ++lows_) set_low();
    for (const auto& place : group) {
      const auto before = lower(place.run, last_[place.run]);
      last_sum_ += lower(place.run, ++last_[place.run]) - before;
    }
  }

  void finish(const std::vector<std::uint64_t>& cuts) {
    for (; lows_ < cuts.size(); ++lows_) set_low();
    for (; highs_ < cuts.size(); ++highs_) set_high();
  }

 private:
  /// Records of `run` known to be before what follows its sample before `end`.
  [[nodiscard]] std::uint64_t lower(std::size_t run, std::size_t end) const {
    return end == samples_.begins_[run] ? within_[run].low : samples_.samples_[end - 1].record + 1;
  }
  /// Records of `run` before its sample `end`.
  [[nodiscard]] std::uint64_t upper(std::size_t run, std::size_t end) const {
    return end == samples_.begins_[run + 1] ? within_[run].high : samples_.samples_[end].record;
  }

  void set_low() {
    for (std::size_t run = 0; run < last_.size(); ++run) {
      auto& bracket = result[lows_][run];
      const bool first = last_[run] == samples_.begins_[run];
      bracket.low = lower(run, last_[run]);
      bracket.begin_record = first ? within_[run].begin_record : samples_.samples_[last_[run] - 1].record;
      bracket.begin_byte = first ? within_[run].begin_byte : samples_.samples_[last_[run] - 1].byte;
    }
  }
  void set_high() {
    for (std::size_t run = 0; run < next_.size(); ++run) {
      auto& bracket = result[highs_][run];
      const bool end = next_[run] == samples_.begins_[run + 1];
      bracket.high = upper(run, next_[run]);
      bracket.end_byte = end ? within_[run].end_byte : samples_.samples_[next_[run]].byte;
    }
  }

 public:
  std::vector<std::vector<Bracket>> result;

 private:
  const KeySamples& samples_;
  const std::vector<Bracket>& within_;
  std::vector<std::size_t> last_;  ///< Number, among all samples, of the first one not counted.
  std::vector<std::size_t> next_;
  std::uint64_t last_sum_ = 0;  ///< Records.
  std::uint64_t next_sum_ = 0;
  std::size_t lows_ = 0;   ///< Cuts whose low is known,
  std::size_t highs_ = 0;  ///< and high.
};

KeySamples::KeySamples(std::size_t runs, std::size_t samples, std::size_t words) : begins_(runs + 1, 0) {
  samples_.reserve(samples);
  words_.reserve(samples * words);
}

void KeySamples::add(std::uint64_t record, std::uint64_t byte, std::uint64_t key_bytes,
                     std::uint64_t known_bytes, std::span<const std::uint64_t> words) {
  samples_.push_back({record, byte, key_bytes > known_bytes ? truncated : key_bytes,
                      static_cast<std::uint32_t>(words_.size()), static_cast<std::uint32_t>(words.size())});
  words_.insert(words_.end(), words.begin(), words.end());
}

void KeySamples::end_run() { begins_[++run_] = samples_.size(); }

std::strong_ordering KeySamples::compare(const Place& a, const Place& b) const noexcept {
  if (a.word != b.word) return a.word <=> b.word;
  const auto& left = samples_[a.sample];
  const auto& right = samples_[b.sample];
  // Of keys of different length, the words of the shorter one end with zeros: it is a prefix of the other.
  const auto words = std::min(left.words, right.words);
  const auto* const x = words_.data() + left.first_word;
  const auto* const y = words_.data() + right.first_word;
  for (std::uint32_t i = 1; i < words; ++i) {
    if (x[i] != y[i]) return x[i] <=> y[i];
  }
  return left.key_bytes <=> right.key_bytes;
}

bool KeySamples::alike(const Place& a, const Place& b) const noexcept {
  return compare(a, b) == 0 && samples_[a.sample].key_bytes == truncated;
}

std::vector<KeySamples::Place> KeySamples::in_order() const {
  std::vector<Place> places;
  places.reserve(samples_.size());
  for (std::uint32_t run = 0; run < run_; ++run) {
    for (auto i = begins_[run]; i < begins_[run + 1]; ++i) {
      const auto word = samples_[i].words > 0 ? words_[samples_[i].first_word] : 0;
      places.push_back({word, static_cast<std::uint32_t>(i), run});
    }
  }
  // Equal keys in the order of their runs, and in a run in its own: as merging puts them.
  std::sort(places.begin(), places.end(), [&](const Place& a, const Place& b) {
    const auto order = compare(a, b);
    return order != 0 ? order < 0 : a.sample < b.sample;
  });
  return places;
}

std::vector<std::vector<Bracket>> KeySamples::brackets(const std::vector<std::uint64_t>& cuts,
                                                       const std::vector<Bracket>& within) const {
  const auto places = in_order();
  Sweep sweep(*this, within, cuts.size());
  for (std::size_t begin = 0; begin < places.size();) {
    auto end = begin + 1;
    while (end < places.size() && alike(places[begin], places[end])) ++end;
    sweep.pass(std::span(places).subspan(begin, end - begin), cuts);
    begin = end;
  }
  sweep.finish(cuts);
  return std::move(sweep.result);
}

namespace {

/// How many words all entries have in common: those that the first and the last of every run have.
std::size_t common_words(const RecordFormat& format, const RunFiles& files, const std::vector<Run>& runs) {
  auto common = key_words(format);
  std::vector<std::uint64_t> words;
  for (const auto& run : runs) {
    const auto entries = index_size(format, run);
    if (entries == 0) continue;
    IndexReader reader(format, files, run);
    for (const auto i : {std::uint64_t{0}, entries - 1}) {
      const auto other = reader.entry(i).words;
      if (words.empty()) words.assign(other.begin(), other.end());
      const auto end = words.begin() + static_cast<std::ptrdiff_t>(common);
      common =
          static_cast<std::size_t>(std::mismatch(words.begin(), end, other.begin()).first - words.begin());
    }
  }
  return common;
}

}  // namespace

KeySamples sample_indices(const Order& order, const RunFiles& files, const std::vector<Run>& runs,
                          std::uint64_t most) {
  const auto& format = order.format();
  std::uint64_t all = 0;
  for (const auto& run : runs) all += index_size(format, run);
  const auto step = std::max<std::uint64_t>(1, (all + most - 1) / most);
  const auto skipped = common_words(format, files, runs);
  const auto kept = std::min(sampled_words, key_words(format) - skipped);
  KeySamples samples(runs.size(), all / step + runs.size(), kept);
  for (const auto& run : runs) {
    IndexReader reader(format, files, run);
    const auto entries = index_size(format, run);
    for (std::uint64_t i = 0; i < entries; i += step) {
      const auto entry = reader.entry(i);
      samples.add(entry.record, entry.byte, entry.key_bytes, 8 * (skipped + kept),
                  entry.words.subspan(skipped, kept));
    }
    samples.end_run();
  }
  return samples;
}

}  // namespace surd::external::detail
