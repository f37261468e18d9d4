// What a run did over time, in bounded memory: when the samples are full, every second one goes and the
// interval doubles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "surd/base/json.hpp"
#include "surd/ranks/sweep.hpp"

namespace surd::batch {

class Timeline {
 public:
  /// Keeps at most `most_samples`, fewer with more than 128 ranks.
  explicit Timeline(std::size_t most_samples = 512) : most_samples_(most_samples) {}

  /// Adds a sample unless the last one is younger than the interval.
  void add(const ranks::SweepState& state);

  /// {"seconds": [...], "done": [...], "failed": [...], "ranks": [{"rank", "host", "busy",
  /// "resident_bytes"}]}
  [[nodiscard]] base::Json describe() const;
  [[nodiscard]] std::size_t samples() const noexcept { return samples_.size(); }

 private:
  struct RankSample {
    float busy;
    std::uint64_t resident_bytes;
  };
  struct Sample {
    double seconds;
    std::uint64_t done;
    std::uint64_t failed;
    std::vector<RankSample> ranks;
  };

  std::size_t most_samples_;
  double interval_seconds_ = 0.1;
  std::vector<Sample> samples_;
  std::vector<std::string> hosts_;
};

}  // namespace surd::batch
