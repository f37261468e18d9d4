// Samples: axes whose values are spread over a box. Compiled without contraction to fused multiply-add, so
// that values are the same on every machine.
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <boost/random/sobol.hpp>

#include "surd/base/hash.hpp"
#include "surd/base/random.hpp"
#include "surd/sweep/detail/form.hpp"
#include "surd/sweep/detail/permutation.hpp"
#include "surd/sweep/detail/power.hpp"

namespace surd::sweep::detail {
namespace {

using base::Json;
using base::Spec;

/// Points are at most this many bits: 2^40.
constexpr unsigned index_bits = 40;

/// Interval of one axis, and how [0, 1) is laid over it.
struct Range {
  double low = 0;
  double high = 1;
  std::optional<Power> log;  ///< Of high / low, if the logarithm is what is sampled evenly.

  [[nodiscard]] double scale(double unit) const {
    return log ? low * (*log)(unit) : low + unit * (high - low);
  }
  [[nodiscard]] double unscale(double value) const {
    return log ? std::log(value / low) / log->log() : (value - low) / (high - low);
  }
  /// In units of [0, 1): how finely floats can tell apart.
  [[nodiscard]] double resolution() const {
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    return log ? epsilon / log->log() : epsilon * std::max(std::abs(low), std::abs(high)) / (high - low);
  }
  [[nodiscard]] Json describe() const {
    Json bounds{low, high};
    return log ? Json{{"log", std::move(bounds)}} : bounds;
  }
};

/// What the methods have in common.
class Sample : public Dimension::Form {
 public:
  struct Plan {
    std::string method;
    std::uint64_t points = 0;
    std::uint64_t seed = 0;
    std::vector<std::string> axes;
    std::vector<Range> ranges;
  };

  Sample(const std::string& name, Plan plan) : Form(name, plan.axes, plan.points), plan_(std::move(plan)) {}

  [[nodiscard]] Value value(std::size_t axis, std::uint64_t index) const final {
    return plan_.ranges[axis].scale(unit(axis, index));
  }

  [[nodiscard]] std::optional<std::uint64_t> find(std::span<const Value> values) const final {
    const auto first = as_double(values[0]);
    if (!first) return std::nullopt;
    const double cell = std::floor(plan_.ranges[0].unscale(*first) * cells());
    for (const double near : {cell, cell - 1, cell + 1}) {
      if (!(near >= 0 && near < cells())) continue;
      const auto index = index_of_cell(static_cast<std::uint64_t>(near));
      if (index < size() && matches(index, values)) return index;
    }
    return std::nullopt;
  }

  [[nodiscard]] Json describe() const final {
    Json axes = Json::object();
    for (std::size_t i = 0; i < plan_.axes.size(); ++i) axes[plan_.axes[i]] = plan_.ranges[i].describe();
    return {{"sample",
             {{"method", plan_.method},
              {"points", plan_.points},
              {"seed", plan_.seed},
              {"axes", std::move(axes)}}}};
  }

 protected:
  /// In [0, 1).
  [[nodiscard]] virtual double unit(std::size_t axis, std::uint64_t index) const = 0;
  /// Along axis 0, each of this many equal cells holds at most one point:
  [[nodiscard]] virtual double cells() const = 0;
  /// this one.
  [[nodiscard]] virtual std::uint64_t index_of_cell(std::uint64_t cell) const = 0;

  /// A key of one axis: by its name, so that other axes may come and go.
  [[nodiscard]] std::uint64_t key(std::size_t axis) const {
    return base::hash64(plan_.axes[axis], plan_.seed);
  }

 private:
  [[nodiscard]] bool matches(std::uint64_t index, std::span<const Value> values) const {
    for (std::size_t axis = 0; axis < values.size(); ++axis) {
      if (!same(value(axis, index), values[axis])) return false;
    }
    return true;
  }

  Plan plan_;
};

/// Along each axis, one point in each of `points` equal strata, at a random place in it.
class LatinHypercube final : public Sample {
 public:
  LatinHypercube(const std::string& name, Plan plan) : Sample(name, std::move(plan)) {
    for (std::size_t axis = 0; axis < axes().size(); ++axis) {
      keys_.push_back(key(axis));
      strata_.emplace_back(size(), keys_.back());
    }
  }

 protected:
  [[nodiscard]] double unit(std::size_t axis, std::uint64_t index) const override {
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
    const auto random = base::philox({low(index), high(index), 0, 0}, {low(keys_[axis]), high(keys_[axis])});
    const double place = (static_cast<double>(random[0]) + 0.5) * 0x1p-32;
    return (static_cast<double>(strata_[axis](index)) + place) / cells();
  }
  [[nodiscard]] double cells() const override { return static_cast<double>(size()); }
  [[nodiscard]] std::uint64_t index_of_cell(std::uint64_t cell) const override {
    return strata_[0].inverse(cell);
  }

 private:
  std::vector<std::uint64_t> keys_;
  std::vector<Permutation> strata_;
};

using SobolEngine = boost::random::sobol;

/// Sobol's sequence in the order of the Gray code, point 0 included, each axis xored with a random number.
class Sobol final : public Sample {
 public:
  Sobol(const std::string& name, Plan plan) : Sample(name, std::move(plan)) {
    for (std::size_t axis = 0; axis < axes().size(); ++axis) {
      shifts_.push_back(base::RandomStream(0, key(axis))());
    }
    // Boost leaves out point 0; the point with Gray code 2^k is direction number k of every axis.
    directions_.resize(axes().size());
    SobolEngine engine(axes().size());
    for (unsigned k = 0; k < index_bits; ++k) {
      engine.seed((std::uint64_t{2} << k) - 2);
      for (auto& directions : directions_) directions[k] = engine();
    }
  }

 protected:
  [[nodiscard]] double unit(std::size_t axis, std::uint64_t index) const override {
    auto bits = shifts_[axis];
    for (auto gray = index ^ (index >> 1); gray != 0; gray &= gray - 1) {
      bits ^= directions_[axis][static_cast<std::size_t>(std::countr_zero(gray))];
    }
    return static_cast<double>(bits >> 11) * 0x1p-53;
  }
  [[nodiscard]] double cells() const override { return std::ldexp(1.0, static_cast<int>(bits())); }

  /// Axis 0 is the bit reversal of the Gray code.
  [[nodiscard]] std::uint64_t index_of_cell(std::uint64_t cell) const override {
    std::uint64_t index = 0;
    for (unsigned k = 0; k < bits(); ++k) {
      const auto bit = ((cell >> (bits() - 1 - k)) ^ (shifts_[0] >> (63 - k))) & 1;
      index |= bit << k;
    }
    for (unsigned shift = 1; shift < 64; shift *= 2) index ^= index >> shift;
    return index;
  }

 private:
  [[nodiscard]] unsigned bits() const { return static_cast<unsigned>(std::bit_width(size() - 1)); }

  std::vector<std::uint64_t> shifts_;
  std::vector<std::array<std::uint64_t, index_bits>> directions_;
};

Range parse_bounds(const Spec& spec, std::uint64_t points) {
  const bool log = spec.is_map();
  if (log) spec.allow_only({"log"});
  const auto place = log ? spec.at("log") : spec;
  if (!place.is_list() || place.json().size() != 2) place.fail_expected("[low, high]");
  const auto items = place.items();
  Range range{items[0].number(), items[1].number(), std::nullopt};
  if (range.low >= range.high) {
    place.fail(fmt::format("the low bound {} must be below the high bound {}", range.low, range.high));
  }
  if (log && range.low <= 0)
    items[0].fail(fmt::format("a log axis needs positive bounds, found {}", range.low));
  if (!std::isfinite(log ? range.high / range.low : range.high - range.low)) {
    place.fail("the bounds lie too far apart for floats");
  }
  if (log) range.log.emplace(range.high / range.low);
  if (16 * static_cast<double>(points) * range.resolution() > 1) {
    place.fail(fmt::format("the interval is too narrow to tell {} floats in it apart", points));
  }
  return range;
}

}  // namespace

std::shared_ptr<const Dimension::Form> parse_sample(const std::string& name, const Spec& spec) {
  spec.allow_only({"sample"});
  const auto place = spec.at("sample");
  place.allow_only({"method", "points", "seed", "axes"});
  Sample::Plan plan;
  plan.method = place.at("method").text();
  if (plan.method != "lhs" && plan.method != "sobol") place.at("method").fail_expected("lhs or sobol");
  const auto points = place.at("points").integer();
  constexpr auto limit = std::int64_t{1} << index_bits;
  if (points < 1 || points > limit)
    place.at("points").fail(fmt::format("must be from 1 to {}, found {}", limit, points));
  plan.points = static_cast<std::uint64_t>(points);
  const auto seed = place.get("seed", std::int64_t{0});
  if (seed < 0) place.at("seed").fail("must not be negative");
  plan.seed = static_cast<std::uint64_t>(seed);
  const auto axes = place.at("axes");
  plan.axes = axes.keys();
  if (plan.axes.empty()) axes.fail("must have at least one axis");
  for (const auto& axis : plan.axes) {
    check_name(axis, axes);
    plan.ranges.push_back(parse_bounds(axes.at(axis), plan.points));
  }
  if (plan.method == "lhs") return std::make_shared<LatinHypercube>(name, std::move(plan));
  constexpr std::size_t most_axes = boost::random::default_sobol_table::max_dimension;
  if (plan.axes.size() > most_axes) axes.fail(fmt::format("sobol knows {} axes at most", most_axes));
  return std::make_shared<Sobol>(name, std::move(plan));
}

}  // namespace surd::sweep::detail
