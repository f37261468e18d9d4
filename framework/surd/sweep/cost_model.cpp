#include "surd/sweep/cost_model.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "surd/expression/expression.hpp"

namespace surd::sweep {
namespace {

constexpr std::uint64_t longest_dimension = 4096;
constexpr double enough_observations = 16;

/// Weighted mean that starts as nothing.
struct Mean {
  double weight = 0;
  double sum = 0;
  void add(double value, double w) {
    weight += w;
    sum += value * w;
  }
  [[nodiscard]] double value() const { return sum / weight; }
};

}  // namespace

struct CostModel::State {
  const Definition& definition;
  std::optional<expression::Expression> expression;
  std::vector<std::string> names;  // axes, then parameters
  std::vector<Value> params;
  Mean all;
  Mean unit;        // seconds per unit of the expression
  Mean log_excess;  // squared log of actual / estimated, 0 where a point took less
  std::vector<std::vector<Mean>> effects;

  std::vector<std::uint64_t> coordinates_of(std::uint64_t position) const {
    std::vector<std::uint64_t> coordinates(definition.grid.dimensions().size());
    definition.grid.coordinates(position, coordinates);
    return coordinates;
  }

  double given(std::uint64_t position) const {
    const auto coordinates = coordinates_of(position);
    const auto axes = definition.grid.axes().size();
    const double cost = expression->number([&](std::size_t i) -> expression::Value {
      return i < axes ? definition.grid.value(i, coordinates) : params[i - axes];
    });
    return std::isfinite(cost) ? cost : 0;  // 0 / 0 must not upset the order of the others
  }

  double learned(std::uint64_t position) const {
    const auto coordinates = coordinates_of(position);
    double estimate = all.value();
    for (std::size_t d = 0; d < effects.size(); ++d) {
      if (effects[d].empty()) continue;
      const auto& here = effects[d][coordinates[d]];
      // Shrunk towards 1 by one observation's weight, so that a single one decides little.
      if (here.weight > 0)
        estimate *= (here.value() * here.weight + all.value()) / (all.value() * (here.weight + 1));
    }
    return estimate;
  }
};

CostModel::CostModel(const Definition& definition, const std::string& cost)
    : state_(std::make_unique<State>(State{definition, {}, {}, {}, {}, {}, {}, {}})) {
  state_->names = definition.grid.axes();
  for (const auto& [name, value] : definition.subject.params) {
    state_->names.push_back(name);
    state_->params.push_back(value);
  }
  if (!cost.empty()) state_->expression = expression::Expression::parse(cost, state_->names);
  for (const auto size : definition.grid.shape()) {
    state_->effects.emplace_back(size > 1 && size <= longest_dimension ? size : 0);
  }
}

CostModel::CostModel(CostModel&&) noexcept = default;
CostModel& CostModel::operator=(CostModel&&) noexcept = default;
CostModel::~CostModel() = default;

void CostModel::observe(std::uint64_t position, double seconds, double points) {
  if (!(seconds > 0)) seconds = 1e-9;
  if (const double guess = estimate(position); guess > 0) {
    const double excess = std::max(0.0, std::log(seconds / guess));
    state_->log_excess.add(excess * excess, 1);
  }
  state_->all.add(seconds, points);
  if (state_->expression) {
    if (const double units = state_->given(position); units > 0) state_->unit.add(seconds / units, points);
    return;
  }
  const auto coordinates = state_->coordinates_of(position);
  for (std::size_t d = 0; d < coordinates.size(); ++d) {
    if (!state_->effects[d].empty()) state_->effects[d][coordinates[d]].add(seconds, points);
  }
}

double CostModel::estimate(std::uint64_t position) const {
  if (state_->all.weight == 0) return -1;
  if (state_->expression)
    return state_->unit.weight > 0 ? state_->unit.value() * state_->given(position) : mean();
  return state_->learned(position);
}

double CostModel::relative(std::uint64_t position) const {
  if (state_->expression) return state_->given(position);
  return state_->all.weight > 0 ? state_->learned(position) : 0;
}

double CostModel::spread() const noexcept {
  // 1.645 standard deviations of a log-normal error. Only what points took longer counts, for one that took a
  // thousandth of its estimate must not make others seem to need a thousand times theirs: half the variance.
  if (state_->log_excess.weight < 4) return 2;
  return std::exp(1.645 * std::sqrt(2 * state_->log_excess.value()));
}

double CostModel::mean() const noexcept { return state_->all.weight > 0 ? state_->all.value() : -1; }
double CostModel::observations() const noexcept { return state_->all.weight; }

bool CostModel::distinguishes() const noexcept {
  if (state_->expression) return true;
  return state_->all.weight >= enough_observations &&
         std::any_of(state_->effects.begin(), state_->effects.end(),
                     [](const auto& e) { return !e.empty(); });
}

}  // namespace surd::sweep
