// Some of the keys of each run, held in memory: they tell about where a cut goes through the run.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "surd/external/detail/order.hpp"
#include "surd/external/detail/run_index.hpp"
#include "surd/external/run.hpp"

namespace surd::external::detail {

/// First and last number of records before a cut, in one run.
struct Bracket {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

/// About 2^15 evenly spaced entries of the indices; 2 MiB at most.
class KeySamples {
 public:
  KeySamples(const Order& order, const RunFiles& files, const std::vector<Run>& runs);

  /// Shape [cuts][runs]. What the samples prove about each cut.
  [[nodiscard]] std::vector<std::vector<Bracket>> brackets(const std::vector<std::uint64_t>& cuts) const;

  /// Narrows `bracket`, that of the number of records of `run` before `pivot` (before or equal, if
  /// `or_equal`).
  void narrow(std::size_t run, const std::byte* pivot, bool or_equal, Bracket& bracket) const;

 private:
  struct Sample {
    std::uint32_t run;
    std::uint32_t entry;
  };

  [[nodiscard]] std::strong_ordering compare(const Sample& a, const Sample& b) const noexcept;
  [[nodiscard]] std::vector<Sample> in_order() const;
  class Sweep;

  const Order& order_;
  const std::vector<Run>& runs_;
  bool whole_keys_;  ///< An entry holds all of its key.
  std::vector<IndexEntries> entries_;
};

}  // namespace surd::external::detail
