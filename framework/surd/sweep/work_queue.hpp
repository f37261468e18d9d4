// The points a job still has to compute, in the order in which to hand them out.
//
// A point passes three stages: *open* (nobody's), *claimed* (this job's, by its lease), *taken* (some
// rank's). claim_next() proposes the next open points in order; admit() makes what the lease granted
// takeable; take() cuts batches off. The order is that of positions, or longest first once a cost model can
// tell points apart: by single points if there are few, by chunks if there are few chunks. Memory: the open
// points as a PointSet, and at most 2^16 units of the order.
//
// Longest first is Graham's LPT rule ("Bounds on multiprocessing timing anomalies", SIAM J. Appl. Math.
// 17(2), 1969, doi:10.1137/0117039); batches shrink as the work runs out (guided self-scheduling:
// Polychronopoulos and Kuck, IEEE Trans. Computers C-36(12), 1987, doi:10.1109/TC.1987.5009495).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "surd/sweep/cost_model.hpp"
#include "surd/sweep/grid.hpp"
#include "surd/sweep/point_set.hpp"

namespace surd::sweep {

/// Some points for one rank; travels as a message.
struct Batch {
  static constexpr std::size_t max_runs = 14;
  std::uint64_t run_count = 0;
  std::array<Run, max_runs> runs{};

  [[nodiscard]] std::uint64_t points() const noexcept;
};

class WorkQueue {
 public:
  /// `grid` must outlive it.
  WorkQueue(const Grid& grid, PointSet open);

  /// Sorts the open points by cost, longest first. O(units log units).
  void sort(const CostModel& costs);

  /// The next `points` open points in order that are not in `avoid`; from the start again after the end.
  [[nodiscard]] PointSet claim_next(std::uint64_t points, const PointSet& avoid);
  /// Open points that may be taken from now on.
  void admit(const PointSet& claimed);
  /// Claimed and open points that another job has stored.
  void drop(const PointSet& stored);

  struct BatchLimits {
    std::uint64_t points = 1;
    double seconds = 0;        ///< Stop after about this much work, if costs are known; 0: no limit.
    double longest_point = 0;  ///< Leave out points expected to take longer (they stay claimed); 0: no limit.
  };
  /// The next batch of claimed points; empty if there are none. `costs` may be null. Amortised O(1).
  [[nodiscard]] Batch take(const BatchLimits& limits, const CostModel* costs);

  [[nodiscard]] std::uint64_t open() const noexcept { return open_count_; }        ///< Not claimed.
  [[nodiscard]] std::uint64_t claimed() const noexcept { return claimed_count_; }  ///< Claimed, not taken.
  /// Claimed, not taken.
  [[nodiscard]] PointSet claimed_points() const;
  [[nodiscard]] const PointSet& open_points() const noexcept { return open_; }
  [[nodiscard]] bool sorted() const noexcept { return !units_.empty(); }

 private:
  /// Points admitted together, and how far they are taken.
  struct Tranche {
    PointSet points;
    std::size_t unit = 0;        ///< Next unit of the order to look at (if sorted).
    std::uint64_t position = 0;  ///< Everything before it (in this unit) is taken.
    std::uint64_t left = 0;
  };
  [[nodiscard]] Run unit_run(std::uint64_t unit) const;
  bool next_run(Tranche& tranche, std::uint64_t limit, Run& run) const;

  const Grid& grid_;
  PointSet open_;
  std::uint64_t open_count_ = 0;
  std::uint64_t claimed_count_ = 0;
  std::deque<Tranche> tranches_;
  bool units_are_points_ = false;
  std::vector<std::uint64_t> units_;  ///< Points or chunks, longest first; empty: order of positions.
  std::size_t claim_unit_ = 0;
  std::uint64_t claim_position_ = 0;
};

}  // namespace surd::sweep
