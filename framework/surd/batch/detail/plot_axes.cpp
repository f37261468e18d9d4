#include "surd/batch/detail/plot_axes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string_view>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::batch::detail {
namespace {

constexpr std::uint64_t table_limit = 1U << 16;

std::optional<double> as_number(const sweep::Value& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  if (const auto* number = std::get_if<double>(&value)) return *number;
  return std::nullopt;
}

/// The values of an axis as numbers: all, or evenly many of them if there are more than table_limit. Empty if
/// any is no number.
std::vector<double> probe(const sweep::Dimension& dimension, std::size_t axis) {
  const std::uint64_t size = dimension.size();
  const std::uint64_t probes = std::min(size, table_limit);
  std::vector<double> numbers;
  numbers.reserve(static_cast<std::size_t>(probes));
  for (std::uint64_t i = 0; i < probes; ++i) {
    const auto index = size <= table_limit ? i : i * (size - 1) / (probes - 1);
    const auto number = as_number(dimension.value(axis, index));
    if (!number) return {};
    numbers.push_back(*number);
  }
  return numbers;
}

std::string joined(const std::string& first, const std::string& last) {
  return first == last ? first : first + " to " + last;
}

/// Axes whose values mean nothing by themselves.
bool is_repetition(std::string_view name) {
  static constexpr std::array<std::string_view, 10> names = {
      "seed",  "seeds",     "rep",     "repeat",      "repetition",
      "trial", "replicate", "replica", "realisation", "realization"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The named axis. @throws UsageError
AxisPlace find_axis(const sweep::Grid& grid, const std::string& name) {
  for (std::size_t d = 0; d < grid.dimensions().size(); ++d) {
    const auto& axes = grid.dimensions()[d].axes();
    for (std::size_t a = 0; a < axes.size(); ++a) {
      if (axes[a] == name) return {d, a};
    }
  }
  std::string known;
  for (const auto& axis : grid.axes()) known += (known.empty() ? "" : ", ") + axis;
  throw base::UsageError("'" + name + "' is no axis of this job; its axes are " + known);
}

/// The first numeric axis of a dimension, else its first.
AxisPlace representative(const sweep::Grid& grid, std::size_t dimension) {
  const auto& it = grid.dimensions()[dimension];
  for (std::size_t axis = 0; axis < it.axes().size(); ++axis) {
    if (as_number(it.value(axis, 0))) return {dimension, axis};
  }
  return {dimension, 0};
}

/// Dimensions worth an axis of a plot, in grid order: of more than one value and no repetitions, as long as
/// there are any such.
std::vector<std::size_t> candidates(const sweep::Grid& grid) {
  std::vector<std::size_t> good;
  std::vector<std::size_t> varying;
  std::vector<std::size_t> all;
  for (std::size_t d = 0; d < grid.dimensions().size(); ++d) {
    const auto& dimension = grid.dimensions()[d];
    all.push_back(d);
    if (dimension.size() < 2) continue;
    varying.push_back(d);
    if (!is_repetition(dimension.name())) good.push_back(d);
  }
  return !good.empty() ? good : !varying.empty() ? varying : all;
}

/// The candidate with most numeric values, else the first.
std::size_t widest(const sweep::Grid& grid, const std::vector<std::size_t>& among) {
  std::size_t best = among.front();
  std::uint64_t most = 0;
  for (const auto d : among) {
    const auto place = representative(grid, d);
    const auto& dimension = grid.dimensions()[d];
    if (dimension.size() > most && !probe(dimension, place.axis).empty()) {
      best = d;
      most = dimension.size();
    }
  }
  return best;
}

}  // namespace

AxisCells::AxisCells(const sweep::Dimension& dimension, std::size_t axis, std::size_t limit)
    : dimension_(dimension), number_(axis) {
  axis_.name = dimension.axes()[axis];
  axis_.values = dimension.size();
  axis_.ordered = dimension.axes().size() == 1;
  const auto numbers = probe(dimension, axis);
  axis_.numeric = !numbers.empty();
  if (axis_.numeric) {
    cut_by_value(numbers, limit);
  } else {
    cut_by_index(limit);
  }
}

void AxisCells::cut_by_value(const std::vector<double>& numbers, std::size_t limit) {
  if (axis_.values > table_limit) {
    const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
    low_ = *low;
    high_ = *high;
    for (std::size_t cell = 0; cell < limit; ++cell) {
      const double width = (high_ - low_) / static_cast<double>(limit);
      const double from = low_ + width * static_cast<double>(cell);
      axis_.centres.push_back(from + width / 2);
      axis_.labels.push_back(fmt::format("{:.6g} to {:.6g}", from, from + width));
    }
    return;
  }
  // Cells in the order of the values. A value that a zip or sample repeats may fall into two cells: harmless.
  std::vector<std::uint32_t> order(numbers.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return numbers[a] < numbers[b]; });
  const std::size_t count = std::min(limit, numbers.size());
  cells_.resize(numbers.size());
  for (std::size_t cell = 0; cell < count; ++cell) {
    const std::size_t from = cell * numbers.size() / count;
    const std::size_t to = (cell + 1) * numbers.size() / count;
    double sum = 0;
    for (std::size_t i = from; i < to; ++i) {
      cells_[order[i]] = static_cast<std::uint32_t>(cell);
      sum += numbers[order[i]];
    }
    axis_.centres.push_back(sum / static_cast<double>(to - from));
    axis_.labels.push_back(joined(sweep::to_text(dimension_.value(number_, order[from])),
                                  sweep::to_text(dimension_.value(number_, order[to - 1]))));
  }
}

void AxisCells::cut_by_index(std::size_t limit) {
  const auto size = axis_.values;
  const auto count = std::min<std::uint64_t>(limit, size);
  high_ = static_cast<double>(size);
  for (std::uint64_t cell = 0; cell < count; ++cell) {
    const auto from = (cell * size + count - 1) / count;
    const auto to = ((cell + 1) * size + count - 1) / count;
    axis_.labels.push_back(joined(sweep::to_text(dimension_.value(number_, from)),
                                  sweep::to_text(dimension_.value(number_, to - 1))));
  }
}

std::size_t AxisCells::cell_of(std::uint64_t coordinate) const {
  if (!cells_.empty()) return cells_[static_cast<std::size_t>(coordinate)];
  const auto count = static_cast<std::uint64_t>(axis_.cells());
  if (!axis_.numeric) return static_cast<std::size_t>(coordinate * count / axis_.values);
  const double value = *as_number(dimension_.value(number_, coordinate));
  const double share = high_ > low_ ? (value - low_) / (high_ - low_) : 0;
  return static_cast<std::size_t>(
      std::clamp(share * static_cast<double>(count), 0.0, static_cast<double>(count - 1)));
}

PlotPlan plan_plot(const sweep::Grid& grid, const PlotChoice& choice) {
  PlotPlan plan;
  if (grid.dimensions().empty()) return plan;
  auto left = candidates(grid);
  const auto leave = [&left](std::size_t dimension) { std::erase(left, dimension); };
  if (!choice.series.empty()) {
    plan.series = find_axis(grid, choice.series);
    leave(plan.series->dimension);
  }
  if (!choice.x.empty()) {
    plan.x = find_axis(grid, choice.x);
  } else {
    plan.x = left.empty() ? *plan.series : representative(grid, widest(grid, left));
  }
  leave(plan.x->dimension);
  if (!plan.series && !left.empty()) plan.series = representative(grid, left.front());
  if (plan.series && plan.series->dimension == plan.x->dimension) plan.series.reset();
  for (std::size_t d = 0; d < grid.dimensions().size(); ++d) {
    const bool plotted = d == plan.x->dimension || (plan.series && d == plan.series->dimension);
    if (plotted || grid.dimensions()[d].size() < 2) continue;
    plan.averaged.push_back(d);
    plan.repetitions = plan.repetitions && is_repetition(grid.dimensions()[d].name());
  }
  return plan;
}

}  // namespace surd::batch::detail
