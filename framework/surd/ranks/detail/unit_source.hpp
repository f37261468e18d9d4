// Hands out the missing units of one stage: contiguous stretches, long ones first (guided self-scheduling:
// Polychronopoulos and Kuck, IEEE Trans. Computers C-36(12), 1987).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "surd/ranks/data_job.hpp"
#include "surd/ranks/scheduler.hpp"
#include "surd/stream/stage.hpp"
#include "surd/sweep/point_set.hpp"

namespace surd::ranks::detail {

/// Units that no artifact covers. `artifacts` are ordered and do not overlap.
[[nodiscard]] std::vector<sweep::Run> missing_units(const std::vector<stream::Artifact>& artifacts,
                                                    std::uint64_t units);

class UnitSource final : public WorkSource {
 public:
  struct Limits {
    int ranks = 1;
    std::uint64_t least_bytes = 0;  ///< Of a stretch, while there is more than a share of this for each rank.
    std::uint64_t most_bytes = 0;
  };
  /// `stage`, `state` and `observe` must outlive it. Sets the stage's numbers in `state`.
  UnitSource(const stream::Stage& stage, const std::vector<sweep::Run>& missing, Limits limits,
             DataJobState& state, const std::function<void(const DataJobState&)>& observe);

  Answer next(int rank, sweep::Batch& batch) override;
  void finished(int rank, const sweep::Batch& batch, const Report& report) override;
  void stop_requested() override { stopping_ = true; }
  void point_failed(const std::string&) override {}
  bool upkeep() override;

 private:
  [[nodiscard]] double now() const;

  const stream::Stage& stage_;
  std::deque<sweep::Run> missing_;
  Limits limits_;
  DataJobState& state_;
  const std::function<void(const DataJobState&)>& observe_;
  std::uint64_t bytes_left_ = 0;  ///< Of what is not handed out.
  double start_;
  double last_state_ = 0;
  bool stopping_ = false;
};

}  // namespace surd::ranks::detail
