// What exact selection asks of sorted runs, whether they lie in memory or on disk.
#pragma once

#include <cstddef>
#include <cstdint>

#include "surd/external/detail/key_samples.hpp"
#include "surd/external/run.hpp"

namespace surd::external::detail {

/// Compares records of runs with one of them, the pivot.
class PivotCount {
 public:
  virtual ~PivotCount() = default;
  /// Record `number` of `run`, low <= number < high of its bracket, is the pivot from now on. Returns its
  /// place.
  virtual CutPosition set_pivot(std::size_t run, const Bracket& bracket, std::uint64_t number) = 0;
  /// How many records of `run` come before the pivot, or also are equal to it. Between low and high.
  [[nodiscard]] virtual CutPosition count(std::size_t run, const Bracket& bracket, bool or_equal) = 0;
};

}  // namespace surd::external::detail
