#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/detail/chart.hpp"
#include "surd/batch/detail/html.hpp"
#include "surd/batch/detail/svg.hpp"

namespace surd::batch::detail {
namespace {

constexpr std::size_t line_limit = 8;
constexpr std::size_t table_rows = 60;
constexpr std::size_t table_columns = 8;

std::string attribute(const Job& job, const std::string& field, const char* key) {
  const auto found = job.fields.find(field);
  if (found == job.fields.end()) return "";
  const auto value = found->second.find(key);
  return value == found->second.end() ? "" : value->second;
}

/// "energy per spin (J)". The unit "1" marks pure numbers.
std::string full_name(const Job& job, const std::string& field) {
  auto name = attribute(job, field, "long_name");
  if (name.empty()) name = field;
  const auto units = attribute(job, field, "units");
  return units.empty() || units == "1" ? name : name + " (" + units + ")";
}

std::size_t series_count(const ReportData& data) { return data.series ? data.series->cells() : 1; }

double spread(const ReportData& data, const Tally& cell) {
  return data.repetitions ? cell.standard_error() : cell.deviation();
}

bool spans_decades(const FieldTable& field) {
  double least = std::numeric_limits<double>::infinity();
  double most = 0;
  std::size_t filled = 0;
  for (const auto& cell : field.cells) {
    if (cell.count() == 0) continue;
    ++filled;
    least = std::min(least, cell.mean());
    most = std::max(most, cell.mean());
  }
  return filled >= 5 && least > 0 && most / least >= 1e4;
}

/// What the plot shows, for screen readers: the ranges of both axes.
std::string describe(const ReportData& data, const FieldTable& field, const std::string& name) {
  Tally means;
  for (const auto& cell : field.cells) {
    if (cell.count() > 0) means.add(cell.mean());
  }
  if (means.count() == 0) return name + ": no results.";
  auto text = fmt::format("{} from {} to {}, over {} from {} to {}", name, pretty(means.smallest()),
                          pretty(means.largest()), data.x.name, data.x.labels.front(), data.x.labels.back());
  if (data.series) text += fmt::format(", for {} values of {}", data.series->values, data.series->name);
  return text + ".";
}

/// "L = 8"; a text speaks for itself.
std::string series_name(const PlotAxis& axis, std::size_t cell) {
  return axis.numeric ? axis.name + " = " + axis.labels[cell] : axis.labels[cell];
}

LineChart field_lines(const Job& job, const ReportData& data, const FieldTable& field) {
  LineChart chart;
  chart.title = full_name(job, field.name);
  chart.description = describe(data, field, chart.title);
  chart.x_label = full_name(job, data.x.name);
  if (!data.x.numeric) chart.categories = data.x.labels;
  chart.x_logarithmic = data.x.logarithmic();
  chart.y_logarithmic = spans_decades(field);
  chart.connected = data.x.numeric && data.x.ordered && data.x.cells() > 1;
  chart.ordered = data.series && data.series->numeric;
  for (std::size_t s = 0; s < series_count(data); ++s) {
    Series series;
    if (data.series) series.label = series_name(*data.series, s);
    for (std::size_t x = 0; x < data.x.cells(); ++x) {
      const auto& cell = field.cells[x * series_count(data) + s];
      const double y = cell.count() > 0 ? cell.mean() : std::nan("");
      series.marks.push_back(
          {data.x.numeric ? data.x.centres[x] : static_cast<double>(x), y, spread(data, cell)});
    }
    chart.series.push_back(std::move(series));
  }
  return chart;
}

HeatMap field_map(const Job& job, const ReportData& data, const FieldTable& field) {
  HeatMap map;
  map.title = full_name(job, field.name);
  map.description = describe(data, field, map.title);
  map.x = data.x;
  map.y = *data.series;
  map.x_label = full_name(job, data.x.name);
  map.y_label = full_name(job, data.series->name);
  for (const auto& cell : field.cells) map.values.push_back(cell.count() > 0 ? cell.mean() : std::nan(""));
  return map;
}

std::string grouped(const PlotAxis& axis) {
  if (axis.values == axis.cells()) return "";
  return fmt::format(" {}: {} values in {} groups.", axis.name, base::format_count(axis.values),
                     axis.cells());
}

std::string caption(const ReportData& data, const FieldTable& field) {
  const bool map = series_count(data) > line_limit;
  std::string text = data.series && !map ? "By " + data.series->name + ". " : "";
  for (std::size_t i = 0; i < data.averaged.size(); ++i)
    text += (i == 0 ? "Mean over " : ", ") + data.averaged[i];
  if (!data.averaged.empty()) {
    text += map                ? "."
            : data.repetitions ? "; shaded: ± one standard error."
                               : "; shaded: ± one standard deviation.";
  }
  if (field.elements > 1)
    text += fmt::format(" Each result has {} numbers; their mean is shown.", field.elements);
  if (field.not_finite > 0) {
    text += fmt::format(
        " {} not finite (NaN or infinite) and left out.",
        field.not_finite == 1 ? "1 result is" : base::format_count(field.not_finite) + " results are");
  }
  text += grouped(data.x);
  if (data.series) text += grouped(*data.series);
  return text;
}

std::string cell_text(const ReportData& data, const Tally& cell) {
  if (cell.count() == 0) return "–";
  const double around = spread(data, cell);
  return cell.count() < 2 ? pretty(cell.mean()) : pretty(cell.mean()) + " ± " + fmt::format("{:.2g}", around);
}

/// At most `limit` of 0 ... count - 1, evenly chosen, the ends among them.
std::vector<std::size_t> chosen(std::size_t count, std::size_t limit) {
  std::vector<std::size_t> indices;
  if (count <= limit) {
    for (std::size_t i = 0; i < count; ++i) indices.push_back(i);
  } else {
    for (std::size_t i = 0; i < limit; ++i) indices.push_back(i * (count - 1) / (limit - 1));
  }
  return indices;
}

HtmlTable numbers(const Job& job, const ReportData& data, const FieldTable& field) {
  const auto rows = chosen(data.x.cells(), table_rows);
  const auto columns = chosen(series_count(data), table_columns);
  std::vector<std::string> heads = {data.x.name};
  for (const auto s : columns) {
    heads.push_back(data.series ? data.series->name + " = " + data.series->labels[s]
                                : full_name(job, field.name));
  }
  auto title = full_name(job, field.name);
  if (rows.size() < data.x.cells() || columns.size() < series_count(data)) title += ", a selection";
  HtmlTable table(title, heads);
  for (const auto x : rows) {
    std::vector<std::string> cells = {data.x.labels[x]};
    for (const auto s : columns) cells.push_back(cell_text(data, field.cells[x * series_count(data) + s]));
    table.add(cells);
  }
  return table;
}

/// Of a grid without an axis worth plotting: one row per field.
std::string single_results(const Job& job, const ReportData& data) {
  HtmlTable table("", {"Field", "Value"});
  for (const auto& field : data.fields) {
    const auto lost = field.not_finite > 0 ? fmt::format(" ({} not finite)", field.not_finite) : "";
    table.add({full_name(job, field.name), cell_text(data, field.cells.front()) + lost});
  }
  return table.html();
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < 20; ++i) text += (i == 0 ? "" : ", ") + names[i];
  return names.size() > 20 ? text + fmt::format(" and {} more", names.size() - 20) : text;
}

}  // namespace

std::string field_plot(const Job& job, const ReportData& data, const FieldTable& field) {
  return series_count(data) > line_limit ? heat_map(field_map(job, data, field))
                                         : line_chart(field_lines(job, data, field));
}

std::string results_section(const Job& job, const ReportData& data, std::size_t limit_bytes) {
  if (data.fields.empty() && data.undrawn.empty()) return "";
  std::string html = "<section><h2>Results</h2>";
  std::vector<std::string> skipped;
  if (data.x.cells() * series_count(data) == 1) {
    html += single_results(job, data);
  } else {
    html += R"(<div class="figures">)";
    for (const auto& field : data.fields) {
      if (html.size() > limit_bytes) {
        skipped.push_back(field.name);
        continue;
      }
      const auto table = numbers(job, data, field);
      html += figure(field_plot(job, data, field), caption(data, field), &table);
    }
    html += "</div>";
  }
  if (!skipped.empty()) {
    html += "<p>Not drawn, to keep this page small: " + escape(listed(skipped)) +
            ". <code>surd report JOB -o PLOT.svg --field NAME</code> draws one.</p>";
  }
  if (!data.undrawn.empty())
    html += "<p>Texts and further fields, not drawn: " + escape(listed(data.undrawn)) + ".</p>";
  return html + "</section>";
}

}  // namespace surd::batch::detail
