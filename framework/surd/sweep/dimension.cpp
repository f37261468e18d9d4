#include "surd/sweep/dimension.hpp"

#include <algorithm>
#include <array>
#include <numeric>

#include <fmt/format.h>

#include "surd/sweep/detail/form.hpp"

namespace surd::sweep {
namespace {

using base::Json;
using base::Spec;
using detail::Axis;

/// A dimension that is one axis.
class Single final : public Dimension::Form {
 public:
  Single(const std::string& name, std::unique_ptr<Axis> axis)
      : Form(name, {name}, axis->size()), axis_(std::move(axis)) {}

  [[nodiscard]] Value value(std::size_t, std::uint64_t index) const override { return axis_->value(index); }
  [[nodiscard]] std::optional<std::uint64_t> find(std::span<const Value> values) const override {
    return axis_->find(values[0]);
  }
  [[nodiscard]] Json describe() const override { return axis_->describe(); }

 private:
  std::unique_ptr<Axis> axis_;
};

/// Several axes that vary together. Found by one axis whose values are distinct, else by an index sorted by
/// keys.
class Zip final : public Dimension::Form {
 public:
  Zip(const std::string& name, std::vector<std::string> names, std::vector<std::unique_ptr<Axis>> axes)
      : Form(name, std::move(names), axes.front()->size()), axes_(std::move(axes)) {
    const auto leader = std::find_if(axes_.begin(), axes_.end(), [](const auto& a) { return a->distinct(); });
    leader_ = static_cast<std::size_t>(leader - axes_.begin());
    if (leader != axes_.end()) return;
    order_.resize(size());
    std::iota(order_.begin(), order_.end(), 0U);
    std::sort(order_.begin(), order_.end(), [this](auto a, auto b) { return row(a) < row(b); });
  }

  [[nodiscard]] Value value(std::size_t axis, std::uint64_t index) const override {
    return axes_[axis]->value(index);
  }

  [[nodiscard]] std::optional<std::uint64_t> find(std::span<const Value> values) const override {
    auto index = leader_ < axes_.size() ? axes_[leader_]->find(values[leader_]) : find_row(values);
    if (!index) return std::nullopt;
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
      if (!same(value(axis, *index), values[axis])) return std::nullopt;
    }
    return index;
  }

  [[nodiscard]] Json describe() const override {
    Json zip = Json::object();
    for (std::size_t axis = 0; axis < axes_.size(); ++axis) zip[axes()[axis]] = axes_[axis]->describe();
    return {{"zip", std::move(zip)}};
  }

  /// Two indices with the same values on all axes, if there are any.
  [[nodiscard]] std::optional<std::pair<std::uint64_t, std::uint64_t>> twins() const {
    const auto twin =
        std::adjacent_find(order_.begin(), order_.end(), [this](auto a, auto b) { return row(a) == row(b); });
    if (twin == order_.end()) return std::nullopt;
    return std::minmax(*twin, *(twin + 1));
  }

 private:
  [[nodiscard]] std::vector<Value> row(std::uint64_t index) const {
    std::vector<Value> row;
    for (const auto& axis : axes_) row.push_back(canonical(axis->value(index)));
    return row;
  }

  [[nodiscard]] std::optional<std::uint64_t> find_row(std::span<const Value> values) const {
    std::vector<Value> wanted;
    for (const auto& value : values) wanted.push_back(canonical(value));
    const auto it = std::lower_bound(order_.begin(), order_.end(), wanted,
                                     [this](auto i, const auto& v) { return row(i) < v; });
    if (it == order_.end()) return std::nullopt;
    return *it;
  }

  std::vector<std::unique_ptr<Axis>> axes_;
  std::size_t leader_;
  std::vector<std::uint32_t> order_;
};

constexpr std::array<std::string_view, 6> forms{"linspace", "logspace", "range", "list", "zip", "sample"};

/// The key of `spec` that names its form. @throws SpecError  if there is not exactly one.
std::string form_of(const Spec& spec) {
  std::string found;
  for (const auto& key : spec.keys()) {
    if (std::find(forms.begin(), forms.end(), key) == forms.end()) continue;
    if (!found.empty()) spec.fail(fmt::format("has both '{}' and '{}'; give one of them", found, key));
    found = key;
  }
  if (found.empty()) {
    if (spec.json().empty()) spec.fail("must have at least one value");
    spec.allow_only(forms);
  }
  return found;
}

std::unique_ptr<Axis> parse_axis(const Spec& spec) {
  if (spec.is_list()) return detail::parse_list(spec);
  if (!spec.is_map()) spec.fail_expected("a list of values, or a map such as {range: [0, 16]}");
  const auto form = form_of(spec);
  if (form == "linspace") return detail::parse_linspace(spec);
  if (form == "logspace") return detail::parse_logspace(spec);
  if (form == "range") return detail::parse_range(spec);
  if (form == "list") return detail::parse_list(spec);
  spec.fail(fmt::format("a {} cannot be inside a zip", form));
}

/// @throws SpecError  at the second of two equal values.
void expect_distinct(const Axis& axis, const Spec& spec) {
  if (axis.distinct()) return;
  const auto items = (spec.is_map() ? spec.at("list") : spec).items();
  for (std::uint64_t i = 0; i < items.size(); ++i) {
    const auto first = axis.find(axis.value(i));
    if (first == i) continue;
    items[i].fail(
        fmt::format("the value {} is there twice: also at {}", to_text(axis.value(i)), first.value_or(0)));
  }
}

std::shared_ptr<const Dimension::Form> parse_zip(const std::string& name, const Spec& spec) {
  spec.allow_only({"zip"});
  const auto place = spec.at("zip");
  const auto names = place.keys();
  if (names.empty()) place.fail("must have at least one axis");
  std::vector<std::unique_ptr<Axis>> axes;
  for (const auto& axis : names) {
    const auto at = place.at(axis);
    detail::check_name(axis, at);
    axes.push_back(parse_axis(at));
    if (axes.back()->size() != axes.front()->size()) {
      at.fail(fmt::format("has {} values, but '{}' has {}: axes of a zip must be equally long",
                          axes.back()->size(), names.front(), axes.front()->size()));
    }
  }
  auto zip = std::make_shared<Zip>(name, names, std::move(axes));
  if (const auto twins = zip->twins()) {
    place.fail(
        fmt::format("entries {} and {} have the same values on all axes", twins->first, twins->second));
  }
  return zip;
}

}  // namespace

void detail::check_name(const std::string& name, const Spec& spec) {
  if (name.empty()) spec.fail("an axis needs a name");
  if (name.size() > 255) spec.fail("the name of an axis is longer than 255 bytes");
  const Json text = name;
  (void)to_value(Spec(text, spec.path()));
  const auto forbidden = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == '/' || c == '{' || c == '}';
  };
  if (name == "." || name == ".." || std::any_of(name.begin(), name.end(), forbidden)) {
    spec.fail("the name of an axis must not be . or .. or hold '/', '{', '}' or control characters");
  }
}

Dimension Dimension::parse(const std::string& name, const Spec& spec) {
  detail::check_name(name, spec);
  if (spec.is_map()) {
    const auto form = form_of(spec);
    if (form == "zip") return Dimension(parse_zip(name, spec));
    if (form == "sample") return Dimension(detail::parse_sample(name, spec));
  }
  auto axis = parse_axis(spec);
  expect_distinct(*axis, spec);
  return Dimension(std::make_shared<Single>(name, std::move(axis)));
}

const std::string& Dimension::name() const noexcept { return form_->name(); }
const std::vector<std::string>& Dimension::axes() const noexcept { return form_->axes(); }
std::uint64_t Dimension::size() const noexcept { return form_->size(); }
Value Dimension::value(std::size_t axis, std::uint64_t index) const { return form_->value(axis, index); }
std::optional<std::uint64_t> Dimension::find(std::span<const Value> values) const {
  return form_->find(values);
}
Json Dimension::describe() const { return form_->describe(); }

}  // namespace surd::sweep
