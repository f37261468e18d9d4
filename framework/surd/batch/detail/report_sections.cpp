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

constexpr std::size_t cost_axes = 8;
constexpr double small_width = 400;  ///< Three charts in a row.
constexpr double small_height = 250;
constexpr std::size_t most_samples = 12;  ///< Of something over time.

/// A unit that makes numbers up to `most` readable.
struct Unit {
  double size;
  const char* name;
};

Unit time_unit(double most) {
  if (most < 1e-3) return {1e-6, "µs"};
  if (most < 1) return {1e-3, "ms"};
  if (most < 600) return {1, "s"};
  if (most < 3 * 3600) return {60, "min"};
  return most < 3 * 86400 ? Unit{3600, "h"} : Unit{86400, "d"};
}

Unit byte_unit(double most) {
  if (most < static_cast<double>(base::MiB)) return {static_cast<double>(base::KiB), "KiB"};
  if (most < static_cast<double>(base::GiB)) return {static_cast<double>(base::MiB), "MiB"};
  return {static_cast<double>(base::GiB), "GiB"};
}

double largest(const std::vector<double>& numbers) {
  double most = 0;
  for (const double number : numbers) most = std::isfinite(number) ? std::max(most, number) : most;
  return most;
}

std::string decade_text(int exponent) {
  const auto power = [](int e) { return fmt::format("{:.0f}", std::pow(10.0, e)); };
  if (exponent < -6) return power(exponent + 9) + " ns";
  if (exponent < -3) return power(exponent + 6) + " µs";
  if (exponent < 0) return power(exponent + 3) + " ms";
  return (exponent < 4 ? power(exponent) : "10^" + std::to_string(exponent)) + " s";
}

std::string cost_histogram(const Cost& cost) {
  const auto filled = [](std::uint64_t count) { return count > 0; };
  const auto first =
      std::find_if(cost.histogram.begin(), cost.histogram.end(), filled) - cost.histogram.begin();
  const auto last =
      cost.histogram.rend() - std::find_if(cost.histogram.rbegin(), cost.histogram.rend(), filled);
  // Whole decades, so that both ends have a label.
  const auto from = static_cast<std::size_t>(first) / Cost::bins_per_decade * Cost::bins_per_decade;
  const auto to = (static_cast<std::size_t>(last) + Cost::bins_per_decade - 1) / Cost::bins_per_decade *
                  Cost::bins_per_decade;
  Histogram bars;
  bars.title = "Points by time taken";
  const auto caption =
      fmt::format("{} points, from {} to {}, {} on average.", base::format_count(cost.seconds.count()),
                  base::format_seconds(cost.seconds.smallest()), base::format_seconds(cost.seconds.largest()),
                  base::format_seconds(cost.seconds.mean()));
  bars.description = "Histogram of how long points took: " + caption;
  HtmlTable table("Points by time taken", {"At least", "Points"}, 1);
  for (std::size_t bin = from; bin < to; ++bin) {
    bars.counts.push_back(cost.histogram[bin]);
    const double lower =
        std::pow(10.0, Cost::first_decade + static_cast<double>(bin) / Cost::bins_per_decade);
    if (cost.histogram[bin] > 0)
      table.add({base::format_seconds(lower), base::format_count(cost.histogram[bin])});
  }
  for (std::size_t bin = from; bin <= to; bin += Cost::bins_per_decade) {
    bars.edges.emplace_back(bin - from,
                            decade_text(static_cast<int>(bin / Cost::bins_per_decade) + Cost::first_decade));
  }
  return figure(histogram(bars), caption, &table);
}

std::string axis_cost(const AxisCost& cost) {
  double most = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const auto& cell : cost.seconds) {
    most = std::max(most, cell.mean());
    if (cell.count() > 0) least = std::min(least, cell.mean());
  }
  const auto unit = time_unit(most);
  LineChart chart;
  chart.title = fmt::format("Mean time of a point ({})", unit.name);
  chart.description = "Mean time of a point for each value of " + cost.axis.name + ".";
  chart.x_label = cost.axis.name;
  if (!cost.axis.numeric) chart.categories = cost.axis.labels;
  chart.x_logarithmic = cost.axis.logarithmic();
  chart.y_logarithmic = least > 0 && most > 1e3 * least;
  chart.connected = cost.axis.numeric && cost.axis.ordered;
  chart.y_from_zero = true;
  chart.height = 260;
  HtmlTable table("Mean time of a point", {cost.axis.name, "Mean", "Longest", "Points"});
  Series series;
  for (std::size_t cell = 0; cell < cost.axis.cells(); ++cell) {
    const auto& seconds = cost.seconds[cell];
    const double x = cost.axis.numeric ? cost.axis.centres[cell] : static_cast<double>(cell);
    series.marks.push_back({x, seconds.count() > 0 ? seconds.mean() / unit.size : std::nan(""), 0});
    if (seconds.count() == 0) continue;
    table.add({cost.axis.labels[cell], base::format_seconds(seconds.mean()),
               base::format_seconds(seconds.largest()), base::format_count(seconds.count())});
  }
  chart.series.push_back(std::move(series));
  return figure(line_chart(chart), "By " + cost.axis.name + ", over all else.", &table);
}

enum class Quantity { busy, resident };

/// One line per rank, or of the least, median and most.
std::string rank_chart(const RunReport& run, Quantity quantity) {
  const auto numbers = [quantity](const RankLine& line) -> const std::vector<double>& {
    return quantity == Quantity::busy ? line.busy : line.resident_bytes;
  };
  double most = 0;
  for (const auto& line : run.lines) most = std::max(most, largest(numbers(line)));
  const auto time = time_unit(std::max(1.0, largest(run.seconds_axis)));
  const auto unit = quantity == Quantity::busy ? Unit{0.01, "%"} : byte_unit(most);
  LineChart chart;
  chart.title = fmt::format("{} ({})", quantity == Quantity::busy ? "Time spent in points" : "Memory in use",
                            unit.name);
  chart.description = chart.title + " over the time of run " + run.run + ", by rank.";
  chart.x_label = fmt::format("time since the start ({})", time.name);
  chart.y_from_zero = true;
  chart.y_most = quantity == Quantity::busy ? 100 : 0;
  chart.width = small_width;
  chart.height = small_height;
  chart.marked = false;
  HtmlTable table(chart.title, {"", "Mean", "Least", "Most"});
  for (const auto& line : run.lines) {
    Series series{line.label, {}};
    Tally all;
    const auto& values = numbers(line);
    for (std::size_t i = 0; i < values.size() && i < run.seconds_axis.size(); ++i) {
      series.marks.push_back({run.seconds_axis[i] / time.size, values[i] / unit.size, 0});
      if (std::isfinite(values[i])) all.add(values[i] / unit.size);
    }
    table.add({line.label, pretty(all.mean()), pretty(all.smallest()), pretty(all.largest())});
    chart.series.push_back(std::move(series));
  }
  return figure(line_chart(chart), "", &table);
}

std::string progress_chart(const RunReport& run) {
  const auto time = time_unit(std::max(1.0, largest(run.seconds_axis)));
  LineChart chart;
  chart.title = "Points stored";
  chart.description = "Points stored over the time of run " + run.run + ".";
  chart.x_label = fmt::format("time since the start ({})", time.name);
  chart.y_from_zero = true;
  chart.width = small_width;
  chart.height = small_height;
  chart.marked = false;
  const auto add = [&](const char* name, const std::vector<double>& counts) {
    Series series{name, {}};
    for (std::size_t i = 0; i < counts.size() && i < run.seconds_axis.size(); ++i) {
      series.marks.push_back({run.seconds_axis[i] / time.size, counts[i], 0});
    }
    chart.series.push_back(std::move(series));
  };
  add("done", run.done);
  if (largest(run.failed_over_time) > 0) add("failed", run.failed_over_time);
  HtmlTable table("Points stored", {"After", "Points"});
  const std::size_t samples = std::min(run.done.size(), run.seconds_axis.size());
  const std::size_t rows = std::min(samples, most_samples);
  for (std::size_t row = 0; row < rows; ++row) {
    const std::size_t at = (row + 1) * samples / rows - 1;
    table.add({base::format_seconds(std::max(0.0, run.seconds_axis[at])), pretty(run.done[at])});
  }
  return figure(line_chart(chart), "", &table);
}

std::string phase_table(const RunReport& run) {
  if (run.phases.empty()) return "";
  HtmlTable table("Phases of the run: the slowest and the largest rank, and sums over ranks",
                  {"Phase", "Time", "Processor time, sum", "Peak memory", "Read, sum", "Written, sum"});
  for (const auto& phase : run.phases) {
    table.add({phase.name, base::format_seconds(phase.seconds), base::format_seconds(phase.cpu_seconds),
               base::format_bytes(phase.peak_bytes), base::format_bytes(phase.read_bytes),
               base::format_bytes(phase.written_bytes)});
  }
  return table.html();
}

std::string memory_sentence(const RunReport& run) {
  if (run.budget_bytes == 0) return "";
  return fmt::format(
      "<p>The largest rank took {} above what it had after the start of MPI; its budget was {}.</p>",
      base::format_bytes(run.peak_bytes), base::format_bytes(run.budget_bytes));
}

}  // namespace

std::string failures_section(const ReportData& data) {
  if (data.points.failed == 0 && data.failures.empty()) return "";
  std::string html =
      fmt::format("<section><h2>Failures</h2><p>{} of {} points failed.",
                  base::format_count(data.points.failed), base::format_count(data.points.total));
  if (data.points.failed > data.failures.size()) {
    html += fmt::format(" The first {} are listed.", data.failures.size());
  }
  html +=
      " <code>surd show JOB POINT</code> prints all that is known of one; "
      "<code>surd run JOB --retry-failed</code> tries them again.</p>";
  HtmlTable table("", {"Point", "What happened", "Message", "Attempts"}, 3);
  for (const auto& failed : data.failures) {
    table.add({failed.point, failed.status, failed.message, std::to_string(failed.attempts)});
  }
  return html + table.html() + "</section>";
}

std::string cost_section(const ReportData& data) {
  if (data.cost.seconds.count() == 0) return "";
  std::string html = R"(<section><h2>Cost per point</h2><div class="figures">)" + cost_histogram(data.cost);
  for (std::size_t i = 0; i < data.cost.axes.size() && i < cost_axes; ++i)
    html += axis_cost(data.cost.axes[i]);
  return html + "</div></section>";
}

std::string use_section(const ReportData& data) {
  std::string html;
  for (auto run = data.runs.rbegin(); run != data.runs.rend(); ++run) {
    if (run->seconds_axis.size() < 2 && run != data.runs.rbegin()) continue;
    if (run->seconds_axis.size() < 2 && run->phases.empty()) continue;
    html += fmt::format("<h3>Run {}</h3>{}", escape(run->run), memory_sentence(*run));
    if (run->seconds_axis.size() >= 2) {
      html += R"(<div class="figures small">)" + progress_chart(*run);
      if (!run->lines.empty()) {
        html += rank_chart(*run, Quantity::busy) + rank_chart(*run, Quantity::resident);
      }
      html += "</div>";
    }
    html += phase_table(*run);
  }
  return html.empty() ? "" : "<section><h2>Use and memory of the ranks</h2>" + html + "</section>";
}

std::string runs_section(const ReportData& data) {
  if (data.runs.empty()) return "";
  std::string html = "<section><h2>Runs</h2>";
  if (data.runs_total > data.runs.size()) {
    html += fmt::format("<p>The newest {} of {} runs.</p>", data.runs.size(),
                        base::format_count(data.runs_total));
  }
  HtmlTable table("",
                  {"Run", "Started", "Ended as", "Slurm job", "Program", "Ranks", "Time", "Stored before",
                   "Computed", "Failed", "Exit status"},
                  5);
  for (const auto& run : data.runs) {
    table.add({run.run, run.started, run.end.empty() ? "–" : run.end,
               run.scheduler_job.empty() ? "–" : run.scheduler_job, run.version, std::to_string(run.ranks),
               base::format_seconds(run.seconds), base::format_count(run.stored_before),
               base::format_count(run.computed), base::format_count(run.failed),
               std::to_string(run.exit_status)});
  }
  return html + table.html() + "</section>";
}

}  // namespace surd::batch::detail
