#include "surd/batch/report_data.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>

#include "surd/batch/detail/plot_axes.hpp"
#include "surd/sweep/function.hpp"

namespace surd::batch {
namespace {

constexpr std::size_t line_limit = 8;    ///< More series than this make a heat map.
constexpr std::size_t line_cells = 240;  ///< Along x of a line plot.
constexpr std::size_t map_cells = 96;    ///< Along each axis of a heat map.
constexpr std::size_t cost_cells = 60;
constexpr std::size_t field_limit = 64;
constexpr std::size_t failure_limit = 50;
constexpr std::size_t message_limit = 500;  ///< Bytes.
constexpr std::size_t run_limit = 200;
constexpr std::size_t timeline_limit = 3;  ///< Runs that keep their timelines.

/// Number `element` of row `row` of a column; what `type` says is an index into FieldValue's alternatives.
double number_at(const sweep::Block::Column& column, std::size_t row, std::size_t elements,
                 std::size_t element) {
  const std::size_t at = row * elements + element;
  if (column.type == 0) return column.values[at] != std::byte{0} ? 1.0 : 0.0;
  std::uint64_t bits = 0;
  std::memcpy(&bits, column.values.data() + at * sizeof bits, sizeof bits);
  return column.type == 1 ? static_cast<double>(std::bit_cast<std::int64_t>(bits))
                          : std::bit_cast<double>(bits);
}

constexpr std::size_t text_type = 3;

std::size_t histogram_bin(double seconds) {
  if (!(seconds > 0)) return 0;
  const double place = (std::log10(seconds) - Cost::first_decade) * Cost::bins_per_decade;
  return static_cast<std::size_t>(std::clamp(std::floor(place), 0.0, static_cast<double>(Cost::bins - 1)));
}

std::string status_text(sweep::Status status) {
  std::string text = sweep::to_text(status);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

}  // namespace

void Tally::add(double number) noexcept {
  smallest_ = count_ == 0 ? number : std::min(smallest_, number);
  largest_ = count_ == 0 ? number : std::max(largest_, number);
  ++count_;
  const double step = number - mean_;
  mean_ += step / static_cast<double>(count_);
  squares_ += step * (number - mean_);
}

double Tally::deviation() const noexcept {
  return count_ < 2 ? 0 : std::sqrt(squares_ / static_cast<double>(count_ - 1));
}

double Tally::standard_error() const noexcept {
  return count_ < 2 ? 0 : deviation() / std::sqrt(static_cast<double>(count_));
}

bool PlotAxis::logarithmic() const {
  if (!numeric || centres.size() < 3 || centres.front() <= 0 || centres.back() < 50 * centres.front())
    return false;
  const double low = centres.front();
  const double high = centres.back();
  const double middle = centres[centres.size() / 2];
  const double linear = (middle - low) / (high - low);
  const double logarithm = std::log(middle / low) / std::log(high / low);
  return std::abs(logarithm - 0.5) < std::abs(linear - 0.5);
}

struct ReportCollector::State {
  explicit State(const sweep::Definition& wanted) : definition(wanted), point(wanted) {}

  const sweep::Definition& definition;
  sweep::Point point;
  detail::PlotPlan plan;
  std::optional<detail::AxisCells> x;
  std::optional<detail::AxisCells> series;
  std::vector<detail::AxisCells> cost_axes;
  std::vector<std::size_t> cost_dimensions;
  std::vector<std::uint64_t> coordinates;
  std::map<std::string, FieldTable> fields;
  std::vector<std::string> field_order;  ///< As the function names them.
  std::map<std::string, bool> undrawn;
  std::map<std::uint64_t, FailedPoint> failures;
  ReportData data;

  void start(const PlotChoice& choice);
  [[nodiscard]] std::size_t cell() const;
  [[nodiscard]] std::size_t cell_count() const;
  FieldTable* table(const sweep::Block::Column& column);
  void add_values(const sweep::Block& block, const std::vector<FieldTable*>& tables, std::size_t row);
  void add_failure(const sweep::Block& block, std::size_t row);
  void add_cost(double seconds);
};

void ReportCollector::State::start(const PlotChoice& choice) {
  const auto& dimensions = definition.grid.dimensions();
  plan = detail::plan_plot(definition.grid, choice);
  coordinates.resize(dimensions.size());
  bool map = false;
  if (plan.series) {
    const auto& dimension = dimensions[plan.series->dimension];
    map = dimension.size() > line_limit;
    series.emplace(dimension, plan.series->axis, map ? map_cells : line_limit);
  }
  if (plan.x) x.emplace(dimensions[plan.x->dimension], plan.x->axis, map ? map_cells : line_cells);
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    if (dimensions[d].size() < 2) continue;
    cost_axes.emplace_back(dimensions[d], 0, cost_cells);
    cost_dimensions.push_back(d);
    data.cost.axes.push_back({cost_axes.back().axis(), std::vector<Tally>(cost_axes.back().axis().cells())});
  }
}

std::size_t ReportCollector::State::cell() const {
  if (!x) return 0;
  const std::size_t along_x = x->cell_of(coordinates[plan.x->dimension]);
  if (!series) return along_x;
  return along_x * series->axis().cells() + series->cell_of(coordinates[plan.series->dimension]);
}

std::size_t ReportCollector::State::cell_count() const {
  return (x ? x->axis().cells() : 1) * (series ? series->axis().cells() : 1);
}

/// Where the numbers of `column` go; nullptr for texts and beyond the limit.
FieldTable* ReportCollector::State::table(const sweep::Block::Column& column) {
  const auto known = fields.find(column.name);
  if (known != fields.end()) return &known->second;
  if (column.type == text_type || fields.size() == field_limit) {
    if (undrawn.size() < field_limit) undrawn[column.name] = true;
    return nullptr;
  }
  FieldTable made;
  made.name = column.name;
  made.cells.resize(cell_count());
  for (const auto extent : column.shape) made.elements *= extent;
  field_order.push_back(column.name);
  return &fields.emplace(column.name, std::move(made)).first->second;
}

void ReportCollector::State::add_values(const sweep::Block& block, const std::vector<FieldTable*>& tables,
                                        std::size_t row) {
  const std::size_t into = cell();
  for (std::size_t c = 0; c < tables.size(); ++c) {
    const auto& column = block.columns()[c];
    if (tables[c] == nullptr || column.type == text_type) continue;
    std::size_t elements = 1;
    for (const auto extent : column.shape) elements *= static_cast<std::size_t>(extent);
    double sum = 0;
    for (std::size_t i = 0; i < elements; ++i) sum += number_at(column, row, elements, i);
    const double mean = sum / static_cast<double>(elements);
    if (std::isfinite(mean)) {
      tables[c]->cells[into].add(mean);
    } else {
      ++tables[c]->not_finite;
    }
  }
}

void ReportCollector::State::add_failure(const sweep::Block& block, std::size_t row) {
  const auto position = block.position(row);
  if (failures.size() >= failure_limit && position > failures.rbegin()->first) return;
  const auto outcome = block.outcome(row);
  point.move_to(position);
  FailedPoint failed{position, point.name(), status_text(outcome.status), outcome.message, outcome.attempts};
  if (failed.message.size() > message_limit) failed.message = failed.message.substr(0, message_limit) + "…";
  failures[position] = std::move(failed);
  if (failures.size() > failure_limit) failures.erase(std::prev(failures.end()));
}

void ReportCollector::State::add_cost(double seconds) {
  if (!std::isfinite(seconds)) return;
  ++data.cost.histogram[histogram_bin(seconds)];
  data.cost.seconds.add(seconds);
  for (std::size_t i = 0; i < cost_axes.size(); ++i) {
    data.cost.axes[i].seconds[cost_axes[i].cell_of(coordinates[cost_dimensions[i]])].add(seconds);
  }
}

ReportCollector::ReportCollector(const sweep::Definition& definition, const PlotChoice& choice)
    : state_(std::make_unique<State>(definition)) {
  state_->start(choice);
}

ReportCollector::ReportCollector(ReportCollector&&) noexcept = default;
ReportCollector& ReportCollector::operator=(ReportCollector&&) noexcept = default;
ReportCollector::~ReportCollector() = default;

void ReportCollector::add(const sweep::Block& block) {
  std::vector<FieldTable*> tables;
  for (const auto& column : block.columns()) tables.push_back(state_->table(column));
  for (std::size_t row = 0; row < block.size(); ++row) {
    state_->definition.grid.coordinates(block.position(row), state_->coordinates);
    state_->add_cost(block.seconds(row));
    if (block.status(row) == sweep::Status::ok) {
      state_->add_values(block, tables, row);
    } else {
      state_->add_failure(block, row);
    }
  }
}

void ReportCollector::add_run(const base::Json& report) {
  auto& runs = state_->data.runs;
  ++state_->data.runs_total;
  runs.push_back(read_run_report(report));
  std::stable_sort(runs.begin(), runs.end(), [](const auto& a, const auto& b) { return a.run < b.run; });
  if (runs.size() > run_limit) runs.erase(runs.begin());
  std::size_t kept = 0;
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) {
    if (!run->seconds_axis.empty() && ++kept > timeline_limit) {
      run->seconds_axis.clear();
      run->lines.clear();
    }
  }
}

ReportData ReportCollector::finish(const PointCounts& counts) && {
  ReportData data = std::move(state_->data);
  data.points = counts;
  if (state_->x) {
    data.x = state_->x->axis();
  } else {
    data.x.labels = {""};
  }
  if (state_->series) data.series = state_->series->axis();
  data.repetitions = state_->plan.repetitions;
  for (const auto d : state_->plan.averaged) {
    const auto& dimension = state_->definition.grid.dimensions()[d];
    data.averaged.push_back(dimension.name() + " (" + std::to_string(dimension.size()) + " values)");
  }
  for (const auto& [name, seen] : state_->undrawn) {
    if (!state_->fields.contains(name)) data.undrawn.push_back(name);
  }
  for (const auto& name : state_->field_order) data.fields.push_back(std::move(state_->fields[name]));
  for (auto& [position, failed] : state_->failures) data.failures.push_back(std::move(failed));
  return data;
}

}  // namespace surd::batch
