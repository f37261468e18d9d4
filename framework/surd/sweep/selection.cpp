#include "surd/sweep/detail/selection.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/expression/expression.hpp"

namespace surd::sweep::detail {
namespace {

using base::Spec;

constexpr std::uint64_t searched_one_by_one = std::uint64_t{1} << 20;

/// The places of all axes: dimension, and axis in it.
std::vector<std::pair<std::size_t, std::size_t>> axis_places(const Grid& grid) {
  std::vector<std::pair<std::size_t, std::size_t>> places;
  for (std::size_t d = 0; d < grid.dimensions().size(); ++d) {
    for (std::size_t a = 0; a < grid.dimensions()[d].axes().size(); ++a) places.emplace_back(d, a);
  }
  return places;
}

std::size_t axis_number(const Grid& grid, const std::string& name, const Spec& spec) {
  const auto& axes = grid.axes();
  const auto it = std::find(axes.begin(), axes.end(), name);
  if (it != axes.end()) return static_cast<std::size_t>(it - axes.begin());
  const std::vector<std::string_view> names(axes.begin(), axes.end());
  const auto guess = base::nearest(name, names);
  spec.fail(fmt::format("there is no axis '{}'{}", name,
                        guess.empty() ? "" : fmt::format("; did you mean '{}'?", guess)));
}

/// Indices of `dimension` at which its axes have the given values; nullopt: any.
std::vector<std::uint64_t> indices_of(const Dimension& dimension,
                                      const std::vector<std::optional<Value>>& wanted, const Spec& entry) {
  std::vector<Value> values;
  for (const auto& value : wanted) {
    if (value) values.push_back(*value);
  }
  std::vector<std::uint64_t> indices;
  if (values.size() == wanted.size()) {
    if (const auto index = dimension.find(values)) indices.push_back(*index);
    return indices;
  }
  if (dimension.size() > searched_one_by_one) {
    entry.fail(fmt::format("'{}' has too many points to search: name all its axes", dimension.name()));
  }
  for (std::uint64_t i = 0; i < dimension.size(); ++i) {
    bool all = true;
    for (std::size_t a = 0; a < wanted.size() && all; ++a)
      all = !wanted[a] || same(dimension.value(a, i), *wanted[a]);
    if (all) indices.push_back(i);
  }
  return indices;
}

/// @throws SpecError  at the first axis that lacks its value, else at the entry: no point has them together.
[[noreturn]] void fail_absent(const Dimension& dimension, const std::vector<std::optional<Value>>& wanted,
                              const Spec& entry) {
  for (std::size_t a = 0; a < wanted.size(); ++a) {
    if (!wanted[a]) continue;
    std::vector<std::optional<Value>> alone(wanted.size());
    alone[a] = wanted[a];
    const auto& name = dimension.axes()[a];
    const bool searchable = wanted.size() == 1 || dimension.size() <= searched_one_by_one;
    if (searchable && indices_of(dimension, alone, entry).empty()) {
      entry.at(name).fail(fmt::format("the axis '{}' has no value {}", name, to_text(*wanted[a])));
    }
  }
  entry.fail(fmt::format("no point of '{}' has these values together", dimension.name()));
}

Selection read_entry(const Grid& grid, const Spec& entry) {
  const auto places = axis_places(grid);
  std::vector<std::vector<std::optional<Value>>> wanted(grid.dimensions().size());
  if (entry.keys().empty()) entry.fail("must name at least one axis");
  for (const auto& name : entry.keys()) {
    const auto at = entry.at(name);
    const auto [d, axis] = places[axis_number(grid, name, at)];
    wanted[d].resize(grid.dimensions()[d].axes().size());
    wanted[d][axis] = to_value(at);
  }
  Selection selection;
  selection.indices.resize(grid.dimensions().size());
  for (std::size_t d = 0; d < wanted.size(); ++d) {
    if (wanted[d].empty()) continue;
    selection.indices[d] = indices_of(grid.dimensions()[d], wanted[d], entry);
    if (selection.indices[d]->empty()) fail_absent(grid.dimensions()[d], wanted[d], entry);
  }
  return selection;
}

}  // namespace

std::vector<Selection> read_exclude(const Grid& grid, const Spec& spec) {
  std::vector<Selection> selections;
  for (const auto& entry : spec.items()) selections.push_back(read_entry(grid, entry));
  return selections;
}

Selection read_where(const Grid& grid, const Spec& spec) {
  Selection selection;
  selection.indices.resize(grid.dimensions().size());
  try {
    const auto expression = expression::Expression::parse(spec.text(), grid.axes());
    const auto places = axis_places(grid);
    for (const auto axis : expression.uses()) {
      const auto d = places[axis].first;
      if (selection.tested.empty() || selection.tested.back() != d) selection.tested.push_back(d);
    }
    if (selection.tested.empty()) spec.fail("must depend on at least one axis");
    selection.picks = [&grid, expression, path = spec.path()](std::span<const std::uint64_t> coordinates) {
      try {
        return !expression.test([&](std::size_t axis) { return grid.value(axis, coordinates); });
      } catch (const base::UsageError& e) {
        throw base::SpecError(path, e.what());
      }
    };
  } catch (const base::SpecError&) {
    throw;
  } catch (const base::UsageError& e) {
    spec.fail(e.what());
  }
  const std::vector<std::uint64_t> first(grid.dimensions().size());
  (void)selection.picks(first);
  return selection;
}

}  // namespace surd::sweep::detail
