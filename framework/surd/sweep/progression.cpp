// Axes computed from the index. The sums and products below must be rounded one by one, as numpy does: this
// file is compiled without contraction to fused multiply-add.
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "surd/sweep/detail/form.hpp"
#include "surd/sweep/detail/power.hpp"

namespace surd::sweep::detail {
namespace {

using base::Json;
using base::Spec;

constexpr std::uint64_t checked_one_by_one = std::uint64_t{1} << 20;

double ulp(double x) {
  return std::nextafter(std::abs(x), std::numeric_limits<double>::infinity()) - std::abs(x);
}

/// Floats in ascending or descending order, about evenly spaced once `level` is applied.
class Progression : public Axis {
 public:
  Progression(std::uint64_t size, double first, double last) : Axis(size), first_(first), last_(last) {}

  [[nodiscard]] Value value(std::uint64_t index) const final { return at(index); }

  [[nodiscard]] std::optional<std::uint64_t> find(const Value& value) const final {
    const auto wanted = as_double(value);
    if (!wanted || !std::isfinite(*wanted)) return std::nullopt;
    const auto guess =
        size() == 1 ? 0 : std::round((level(*wanted) - first_) / ((last_ - first_) / intervals()));
    // Values are a few roundings away from even spacing; where they are that dense, so is the guess.
    constexpr double window = 4;
    if (!(guess >= -window && guess <= intervals() + window)) return std::nullopt;
    for (double away = 0; away <= window; ++away) {
      for (const double near : {guess + away, guess - away}) {
        if (near < 0 || near > intervals()) continue;
        const auto index = static_cast<std::uint64_t>(near);
        if (at(index) == *wanted && same(at(index), value)) return index;
      }
    }
    return std::nullopt;
  }

  /// @throws SpecError  if two neighbours are equal or not finite; does not look at each of very many.
  void check(const Spec& spec) const {
    if (!std::isfinite(at(0)) || !std::isfinite(at(size() - 1)))
      spec.fail("a value is too large for a float");
    if (size() == 1) return;
    if (at(0) == at(size() - 1)) spec.fail(fmt::format("all {} values would be {}", size(), at(0)));
    const double largest = std::max(std::abs(first_), std::abs(last_));
    const bool clearly_distinct = std::abs(last_ - first_) / intervals() > dense() * ulp(largest);
    if (clearly_distinct) return;
    for (std::uint64_t i = 1; i < std::min(size(), checked_one_by_one); ++i) {
      if (at(i) == at(i - 1)) {
        spec.fail(
            fmt::format("values {} and {} are both {}: floats are not dense enough here", i - 1, i, at(i)));
      }
    }
    if (size() > checked_one_by_one) spec.fail("the values are too close together for floats");
  }

 protected:
  [[nodiscard]] virtual double at(std::uint64_t index) const = 0;
  /// Inverse of what is done to evenly spaced numbers.
  [[nodiscard]] virtual double level(double value) const { return value; }
  /// How many ulp of the evenly spaced numbers surely tell two values apart.
  [[nodiscard]] virtual double dense() const { return 8; }
  [[nodiscard]] double intervals() const { return static_cast<double>(size() - 1); }

 private:
  double first_;
  double last_;
};

/// numpy.linspace(first, last, count)[index], to the last bit.
double linspace_at(double first, double last, std::uint64_t count, std::uint64_t index) {
  const double delta = last - first;
  if (count == 1) return 0 * delta + first;
  if (index + 1 == count) return last;
  const auto intervals = static_cast<double>(count - 1);
  const double step = delta / intervals;
  const auto i = static_cast<double>(index);
  return (step == 0 ? i / intervals * delta : i * step) + first;
}

class Linspace final : public Progression {
 public:
  Linspace(Json first, Json last, std::uint64_t count)
      : Progression(count, first.get<double>(), last.get<double>()),
        first_(first.get<double>()),
        last_(last.get<double>()) {}

  [[nodiscard]] Json describe() const override { return {{"linspace", {first_, last_, size()}}}; }

 protected:
  [[nodiscard]] double at(std::uint64_t index) const override {
    return linspace_at(first_, last_, size(), index);
  }

 private:
  double first_;
  double last_;
};

/// base ** numpy.linspace(first, last, count), each the nearest double: numpy's own may be one unit in the
/// last place off.
class Logspace final : public Progression {
 public:
  Logspace(double first, double last, std::uint64_t count, double base)
      : Progression(count, first, last), first_(first), last_(last), base_(base), power_(base) {}

  [[nodiscard]] Json describe() const override {
    Json json{{"logspace", {first_, last_, size()}}};
    if (base_ != 10) json["base"] = base_;
    return json;
  }

 protected:
  [[nodiscard]] double at(std::uint64_t index) const override {
    return power_(linspace_at(first_, last_, size(), index));
  }
  [[nodiscard]] double level(double value) const override {
    return value > 0 ? std::log(value) / power_.log() : NAN;
  }
  /// Powers are as dense as floats are, relative to their size: |d value / value| = log(base) * |d exponent|.
  [[nodiscard]] double dense() const override { return 8 * std::max(1.0, 1 / std::abs(power_.log())); }

 private:
  double first_;
  double last_;
  double base_;
  Power power_;
};

/// numpy.arange(first, end, step) of floats, to the last bit: numpy adds multiples of the rounded first
/// difference.
class FloatRange final : public Progression {
 public:
  FloatRange(double first, double end, double step, std::uint64_t count)
      : Progression(count, first, first + static_cast<double>(count - 1) * step),
        first_(first),
        end_(end),
        step_(step),
        second_(first + step) {}

  [[nodiscard]] Json describe() const override { return {{"range", {first_, end_, step_}}}; }

 protected:
  [[nodiscard]] double at(std::uint64_t index) const override {
    if (index == 0) return first_;
    if (index == 1) return second_;
    return first_ + static_cast<double>(index) * (second_ - first_);
  }

 private:
  double first_;
  double end_;
  double step_;
  double second_;
};

__extension__ using Wide = __int128;

class IntegerRange final : public Axis {
 public:
  IntegerRange(std::int64_t first, std::int64_t end, std::int64_t step, std::uint64_t count)
      : Axis(count), first_(first), end_(end), step_(step) {}

  [[nodiscard]] Value value(std::uint64_t index) const override {
    return static_cast<std::int64_t>(first_ + Wide{step_} * static_cast<Wide>(index));
  }
  [[nodiscard]] std::optional<std::uint64_t> find(const Value& value) const override {
    const auto wanted = canonical(value);
    const auto* number = std::get_if<std::int64_t>(&wanted);
    if (number == nullptr) return std::nullopt;
    const auto distance = Wide{*number} - first_;
    const auto index = distance / step_;
    if (distance % step_ != 0 || index < 0 || index >= static_cast<Wide>(size())) return std::nullopt;
    return static_cast<std::uint64_t>(index);
  }
  [[nodiscard]] Json describe() const override { return {{"range", {first_, end_, step_}}}; }

 private:
  std::int64_t first_;
  std::int64_t end_;
  std::int64_t step_;
};

/// The [first, last, count] of linspace and logspace.
struct Ends {
  double first;
  double last;
  std::uint64_t count;
};

Ends parse_ends(const Spec& spec) {
  if (!spec.is_list() || spec.json().size() != 3) spec.fail_expected("[first, last, how many]");
  const auto items = spec.items();
  const auto count = items[2].integer();
  if (count < 1) items[2].fail(fmt::format("must be at least 1, found {}", count));
  const Ends ends{items[0].number(), items[1].number(), static_cast<std::uint64_t>(count)};
  if (!std::isfinite(ends.last - ends.first)) spec.fail("the values lie too far apart for floats");
  return ends;
}

std::unique_ptr<Axis> float_range(const Spec& spec, double first, double end, double step) {
  const double count = std::ceil((end - first) / step);
  if (!(count >= 1))
    spec.fail(fmt::format("there is no value: steps of {} from {} do not reach {}", step, first, end));
  if (!(count < 0x1p53)) spec.fail("there are too many values");
  auto range = std::make_unique<FloatRange>(first, end, step, static_cast<std::uint64_t>(count));
  range->check(spec);
  return range;
}

std::unique_ptr<Axis> integer_range(const Spec& spec, std::int64_t first, std::int64_t end,
                                    std::int64_t step) {
  const auto distance = Wide{end} - first;
  const auto count = distance / step + (distance % step != 0 ? 1 : 0);
  if (distance == 0 || (distance > 0) != (step > 0)) {
    spec.fail(fmt::format("there is no value: steps of {} from {} do not reach {}", step, first, end));
  }
  return std::make_unique<IntegerRange>(first, end, step, static_cast<std::uint64_t>(count));
}

}  // namespace

std::optional<double> as_double(const Value& value) noexcept {
  if (const auto* number = std::get_if<double>(&value)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&value)) return static_cast<double>(*number);
  return std::nullopt;
}

std::unique_ptr<Axis> parse_linspace(const Spec& spec) {
  spec.allow_only({"linspace"});
  const auto place = spec.at("linspace");
  const auto ends = parse_ends(place);
  auto axis = std::make_unique<Linspace>(ends.first, ends.last, ends.count);
  axis->check(place);
  return axis;
}

std::unique_ptr<Axis> parse_logspace(const Spec& spec) {
  spec.allow_only({"logspace", "base"});
  const auto place = spec.at("logspace");
  const auto ends = parse_ends(place);
  const auto base = spec.get("base", 10.0);
  if (base <= 0 || base == 1) spec.at("base").fail(fmt::format("must be positive and not 1, found {}", base));
  auto axis = std::make_unique<Logspace>(ends.first, ends.last, ends.count, base);
  const auto smallest = std::min(as_double(axis->value(0)), as_double(axis->value(ends.count - 1)));
  if (smallest < std::numeric_limits<double>::min()) place.fail("a value is too small for a float");
  axis->check(place);
  return axis;
}

std::unique_ptr<Axis> parse_range(const Spec& spec) {
  spec.allow_only({"range"});
  const auto place = spec.at("range");
  const Json whole = Json::array({0, place.json(), 1});
  Json three = place.is_list() ? place.json() : whole;
  if (three.size() == 1) three = Json::array({0, three[0], 1});
  if (three.size() == 2) three.push_back(1);
  if (three.size() != 3) place.fail_expected("[first, end, step]");
  const auto items = Spec(three, place.path()).items();
  for (const auto& item : items) (void)item.number();
  if (items[2].number() == 0) place.fail("the step must not be 0");
  const bool integers = items[0].json().is_number_integer() && items[1].json().is_number_integer() &&
                        items[2].json().is_number_integer();
  if (integers) return integer_range(place, items[0].integer(), items[1].integer(), items[2].integer());
  return float_range(place, items[0].number(), items[1].number(), items[2].number());
}

}  // namespace surd::sweep::detail
