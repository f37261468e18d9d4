#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "surd/batch/detail/chart.hpp"
#include "surd/batch/detail/frame.hpp"

namespace surd::batch::detail {
namespace {

constexpr int shades = 64;

struct Range {
  double low = 0;
  double high = 0;
};

Range finite_range(const std::vector<double>& values) {
  bool any = false;
  Range range;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    range.low = any ? std::min(range.low, value) : value;
    range.high = any ? std::max(range.high, value) : value;
    any = true;
  }
  return range;
}

/// Where `value` lies among the centres of cells, counted in cells from the edge of the first.
double cell_place(const PlotAxis& axis, double value) {
  const auto& centres = axis.centres;
  const auto above = std::upper_bound(centres.begin() + 1, centres.end() - 1, value);
  const auto below = above - 1;
  const double place = axis.logarithmic() ? std::log(value / *below) / std::log(*above / *below)
                                          : (value - *below) / (*above - *below);
  return static_cast<double>(below - centres.begin()) + place + 0.5;
}

/// Round values; of texts and of few values the cells themselves, evenly chosen.
Ticks cell_ticks(const PlotAxis& axis, std::size_t most) {
  Ticks ticks;
  const std::size_t cells = axis.cells();
  if (axis.numeric && cells > most) {
    const double low = axis.centres.front();
    const double high = axis.centres.back();
    ticks =
        axis.logarithmic() ? log_ticks(low, high) : linear_ticks(low, high, static_cast<int>(most) * 2 / 3);
    for (double& at : ticks.at) at = cell_place(axis, at);
    return ticks;
  }
  const std::size_t stride = (cells + most - 1) / most;
  for (std::size_t cell = 0; cell < cells; cell += stride) {
    ticks.at.push_back(static_cast<double>(cell) + 0.5);
    ticks.labels.push_back(axis.numeric ? pretty(axis.centres[cell]) : shorten(axis.labels[cell], 14));
  }
  return ticks;
}

/// One path per shade, made of horizontal strokes one cell high: small, and sharp at any size.
std::string cell_strokes(const HeatMap& map, const Range& range) {
  const std::size_t columns = map.x.cells();
  const std::size_t rows = map.y.cells();
  std::map<int, std::string> paths;
  for (std::size_t row = 0; row < rows; ++row) {
    int shade_before = -1;
    std::size_t from = 0;
    for (std::size_t column = 0; column <= columns; ++column) {
      int shade = -1;
      const double value = column < columns ? map.values[column * rows + row] : std::nan("");
      if (std::isfinite(value)) {
        const double share = range.high > range.low ? (value - range.low) / (range.high - range.low) : 0.5;
        shade = std::min(shades - 1, static_cast<int>(share * shades));
      }
      if (shade == shade_before) continue;
      if (shade_before >= 0)
        paths[shade_before] += fmt::format("M{} {}.5h{}", from, rows - 1 - row, column - from);
      shade_before = shade;
      from = column;
    }
  }
  std::string svg;
  for (const auto& [shade, path] : paths) {
    svg += fmt::format(R"(<path stroke="{}" d="{}"/>)", viridis((shade + 0.5) / shades), path);
  }
  return svg;
}

std::string colour_bar(const Box& box, const Range& range) {
  const double height = box.bottom - box.top;
  const int steps = range.high > range.low ? shades : 1;
  std::string svg;
  // From above, each rectangle down to the bottom: they overlap, so no seams show.
  for (int step = 0; step < steps; ++step) {
    const double top = box.top + height * step / steps;
    svg += fmt::format(R"(<rect x="{}" y="{:.2f}" width="12" height="{:.2f}" fill="{}"/>)",
                       coordinate(box.right + 16), top, box.bottom - top, viridis(1 - (step + 0.5) / steps));
  }
  const Scale scale(range.low, range.high, box.bottom, box.top);
  const auto ticks = linear_ticks(range.low, range.high, 5);
  for (std::size_t i = 0; i < ticks.at.size(); ++i) {
    svg += label(box.right + 33, scale(ticks.at[i]) + 4, "start", ticks.labels[i]);
  }
  return svg;
}

}  // namespace

std::string heat_map(const HeatMap& map) {
  constexpr double width = plot_width;
  constexpr double height = plot_height;
  const auto range = finite_range(map.values);
  const auto y_ticks = cell_ticks(map.y, 9);
  const double scale_width = widest_label(linear_ticks(range.low, range.high, 5).labels) + 40;
  const Box box{widest_label(y_ticks.labels) + 12, 50, width - scale_width, height - 44};
  const auto columns = static_cast<double>(map.x.cells());
  const auto rows = static_cast<double>(map.y.cells());
  std::string svg = open_svg(width, height, map.title, map.description);
  svg += label(0, 38, "start", map.y_label);
  svg += fmt::format(
      R"x(<g fill="none" stroke-width="1" shape-rendering="crispEdges" transform="translate({} {}) scale({:.4f} {:.4f})">)x",
      coordinate(box.left), coordinate(box.top), (box.right - box.left) / columns,
      (box.bottom - box.top) / rows);
  svg += cell_strokes(map, range) + "</g>";
  const Scale up(0, rows, box.bottom, box.top);
  for (std::size_t i = 0; i < y_ticks.at.size(); ++i) {
    svg += label(box.left - 6, up(y_ticks.at[i]) + 4, "end", y_ticks.labels[i]);
  }
  svg += bottom_axis(box, cell_ticks(map.x, 10), Scale(0, columns, box.left, box.right), map.x_label);
  return svg + colour_bar(box, range) + "</svg>";
}

std::string histogram(const Histogram& bars) {
  constexpr double width = 560;
  constexpr double height = 260;
  const auto most = static_cast<double>(*std::max_element(bars.counts.begin(), bars.counts.end()));
  const auto y_ticks = linear_ticks(0, std::max(1.0, most * 1.05), 4, 1);
  const Box box{widest_label(y_ticks.labels) + 12, 32, width - 28, height - 44};
  const auto count = static_cast<double>(bars.counts.size());
  const Scale across(0, count, box.left + 6, box.right - 2);
  const Scale up(0, std::max(1.0, most * 1.05), box.bottom, box.top);
  Ticks x_ticks;
  for (const auto& [bin, text] : bars.edges) {
    x_ticks.at.push_back(static_cast<double>(bin));
    x_ticks.labels.push_back(text);
  }
  std::string path;
  for (std::size_t i = 0; i < bars.counts.size(); ++i) {
    if (bars.counts[i] == 0) continue;
    const double left = across(static_cast<double>(i)) + 0.5;
    // A bin that holds anything shows: one point beside a million must not vanish.
    const double top = std::min(up(static_cast<double>(bars.counts[i])), box.bottom - 1);
    path += fmt::format("M{} {}V{}H{}V{}Z", coordinate(left), coordinate(box.bottom), coordinate(top),
                        coordinate(across(static_cast<double>(i + 1)) - 0.5), coordinate(box.bottom));
  }
  const auto colour = series_colour(0, 1, false);
  return open_svg(width, height, bars.title, bars.description) + left_axis(box, y_ticks, up) +
         fmt::format(R"(<g class="s" fill="{}" style="--d:{}"><path stroke="none" d="{}"/></g>)",
                     colour.light, colour.dark, path) +
         bottom_axis(box, x_ticks, across, "") + "</svg>";
}

}  // namespace surd::batch::detail
