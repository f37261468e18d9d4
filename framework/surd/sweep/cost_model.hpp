// What the next points will cost: from the job's own cost expression, or learned from points that were
// measured.
//
// The learned estimate is multiplicative: the mean over all observations times, for each dimension, the ratio
// of the mean at this coordinate to the mean over all (a one-pass main-effects model; axes such as a lattice
// size dominate the cost of real sweeps). Dimensions longer than 4,096 are left out, so memory is bounded.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "surd/sweep/subject.hpp"

namespace surd::sweep {

class CostModel {
 public:
  /// `cost` is an expression over axes and parameters, in any unit, or empty. `definition` must outlive it.
  /// @throws UsageError  if the expression is wrong.
  CostModel(const Definition& definition, const std::string& cost);
  CostModel(CostModel&&) noexcept;
  CostModel& operator=(CostModel&&) noexcept;
  ~CostModel();

  /// Points around `position` took `seconds` each, on average of `points` points.
  void observe(std::uint64_t position, double seconds, double points = 1);

  /// Seconds the point will take; negative if nothing is known. O(dimensions).
  [[nodiscard]] double estimate(std::uint64_t position) const;
  /// Seconds that a point in twenty exceeds its estimate by, as a factor (at least 1).
  [[nodiscard]] double spread() const noexcept;

  /// Mean seconds per observed point; negative if none was.
  [[nodiscard]] double mean() const noexcept;
  [[nodiscard]] double observations() const noexcept;
  /// Estimates differ between points, so that sorting by them is worth it.
  [[nodiscard]] bool distinguishes() const noexcept;

  /// Only the order of costs, for sorting; needs no observation if there is an expression.
  [[nodiscard]] double relative(std::uint64_t position) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::sweep
