// Which runs are merged before the last merge, where they are too many for it.
#pragma once

#include <cstdint>
#include <vector>

namespace surd::external::detail {

/// Sizes of the groups of consecutive runs, from the first run on, that one pass merges so that as little as
/// possible is moved; the other runs stay as they are. `fan_in` >= 2.
[[nodiscard]] inline std::vector<std::uint64_t> pass_groups(std::uint64_t runs, std::uint64_t fan_in) {
  const bool last_pass = runs / fan_in < fan_in || runs == fan_in * fan_in;
  const auto wanted = last_pass ? fan_in : (runs + fan_in - 1) / fan_in;
  std::vector<std::uint64_t> groups;
  for (auto excess = runs > wanted ? runs - wanted : 0; excess > 0; excess -= groups.back() - 1) {
    groups.push_back(excess + 1 < fan_in ? excess + 1 : fan_in);
  }
  return groups;
}

}  // namespace surd::external::detail
