// Which dimensions of a grid a report plots over, and which cell of the plot a point belongs to.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "surd/batch/report_data.hpp"
#include "surd/sweep/grid.hpp"

namespace surd::batch::detail {

/// An axis of a plot, and the cell of each coordinate of its dimension.
class AxisCells {
 public:
  /// Axis number `axis` of `dimension`, cut into at most `limit` cells of about equally many values.
  AxisCells(const sweep::Dimension& dimension, std::size_t axis, std::size_t limit);

  [[nodiscard]] const PlotAxis& axis() const noexcept { return axis_; }
  [[nodiscard]] std::size_t cell_of(std::uint64_t coordinate) const;

 private:
  void cut_by_value(const std::vector<double>& numbers, std::size_t limit);
  void cut_by_index(std::size_t limit);

  sweep::Dimension dimension_;
  std::size_t number_;
  PlotAxis axis_;
  std::vector<std::uint32_t> cells_;  ///< Per coordinate; empty for dimensions too large for a table.
  double low_ = 0;  ///< For those: equal intervals of the values, if numeric, else of the index.
  double high_ = 0;
};

/// One axis of the grid, by place.
struct AxisPlace {
  std::size_t dimension = 0;
  std::size_t axis = 0;
};

struct PlotPlan {
  std::optional<AxisPlace> x;  ///< Absent if the grid has no axis.
  std::optional<AxisPlace> series;
  std::vector<std::size_t> averaged;  ///< Dimensions of more than one value that are neither.
  bool repetitions = true;
};

/// @throws UsageError  if `choice` names no axis of the grid.
[[nodiscard]] PlotPlan plan_plot(const sweep::Grid& grid, const PlotChoice& choice);

}  // namespace surd::batch::detail
