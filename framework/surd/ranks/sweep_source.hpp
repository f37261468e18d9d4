// Rank 0's side of a sweep: which points are missing, which are this job's, who gets which next.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "surd/ranks/scheduler.hpp"
#include "surd/ranks/sweep.hpp"
#include "surd/sweep/cost_model.hpp"
#include "surd/sweep/lease.hpp"
#include "surd/sweep/memo.hpp"
#include "surd/sweep/work_queue.hpp"

namespace surd::ranks {

class SweepSource final : public WorkSource {
 public:
  /// `hosts`: of each leader. Scans the memo. The references must outlive it.
  SweepSource(storage::FileSystem& files, const sweep::Definition& definition, const SweepOptions& options,
              std::vector<std::string> hosts, const SweepObserver& observe);

  Answer next(int rank, sweep::Batch& batch) override;
  void finished(int rank, const sweep::Batch& batch, const Report& report) override;
  void stop_requested() override { stopping_ = true; }
  void point_failed(const std::string& text) override { state_.last_failure = text; }
  bool upkeep() override;

  /// After all ranks have closed their segments: the final state, and the lease given back.
  [[nodiscard]] SweepResult conclude();

 private:
  [[nodiscard]] double elapsed() const;
  [[nodiscard]] double seconds_left() const;
  [[nodiscard]] bool memory_allows(int rank) const;
  [[nodiscard]] sweep::WorkQueue::BatchLimits limits() const;
  bool claim_more();
  void look_at_neighbours();
  void take_over_stored();
  void sort_by_cost();
  void update_state(double now);

  const SweepOptions& options_;
  const SweepObserver& observe_;
  std::chrono::steady_clock::time_point start_;
  sweep::CostModel costs_;
  sweep::Memo memo_;
  sweep::Leases leases_;
  std::optional<sweep::WorkQueue> queue_;
  std::vector<std::vector<sweep::Batch>> running_;  ///< Per leader.
  std::vector<double> busy_seconds_;                ///< Per leader, in points, reported.
  std::vector<double> last_report_;
  SweepState state_;
  sweep::PointSet excluded_;
  std::uint64_t claim_points_ = 0;  ///< Size of the last claim.
  std::uint64_t point_bytes_ = 0;   ///< Largest memory of one point seen.
  double sorted_at_ = 0;            ///< Observations when the queue was last sorted.
  double last_claim_ = -1;
  double last_look_ = 0;
  double last_state_ = 0;
  std::uint64_t computed_at_last_state_ = 0;
  bool had_neighbours_ = false;
  bool stopping_ = false;
  bool too_many_failures_ = false;
  bool out_of_time_ = false;
};

}  // namespace surd::ranks
