#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <fmt/format.h>

#include "surd/batch/detail/chart.hpp"
#include "surd/batch/detail/frame.hpp"

namespace surd::batch::detail {
namespace {

constexpr std::size_t label_characters = 18;
constexpr double label_height = 14;
constexpr std::size_t marker_limit = 400;  ///< More marks than this get no circles with tooltips.

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  [[nodiscard]] bool empty() const { return low > high; }
};

Range x_range(const LineChart& chart) {
  Range range;
  if (!chart.categories.empty()) return {-0.5, static_cast<double>(chart.categories.size()) - 0.5};
  for (const auto& series : chart.series) {
    for (const auto& mark : series.marks) range.take(mark.x);
  }
  if (range.empty()) return {0, 1};
  if (range.low == range.high) {  // one value: room on both sides
    const double room = range.low == 0 ? 1 : std::abs(range.low) / 2;
    return {range.low - room, range.high + room};
  }
  return range;
}

Range y_range(const LineChart& chart) {
  Range range;
  for (const auto& series : chart.series) {
    for (const auto& mark : series.marks) {
      range.take(mark.y);
      if (chart.y_logarithmic) continue;
      range.take(mark.y - mark.spread);
      range.take(mark.y + mark.spread);
    }
  }
  if (range.empty()) return {0, 1};
  if (chart.y_logarithmic) return {range.low / 1.2, range.high * 1.2};
  if (chart.y_most > 0) range.take(chart.y_most);
  const bool near_zero = range.low >= 0 && range.low < 0.3 * range.high;
  const bool from_zero = chart.y_from_zero || near_zero;
  if (range.low == range.high) {
    const double room = range.low == 0 ? 1 : std::abs(range.low) * 0.1;
    return {from_zero ? 0 : range.low - room, range.high + room};
  }
  const double room = (range.high - range.low) * 0.05;
  return {from_zero ? std::min(0.0, range.low) : range.low - room, range.high + room};
}

/// Heights for labels that want to be at `wanted`, at least label_height apart, within [top, bottom].
std::vector<double> spread_out(const std::vector<double>& wanted, double top, double bottom) {
  std::vector<std::size_t> order(wanted.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return wanted[a] < wanted[b]; });
  std::vector<double> placed = wanted;
  double next = top;
  for (const auto i : order) {
    placed[i] = std::max(placed[i], next);
    next = placed[i] + label_height;
  }
  double most = bottom;
  for (auto i = order.rbegin(); i != order.rend(); ++i) {
    placed[*i] = std::min(placed[*i], most);
    most = placed[*i] - label_height;
  }
  return placed;
}

/// Everything one drawing needs to know.
struct Drawing {
  const LineChart& chart;
  Box box;
  Scale x;
  Scale y;

  [[nodiscard]] std::string place(double px, double py) const {
    return coordinate(px) + " " + coordinate(py);
  }
  [[nodiscard]] bool drawn(const Mark& mark) const {
    return std::isfinite(mark.y) && std::isfinite(mark.x) && (!chart.y_logarithmic || mark.y > 0);
  }
  /// A height within the box: bands may reach out of a logarithmic one.
  [[nodiscard]] double height(double value) const {
    if (chart.y_logarithmic && !(value > 0)) return box.bottom;
    return std::clamp(y(value), box.top, box.bottom);
  }
};

std::string line_path(const Drawing& d, const Series& series) {
  std::string path;
  bool pen_down = false;
  for (const auto& mark : series.marks) {
    const bool drawn = d.drawn(mark);
    if (drawn) path += (pen_down ? "L" : "M") + d.place(d.x(mark.x), d.y(mark.y));
    pen_down = drawn;
  }
  return path.empty()
             ? ""
             : fmt::format(
                   R"(<path class="l" fill="none" stroke-width="1.6" stroke-linejoin="round" d="{}"/>)",
                   path);
}

/// The area within the spread of each unbroken stretch of marks.
std::string band_path(const Drawing& d, const Series& series) {
  std::string path;
  std::string back;
  bool wide = false;
  const auto close = [&] {
    if (!back.empty()) path += back + "Z";
    back.clear();
  };
  for (const auto& mark : series.marks) {
    if (!d.drawn(mark)) {
      close();
      continue;
    }
    wide = wide || mark.spread > 0;
    const double x = d.x(mark.x);
    path += back.empty() ? "M" : "L";
    path += d.place(x, d.height(mark.y + mark.spread));
    back.insert(0, "L" + d.place(x, d.height(mark.y - mark.spread)));
  }
  close();
  return wide ? fmt::format(R"(<path stroke="none" fill-opacity=".18" d="{}"/>)", path) : "";
}

/// Upright bars for the spread of marks that no line joins.
std::string error_bars(const Drawing& d, const Series& series) {
  std::string path;
  for (const auto& mark : series.marks) {
    if (!d.drawn(mark) || !(mark.spread > 0)) continue;
    path += fmt::format("M{}V{}", d.place(d.x(mark.x), d.height(mark.y + mark.spread)),
                        coordinate(d.height(mark.y - mark.spread)));
  }
  return path.empty() ? "" : fmt::format(R"(<path class="l" fill="none" d="{}"/>)", path);
}

std::string circles(const Drawing& d, const Series& series, bool tooltips) {
  std::string svg;
  for (const auto& mark : series.marks) {
    if (!d.drawn(mark)) continue;
    const auto at =
        d.chart.categories.empty() ? pretty(mark.x) : d.chart.categories[static_cast<std::size_t>(mark.x)];
    const auto spread = mark.spread > 0 ? " ± " + pretty(mark.spread) : "";
    svg += fmt::format(R"(<circle cx="{}" cy="{}" r="{}" stroke="none")", coordinate(d.x(mark.x)),
                       coordinate(d.y(mark.y)), d.chart.connected ? "2" : "2.6");
    svg += tooltips ? fmt::format("><title>{}: {}{}</title></circle>", escape(at), pretty(mark.y), spread)
                    : "/>";
  }
  return svg;
}

/// The last mark that is drawn; nullptr if none.
const Mark* last_mark(const Drawing& d, const Series& series) {
  const auto last =
      std::find_if(series.marks.rbegin(), series.marks.rend(), [&](const auto& m) { return d.drawn(m); });
  return last == series.marks.rend() ? nullptr : &*last;
}

std::string draw_series(const Drawing& d, std::size_t index, double label_y, std::size_t marks) {
  const auto& series = d.chart.series[index];
  const auto colour = series_colour(index, d.chart.series.size(), d.chart.ordered);
  std::string svg =
      fmt::format(R"(<g class="s" stroke="{0}" fill="{0}" style="--d:{1}">)", colour.light, colour.dark);
  if (d.chart.connected) {
    svg += band_path(d, series) + line_path(d, series);
  } else {
    svg += error_bars(d, series);
  }
  // A single value between two gaps is no line: circles show it.
  if (!d.chart.connected || (d.chart.marked && marks <= marker_limit))
    svg += circles(d, series, marks <= marker_limit);
  const Mark* last = last_mark(d, series);
  if (last != nullptr && !series.label.empty()) {
    const double y = d.y(last->y);
    const double x = d.x(last->x);
    if (std::abs(label_y - y) > 4 || x < d.box.right - 1) {
      svg += fmt::format(R"(<path class="l lead" fill="none" d="M{}L{}"/>)", d.place(x + 3, y),
                         d.place(d.box.right + 9, label_y));
    }
    svg += fmt::format(R"(<g stroke="none">{}</g>)", label(d.box.right + 12, label_y + 4, "start",
                                                           shorten(series.label, label_characters)));
  }
  return svg + "</g>";
}

Ticks category_ticks(const std::vector<std::string>& categories) {
  Ticks ticks;
  for (std::size_t i = 0; i < categories.size(); ++i) {
    ticks.at.push_back(static_cast<double>(i));
    ticks.labels.push_back(shorten(categories[i], label_characters));
  }
  return ticks;
}

/// Whole numbers, such as sizes and seeds, get no ticks between them.
double least_x_step(const LineChart& chart) {
  for (const auto& series : chart.series) {
    for (const auto& mark : series.marks) {
      if (mark.x != std::round(mark.x)) return 0;
    }
  }
  return 1;
}

double right_margin(const LineChart& chart) {
  double width = 0;
  for (const auto& series : chart.series) {
    width = std::max(width, 1.12 * text_width(shorten(series.label, label_characters), 12));
  }
  return width > 0 ? width + 18 : 14;
}

}  // namespace

std::string line_chart(const LineChart& chart) {
  const auto across = x_range(chart);
  const auto up = y_range(chart);
  const auto y_ticks = chart.y_logarithmic ? log_ticks(up.low, up.high) : linear_ticks(up.low, up.high, 5);
  const Box box{widest_label(y_ticks.labels) + 12, 32, chart.width - right_margin(chart), chart.height - 44};
  const Drawing d{chart, box,
                  Scale(across.low, across.high, box.left + 6, box.right - 2, chart.x_logarithmic),
                  Scale(up.low, up.high, box.bottom, box.top, chart.y_logarithmic)};
  const auto x_ticks = !chart.categories.empty() ? category_ticks(chart.categories)
                       : chart.x_logarithmic     ? log_ticks(across.low, across.high)
                                             : linear_ticks(across.low, across.high, 6, least_x_step(chart));
  std::string svg = open_svg(chart.width, chart.height, chart.title, chart.description);
  svg += left_axis(box, y_ticks, d.y) + bottom_axis(box, x_ticks, d.x, chart.x_label);
  std::vector<double> wanted;
  std::size_t marks = 0;
  for (const auto& series : chart.series) {
    const Mark* last = last_mark(d, series);
    wanted.push_back(last != nullptr ? d.y(last->y) : box.bottom);
    marks += series.marks.size();
  }
  const auto labels = spread_out(wanted, box.top, box.bottom);
  for (std::size_t i = 0; i < chart.series.size(); ++i) svg += draw_series(d, i, labels[i], marks);
  return svg + "</svg>";
}

}  // namespace surd::batch::detail
