#include "surd/batch/detail/frame.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/batch/detail/chart.hpp"

namespace surd::batch::detail {

const char* chart_style() {
  return R"(.chart{font:12px system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
.chart text{fill:#555}.chart .name{fill:#1b1f24;font-size:13px;font-weight:600}
.chart .grid{stroke:#e9ebee}.chart .axis{stroke:#9aa1a9}
.chart .lead{stroke-width:.7;opacity:.6}.chart .s text{font-weight:600;fill:inherit}
@media screen and (prefers-color-scheme:dark){.chart text{fill:#a9b1ba}.chart .name{fill:#e8eaed}
.chart .grid{stroke:#2b3036}.chart .axis{stroke:#6b737c}
.chart .s{stroke:var(--d);fill:var(--d)}.chart .s path.l{fill:none}}
)";
}

std::string stand_alone(const std::string& svg) {
  constexpr double margin = 16;
  return fmt::format(
      R"(<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="{0} {0} {1} {2}" width="{1}" )"
      R"(height="{2}"><style>{3}{4}</style><rect class="paper" x="{0}" y="{0}" width="{1}" height="{2}" )"
      R"(fill="#fff"/>{5}</svg>)"
      "\n",
      -margin, plot_width + 2 * margin, plot_height + 2 * margin, chart_style(),
      "@media screen and (prefers-color-scheme:dark){.chart .paper{fill:#15181c}}\n", svg);
}

std::string open_svg(double width, double height, const std::string& title, const std::string& description) {
  return fmt::format(
      R"(<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" )"
      R"(height="{1}" role="img"><title>{2}</title><desc>{3}</desc>{4})",
      coordinate(width), coordinate(height), escape(title), escape(description),
      label(0, 14, "start", title, "name"));
}

std::string label(double x, double y, const char* anchor, const std::string& text, const char* style_class) {
  const std::string named = *style_class == '\0' ? "" : fmt::format(R"( class="{}")", style_class);
  const std::string placed =
      std::string_view(anchor) == "start" ? "" : fmt::format(R"( text-anchor="{}")", anchor);
  return fmt::format(R"(<text x="{}" y="{}"{}{}>{}</text>)", coordinate(x), coordinate(y), placed, named,
                     escape(text));
}

double widest_label(const std::vector<std::string>& labels) {
  double width = 0;
  for (const auto& text : labels) width = std::max(width, text_width(text, 12));
  return width;
}

std::string left_axis(const Box& box, const Ticks& ticks, const Scale& scale) {
  std::string svg;
  std::string lines;
  for (std::size_t i = 0; i < ticks.at.size(); ++i) {
    const double y = scale(ticks.at[i]);
    lines += fmt::format("M{} {}H{}", coordinate(box.left), coordinate(y), coordinate(box.right));
    svg += label(box.left - 6, y + 4, "end", ticks.labels[i]);
  }
  return fmt::format(R"(<path class="grid" stroke="#e9ebee" d="{}"/>)", lines) + svg;
}

std::string bottom_axis(const Box& box, const Ticks& ticks, const Scale& scale, const std::string& name) {
  std::string line =
      fmt::format("M{} {}H{}", coordinate(box.left), coordinate(box.bottom), coordinate(box.right));
  std::string labels;
  double free_from = -1e9;
  for (std::size_t i = 0; i < ticks.at.size(); ++i) {
    const double x = scale(ticks.at[i]);
    line += fmt::format("M{} {}v4", coordinate(x), coordinate(box.bottom));
    const double half = text_width(ticks.labels[i], 12) / 2;
    if (x - half < free_from) continue;
    labels += label(x, box.bottom + 18, "middle", ticks.labels[i]);
    free_from = x + half + 8;
  }
  return fmt::format(R"(<path class="axis" stroke="#9aa1a9" d="{}"/>)", line) + labels +
         label((box.left + box.right) / 2, box.bottom + 36, "middle", name);
}

}  // namespace surd::batch::detail
