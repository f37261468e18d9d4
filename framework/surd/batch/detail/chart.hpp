// Charts as SVG: lines over one axis, a heat map over two, and bars.
//
// Each is one <svg class="chart"> element with <title> and <desc>, drawn for chart_style(): colours of light
// pages are attributes, those of dark pages a custom property (--d), so that viewers without CSS variables
// still draw it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "surd/batch/report_data.hpp"

namespace surd::batch::detail {

/// CSS for the class "chart". Bounds nothing else on the page.
[[nodiscard]] const char* chart_style();

/// Size of line charts, if nothing else is said, and of heat maps.
inline constexpr double plot_width = 560;
inline constexpr double plot_height = 350;

/// A chart of that size as a file of its own.
[[nodiscard]] std::string stand_alone(const std::string& svg);

struct Mark {
  double x = 0;  ///< The category's number, if the axis has categories.
  double y = 0;
  double spread = 0;  ///< Half the height of the band around it.
};

struct Series {
  std::string label;
  std::vector<Mark> marks;  ///< Ascending x; a NaN in y interrupts the line.
};

struct LineChart {
  std::string title;        ///< Above the y axis: "energy per spin (J)".
  std::string description;  ///< For those who do not see it.
  std::string x_label;
  std::vector<std::string> categories;  ///< Of a text axis; else empty.
  bool x_logarithmic = false;
  bool y_logarithmic = false;
  bool y_from_zero = false;
  double y_most = 0;  ///< At least as high as this.
  bool connected = true;
  bool marked = true;    ///< A circle with a tooltip at each mark, unless there are too many.
  bool ordered = false;  ///< The series are in an order: their colours show it.
  std::vector<Series> series;
  double width = plot_width;
  double height = plot_height;
};
[[nodiscard]] std::string line_chart(const LineChart& chart);

struct HeatMap {
  std::string title;
  std::string description;
  PlotAxis x;
  PlotAxis y;
  std::string x_label;
  std::string y_label;
  std::vector<double> values;  ///< Row-major [x, y]; NaN: blank.
};
[[nodiscard]] std::string heat_map(const HeatMap& map);

struct Histogram {
  std::string title;
  std::string description;
  std::vector<std::uint64_t> counts;  ///< At least one.
  /// Labels below the left edges of some bins: (bin, text); the bin after the last is allowed.
  std::vector<std::pair<std::size_t, std::string>> edges;
};
[[nodiscard]] std::string histogram(const Histogram& bars);

}  // namespace surd::batch::detail
