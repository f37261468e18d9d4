#include "surd/batch/timeline.hpp"

#include <algorithm>
#include <cmath>

namespace surd::batch {
namespace {

constexpr std::size_t most_rank_samples = 65'536;

double rounded(double value, double unit) { return std::round(value / unit) * unit; }

}  // namespace

void Timeline::add(const ranks::SweepState& state) {
  if (!samples_.empty() && state.seconds - samples_.back().seconds < interval_seconds_) return;
  const auto ranks = std::max<std::size_t>(1, state.ranks.size());
  const auto most = std::min(most_samples_, std::max<std::size_t>(32, most_rank_samples / ranks));
  if (samples_.size() >= most) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < samples_.size(); i += 2) samples_[kept++] = std::move(samples_[i]);
    samples_.resize(kept);
    interval_seconds_ = std::max(2 * interval_seconds_, state.seconds / static_cast<double>(most));
  }
  Sample sample{state.seconds, state.done, state.failed, {}};
  for (const auto& rank : state.ranks)
    sample.ranks.push_back({static_cast<float>(rank.busy), rank.resident_bytes});
  samples_.push_back(std::move(sample));
  hosts_.clear();
  for (const auto& rank : state.ranks) hosts_.push_back(rank.host);
}

base::Json Timeline::describe() const {
  using base::Json;
  Json all = {{"seconds", Json::array()},
              {"done", Json::array()},
              {"failed", Json::array()},
              {"ranks", Json::array()}};
  for (const auto& sample : samples_) {
    all["seconds"].push_back(rounded(sample.seconds, 1e-3));
    all["done"].push_back(sample.done);
    all["failed"].push_back(sample.failed);
  }
  for (std::size_t rank = 0; rank < hosts_.size(); ++rank) {
    Json one = {
        {"rank", rank}, {"host", hosts_[rank]}, {"busy", Json::array()}, {"resident_bytes", Json::array()}};
    for (const auto& sample : samples_) {
      const bool known = rank < sample.ranks.size();
      one["busy"].push_back(known ? rounded(static_cast<double>(sample.ranks[rank].busy), 1e-3) : 0.0);
      one["resident_bytes"].push_back(known ? sample.ranks[rank].resident_bytes : 0);
    }
    all["ranks"].push_back(std::move(one));
  }
  return all;
}

}  // namespace surd::batch
