#include "surd/sweep/translation.hpp"

#include <algorithm>
#include <set>

namespace surd::sweep {
namespace {

constexpr std::uint64_t cached_size = std::uint64_t{1} << 20;
constexpr std::uint64_t unknown = ~std::uint64_t{0};
constexpr std::uint64_t absent = unknown - 1;

Kinship kinship_of(const Subject& from, const Subject& to) {
  if (from.kind != to.kind || from.name != to.name || from.seed != to.seed) return Kinship::unrelated;
  return from.version == to.version ? Kinship::same : Kinship::other_version;
}

std::set<std::string> names_of(const Definition& definition) {
  std::set<std::string> names(definition.grid.axes().begin(), definition.grid.axes().end());
  for (const auto& [name, value] : definition.subject.params) names.insert(name);
  return names;
}

bool identical_grids(const Definition& from, const Definition& to) {
  auto a = from.grid.describe();
  auto b = to.grid.describe();
  for (auto* json : {&a, &b}) {
    json->erase("exclude");
    json->erase("where");
  }
  return a == b;
}

}  // namespace

/// Where some values come from: axes of `from`, and its parameters.
struct Translation::Source {
  struct Part {
    bool constant = false;
    std::size_t dimension = 0;
    std::size_t axis = 0;  ///< In the dimension.
    Value value;           ///< If constant.
  };

  std::vector<Part> parts;
  std::vector<std::size_t> dimensions;  ///< Of `from`, that the parts name; ascending.
  std::vector<std::uint64_t>
      cache;                  ///< By index of the one dimension, if small; or one entry if there is none.
  std::vector<Value> values;  ///< Scratch, shape [parts].
  std::vector<Value> wanted;  ///< For parameters of `to`: what the parts must be.
  const Dimension* target = nullptr;  ///< Else the dimension of `to` whose axes the parts are.

  /// The part called `name`, an axis or a parameter of `from`.
  void add(const Definition& from, const std::string& name) {
    for (std::size_t d = 0; d < from.grid.dimensions().size(); ++d) {
      const auto& axes = from.grid.dimensions()[d].axes();
      const auto it = std::find(axes.begin(), axes.end(), name);
      if (it == axes.end()) continue;
      parts.push_back({false, d, static_cast<std::size_t>(it - axes.begin()), {}});
      if (std::find(dimensions.begin(), dimensions.end(), d) == dimensions.end()) dimensions.push_back(d);
      return;
    }
    parts.push_back({true, 0, 0, from.subject.params.at(name)});
  }

  void prepare(const Definition& from) {
    values.resize(parts.size());
    if (dimensions.empty()) cache.assign(1, unknown);
    if (dimensions.size() != 1) return;
    const auto size = from.grid.shape()[dimensions.front()];
    if (size <= cached_size) cache.assign(size, unknown);
  }

  /// Index in the target of the values at `coordinates` of `from`; 0 if they are as wanted; else `absent`.
  std::uint64_t look(const Grid& from, const std::vector<std::uint64_t>& coordinates) {
    if (cache.empty()) return compute(from, coordinates);
    auto& known = cache[dimensions.empty() ? 0 : coordinates[dimensions.front()]];
    if (known == unknown) known = compute(from, coordinates);
    return known;
  }

 private:
  std::uint64_t compute(const Grid& from, const std::vector<std::uint64_t>& coordinates) {
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto& part = parts[i];
      values[i] = part.constant
                      ? part.value
                      : from.dimensions()[part.dimension].value(part.axis, coordinates[part.dimension]);
    }
    if (target != nullptr) return target->find(values).value_or(absent);
    return std::equal(values.begin(), values.end(), wanted.begin(), same) ? 0 : absent;
  }
};

Translation::Translation(const Definition& from, const Definition& to)
    : from_(from), to_(to), kinship_(kinship_of(from.subject, to.subject)) {
  if (kinship_ == Kinship::unrelated || names_of(from) != names_of(to)) return;
  from_coordinates_.resize(from.grid.shape().size());
  to_coordinates_.resize(to.grid.shape().size());
  for (const auto& dimension : to.grid.dimensions()) {
    auto source = std::make_shared<Source>();
    source->target = &dimension;
    for (const auto& axis : dimension.axes()) source->add(from, axis);
    sources_.push_back(std::move(source));
  }
  // Parameters of `to`: those that are axes of `from` restrict it, dimension by dimension.
  std::map<std::size_t, std::shared_ptr<Source>> restrictions;
  auto constants = std::make_shared<Source>();
  for (const auto& [name, value] : to.subject.params) {
    Source one;
    one.add(from, name);
    auto& group = one.dimensions.empty() ? constants : restrictions[one.dimensions.front()];
    if (!group) group = std::make_shared<Source>();
    group->add(from, name);
    group->wanted.push_back(value);
  }
  sources_.push_back(std::move(constants));
  for (auto& [dimension, group] : restrictions) sources_.push_back(std::move(group));
  disjoint_ = false;
  for (auto& source : sources_) {
    source->prepare(from);
    const bool constant = source->dimensions.empty();
    disjoint_ = disjoint_ || (constant && source->look(from.grid, from_coordinates_) == absent);
  }
  identical_ =
      !disjoint_ && from.subject.params.size() == to.subject.params.size() && identical_grids(from, to);
}

std::optional<std::uint64_t> Translation::operator()(std::uint64_t position) {
  if (identical_) return position;
  if (disjoint_) return std::nullopt;
  from_.grid.coordinates(position, from_coordinates_);
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const auto index = sources_[i]->look(from_.grid, from_coordinates_);
    if (index == absent) return std::nullopt;
    if (i < to_coordinates_.size()) to_coordinates_[i] = index;
  }
  return to_.grid.position(to_coordinates_);
}

}  // namespace surd::sweep
