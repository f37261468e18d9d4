// What a report shows: numbers gathered from a memo and from the reports of runs, in memory that does not
// grow with the sweep.
//
//   ReportCollector collector(definition);
//   memo.read([&](const sweep::Block& block) { collector.add(block); });
//   for (const auto& document : reports) collector.add_run(document);
//   const std::string page = html_report(job, std::move(collector).finish(counts));
//
// Every number of a result field goes into one cell of a table over two dimensions of the grid; a cell keeps
// count, mean and spread. At most 64 fields of 9,216 cells are kept, 50 failures, 200 runs. Rank-local.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "surd/base/json.hpp"
#include "surd/sweep/memo.hpp"
#include "surd/sweep/subject.hpp"

namespace surd::batch {

/// Count, mean, spread and range of numbers added one at a time (Welford, Technometrics 4(3), 1962).
class Tally {
 public:
  void add(double number) noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] double mean() const noexcept { return mean_; }
  [[nodiscard]] double sum() const noexcept { return mean_ * static_cast<double>(count_); }
  [[nodiscard]] double smallest() const noexcept { return smallest_; }
  [[nodiscard]] double largest() const noexcept { return largest_; }
  [[nodiscard]] double deviation() const noexcept;       ///< Of the sample; 0 below two numbers.
  [[nodiscard]] double standard_error() const noexcept;  ///< Of the mean; 0 below two numbers.

 private:
  std::uint64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
  double smallest_ = 0;
  double largest_ = 0;
};

/// One axis of a plot: the values of an axis of the grid, several to a cell if there are many.
struct PlotAxis {
  std::string name;
  std::uint64_t values = 1;  ///< On the grid.
  bool numeric = false;
  bool ordered = true;              ///< A line through the cells means something: no zip, no sample.
  std::vector<std::string> labels;  ///< Per cell: "1.5", or "1.5 to 1.6".
  std::vector<double> centres;      ///< Per cell, ascending; only if numeric.

  [[nodiscard]] std::size_t cells() const noexcept { return labels.size(); }
  /// The centres lie more evenly on a logarithmic scale.
  [[nodiscard]] bool logarithmic() const;
};

struct FieldTable {
  std::string name;
  std::vector<Tally> cells;      ///< Row-major, shape [x.cells(), series.cells()].
  std::uint64_t not_finite = 0;  ///< NaN and infinite numbers; in no cell.
  std::uint64_t elements = 1;    ///< Numbers per point: a cell takes the mean of an array.
};

struct FailedPoint {
  std::uint64_t position = 0;
  std::string point;    ///< "T=1.5 L=16"
  std::string status;   ///< "timed out"
  std::string message;  ///< At most 500 bytes.
  std::uint32_t attempts = 1;
};

struct AxisCost {
  PlotAxis axis;
  std::vector<Tally> seconds;  ///< Per cell.
};

/// Seconds per point, of done and failed points.
struct Cost {
  static constexpr int bins_per_decade = 5;
  static constexpr int first_decade = -9;
  static constexpr std::size_t bins = 17 * bins_per_decade;  ///< 1 ns to 10^8 s; the outermost take the rest.
  std::array<std::uint64_t, bins> histogram{};
  Tally seconds;
  std::vector<AxisCost> axes;
};

struct PhaseSummary {
  std::string name;
  double seconds = 0;  ///< Of the slowest rank.
  double cpu_seconds = 0;
  std::uint64_t peak_bytes = 0;  ///< Of the largest rank.
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
};

/// Something about ranks over time: one line per rank, or "least", "median" and "most" of many ranks.
struct RankLine {
  std::string label;
  std::vector<double> busy;  ///< 0 to 1
  std::vector<double> resident_bytes;
};

struct RunReport {
  std::string run;
  std::string version;  ///< Of the program.
  std::string started;
  std::string end;            ///< "complete", "interrupted", ...
  std::string scheduler_job;  ///< Slurm's job id, if any.
  std::string command_line;
  double seconds = 0;
  std::int64_t exit_status = 0;
  std::int64_t ranks = 0;
  std::int64_t hosts = 0;
  std::uint64_t stored_before = 0;
  std::uint64_t computed = 0;
  std::uint64_t failed = 0;
  std::uint64_t remaining = 0;
  std::uint64_t budget_bytes = 0;
  std::uint64_t peak_bytes = 0;  ///< Largest over ranks, above the rank's baseline.
  std::vector<PhaseSummary> phases;
  std::vector<double> seconds_axis;  ///< At most 240 samples; so have all below.
  std::vector<double> done;
  std::vector<double> failed_over_time;
  std::vector<RankLine> lines;  ///< At most 8.
};

/// Reads report-<run>.json. What is missing or of another type counts as absent.
[[nodiscard]] RunReport read_run_report(const base::Json& document);

struct PointCounts {
  std::uint64_t total = 0;  ///< Excluded ones not counted.
  std::uint64_t excluded = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  [[nodiscard]] std::uint64_t missing() const noexcept { return total - done - failed; }
};

struct ReportData {
  PointCounts points;
  PlotAxis x;
  std::optional<PlotAxis> series;     ///< At most 8 cells: lines; more: a heat map.
  std::vector<std::string> averaged;  ///< "seed (4 values)": dimensions a cell averages over.
  bool repetitions = true;  ///< Everything averaged is a repetition, so the standard error means something.
  std::vector<FieldTable> fields;
  std::vector<std::string> undrawn;   ///< Texts, and fields beyond the limit.
  std::vector<FailedPoint> failures;  ///< The first 50 by position.
  Cost cost;
  std::vector<RunReport> runs;  ///< Oldest first; the newest 200.
  std::uint64_t runs_total = 0;
};

/// Axes to plot over, by name; empty: chosen (repetitions such as `seed` are averaged over, x is the numeric
/// axis with most values, the series the first axis that is left).
struct PlotChoice {
  std::string x;
  std::string series;
};

class ReportCollector {
 public:
  /// `definition` must outlive it. @throws UsageError  if `choice` names no axis.
  explicit ReportCollector(const sweep::Definition& definition, const PlotChoice& choice = {});
  ReportCollector(ReportCollector&&) noexcept;
  ReportCollector& operator=(ReportCollector&&) noexcept;
  ~ReportCollector();

  void add(const sweep::Block& block);
  void add_run(const base::Json& report);
  [[nodiscard]] ReportData finish(const PointCounts& counts) &&;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::batch
