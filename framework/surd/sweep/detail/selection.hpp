// The points that `exclude` and `where` leave out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "surd/sweep/grid.hpp"

namespace surd::sweep::detail {

/// Points picked by some dimensions, whatever their coordinates on the others.
struct Selection {
  /// Per dimension: the indices that may be picked, ascending; nullopt: all.
  std::vector<std::optional<std::vector<std::uint64_t>>> indices;
  std::vector<std::size_t>
      tested;  ///< Dimensions that `picks` reads, ascending; empty: all of `indices` is picked.
  /// Gets coordinates, shape [dimensions]; only those of `tested` are set.
  std::function<bool(std::span<const std::uint64_t>)> picks;
};

/// One selection per entry. @throws SpecError  for an axis that is not there, or a value that is not on it.
[[nodiscard]] std::vector<Selection> read_exclude(const Grid& grid, const base::Spec& spec);

/// Selects the points where the expression is false. @throws SpecError  if it is wrong, or false nor true.
[[nodiscard]] Selection read_where(const Grid& grid, const base::Spec& spec);

/// Adds the positions of `selection` to `into`, interval by interval.
void add_selected(const Grid& grid, const Selection& selection, PointSet& into);

}  // namespace surd::sweep::detail
