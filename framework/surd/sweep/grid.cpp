#include "surd/sweep/grid.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/sweep/detail/selection.hpp"

namespace surd::sweep {
namespace {

using base::Json;
using base::Spec;

/// A box of about `points` points that spans the last dimensions, so that it is nearly contiguous in
/// row-major order.
std::vector<std::uint64_t> box(const std::vector<std::uint64_t>& shape, double points) {
  std::vector<std::uint64_t> box(shape.size(), 1);
  for (auto d = shape.size(); d-- > 0;) {
    const auto whole = static_cast<double>(shape[d]);
    box[d] = static_cast<std::uint64_t>(std::clamp(std::round(points), 1.0, whole));
    points /= static_cast<double>(box[d]);
  }
  return box;
}

std::uint64_t read_extent(const Spec& spec) {
  if (!spec.json().is_number_integer()) spec.fail_expected("a number of points");
  const auto points = spec.integer();
  if (points < 1) spec.fail(fmt::format("must be at least 1, found {}", points));
  return static_cast<std::uint64_t>(points);
}

/// The number of the dimension called `name`, or with an axis of that name. @throws SpecError
std::size_t dimension_of(const std::vector<Dimension>& dimensions, const std::string& name,
                         const Spec& spec) {
  std::vector<std::string_view> names;
  for (std::size_t d = 0; d < dimensions.size(); ++d) {
    if (dimensions[d].name() == name) return d;
    for (const auto& axis : dimensions[d].axes()) {
      if (axis == name) return d;
      names.emplace_back(axis);
    }
    names.emplace_back(dimensions[d].name());
  }
  const auto guess = base::nearest(name, names);
  spec.fail(fmt::format("there is no axis '{}'{}", name,
                        guess.empty() ? "" : fmt::format("; did you mean '{}'?", guess)));
}

std::vector<std::uint64_t> read_chunk(const Spec& spec, const std::vector<Dimension>& dimensions,
                                      const std::vector<std::uint64_t>& shape, double size) {
  if (spec.is_text()) {
    if (spec.text() != "sqrt")
      spec.fail_expected("sqrt, a number of points, or a map of axes to numbers of points");
    return box(shape, std::sqrt(size));
  }
  if (!spec.is_map()) return box(shape, static_cast<double>(read_extent(spec)));
  auto chunk = shape;
  std::vector<std::string> named(shape.size());
  for (const auto& name : spec.keys()) {
    const auto at = spec.at(name);
    const auto d = dimension_of(dimensions, name, at);
    if (!named[d].empty()) at.fail(fmt::format("'{}' is the same dimension: give one of them", named[d]));
    named[d] = name;
    chunk[d] = std::min(read_extent(at), shape[d]);
  }
  return chunk;
}

}  // namespace

Grid Grid::parse(const Spec& job) {
  Grid grid;
  grid.read_axes(job.at("axes"));
  const auto chunk = job.find("chunk");
  grid.cut(chunk ? read_chunk(*chunk, grid.dimensions_, grid.shape_, static_cast<double>(grid.size_))
                 : box(grid.shape_, std::sqrt(static_cast<double>(grid.size_))));
  if (const auto exclude = job.find("exclude")) {
    grid.exclude_ = exclude->json();
    (void)detail::read_exclude(grid, *exclude);
  }
  if (const auto where = job.find("where")) {
    grid.where_ = where->text();
    (void)detail::read_where(grid, *where);
  }
  return grid;
}

void Grid::read_axes(const Spec& spec) {
  const auto names = spec.keys();
  if (names.empty()) spec.fail("must have at least one axis");
  for (const auto& name : names) {
    const auto at = spec.at(name);
    dimensions_.push_back(Dimension::parse(name, at));
    const auto& dimension = dimensions_.back();
    for (std::size_t axis = 0; axis < dimension.axes().size(); ++axis) {
      const auto& axis_name = dimension.axes()[axis];
      if (std::find(axes_.begin(), axes_.end(), axis_name) != axes_.end()) {
        at.fail(fmt::format("there is another axis called '{}'", axis_name));
      }
      axes_.push_back(axis_name);
      axis_place_.emplace_back(dimensions_.size() - 1, axis);
    }
    shape_.push_back(dimension.size());
    if (dimension.size() > grid_limit / size_) {
      const auto points = static_cast<double>(size_) * static_cast<double>(dimension.size());
      spec.fail(fmt::format(
          "the grid has {} points with '{}', more than {}",
          points < 1e18 ? base::format_count(size_ * dimension.size()) : fmt::format("{:.3g}", points), name,
          base::format_count(grid_limit)));
    }
    size_ *= dimension.size();
  }
}

void Grid::cut(std::vector<std::uint64_t> chunk_shape) {
  chunk_shape_ = std::move(chunk_shape);
  stride_.assign(shape_.size(), 1);
  for (auto d = shape_.size(); d-- > 1;) stride_[d - 1] = stride_[d] * shape_[d];
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    chunks_.push_back((shape_[d] + chunk_shape_[d] - 1) / chunk_shape_[d]);
    chunk_count_ *= chunks_.back();
  }
}

std::uint64_t Grid::chunk_begin(std::uint64_t chunk) const {
  if (chunk >= chunk_count_) return size_;
  std::uint64_t begin = 0;
  std::uint64_t slab = 1;  // Points of the chunk's own extents along the dimensions before d.
  std::uint64_t rest = chunk_count_;
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    rest /= chunks_[d];
    const auto c = chunk / rest;
    chunk %= rest;
    begin += slab * c * chunk_shape_[d] * stride_[d];
    slab *= extent(d, c);
  }
  return begin;
}

std::uint64_t Grid::chunk_of(std::uint64_t position) const {
  std::uint64_t chunk = 0;
  std::uint64_t slab = 1;
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    const auto layer = slab * chunk_shape_[d] * stride_[d];
    const auto c = position / layer;
    position %= layer;
    chunk = chunk * chunks_[d] + c;
    slab *= extent(d, c);
  }
  return chunk;
}

void Grid::coordinates(std::uint64_t position, std::span<std::uint64_t> into) const {
  std::uint64_t slab = 1;
  for (std::size_t d = 0; d < shape_.size(); ++d) {  // The chunk,
    const auto layer = slab * chunk_shape_[d] * stride_[d];
    into[d] = position / layer;
    position -= into[d] * layer;
    slab *= extent(d, into[d]);
  }
  for (auto d = shape_.size(); d-- > 0;) {  // then the place in it.
    const auto width = extent(d, into[d]);
    const auto above = position / width;
    into[d] = into[d] * chunk_shape_[d] + (position - above * width);
    position = above;
  }
}

std::uint64_t Grid::position(std::span<const std::uint64_t> coordinates) const {
  std::uint64_t begin = 0;
  std::uint64_t slab = 1;
  std::uint64_t within = 0;
  for (std::size_t d = 0; d < shape_.size(); ++d) {
    const auto c = coordinates[d] / chunk_shape_[d];
    const auto corner = c * chunk_shape_[d];
    const auto width = extent(d, c);
    begin += slab * corner * stride_[d];
    slab *= width;
    within = within * width + (coordinates[d] - corner);
  }
  return begin + within;
}

std::uint64_t Grid::row_major(std::span<const std::uint64_t> coordinates) const {
  std::uint64_t index = 0;
  for (std::size_t d = 0; d < shape_.size(); ++d) index += coordinates[d] * stride_[d];
  return index;
}

Value Grid::value(std::size_t axis, std::span<const std::uint64_t> coordinates) const {
  const auto [dimension, part] = axis_place_[axis];
  return dimensions_[dimension].value(part, coordinates[dimension]);
}

PointSet Grid::excluded() const {
  PointSet excluded;
  for (const auto& selection : detail::read_exclude(*this, Spec(exclude_, "exclude"))) {
    detail::add_selected(*this, selection, excluded);
  }
  if (!where_.empty()) {
    const Json text = where_;
    detail::add_selected(*this, detail::read_where(*this, Spec(text, "where")), excluded);
  }
  return excluded;
}

Json Grid::describe() const {
  Json axes = Json::object();
  Json chunk = Json::object();
  for (std::size_t d = 0; d < dimensions_.size(); ++d) {
    axes[dimensions_[d].name()] = dimensions_[d].describe();
    chunk[dimensions_[d].name()] = chunk_shape_[d];
  }
  Json json{{"axes", std::move(axes)}, {"chunk", std::move(chunk)}};
  if (!exclude_.empty()) json["exclude"] = exclude_;
  if (!where_.empty()) json["where"] = where_;
  return json;
}

}  // namespace surd::sweep
