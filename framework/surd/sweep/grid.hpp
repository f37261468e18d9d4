// The product of dimensions, its chunks, and the order in which its points are numbered.
//
// A point has a coordinate on each dimension (in the order of the job file), a *position* and a *row-major
// index*. Positions number the points chunk by chunk: chunks in row-major order of their corners, points in
// row-major order within their chunk. So a chunk is the interval [chunk_begin(c), chunk_begin(c + 1)), and
// everything that is stored or scheduled is a few intervals of positions. The row-major index is the place in
// result arrays. All conversions are O(dimensions), nothing is stored per point.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "surd/base/json.hpp"
#include "surd/base/spec.hpp"
#include "surd/sweep/dimension.hpp"
#include "surd/sweep/point_set.hpp"

namespace surd::sweep {

/// Upper limit of points in one grid.
inline constexpr std::uint64_t grid_limit = std::uint64_t{1} << 40;

class Grid {
 public:
  /// Reads `axes` and, where present, `chunk`, `exclude` and `where` of a job.
  ///   chunk: sqrt (default) | points per chunk | {axis or dimension: points}
  ///     sqrt and a number give boxes of about that many points that span the last dimensions whole; a map
  ///     gives the extent along each dimension, whole along those it does not name
  ///   exclude: [{L: 64, T: 1.5}, ...]   points that match all values of an entry are left out
  ///   where: "L * T < 100"              points where it is false are left out
  /// @throws SpecError  at the mistake; also for more than grid_limit points or two axes of one name.
  static Grid parse(const base::Spec& job);

  [[nodiscard]] const std::vector<Dimension>& dimensions() const noexcept { return dimensions_; }
  [[nodiscard]] const std::vector<std::uint64_t>& shape() const noexcept { return shape_; }
  /// All axes over all dimensions, in order.
  [[nodiscard]] const std::vector<std::string>& axes() const noexcept { return axes_; }
  /// Points, left-out ones included.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  [[nodiscard]] const std::vector<std::uint64_t>& chunk_shape() const noexcept { return chunk_shape_; }
  [[nodiscard]] std::uint64_t chunk_count() const noexcept { return chunk_count_; }

  /// First position of `chunk`; size() for chunk_count().
  [[nodiscard]] std::uint64_t chunk_begin(std::uint64_t chunk) const;
  /// The chunk that holds `position`.
  [[nodiscard]] std::uint64_t chunk_of(std::uint64_t position) const;

  /// Coordinates of `position`, shape [dimensions().size()].
  void coordinates(std::uint64_t position, std::span<std::uint64_t> into) const;
  [[nodiscard]] std::uint64_t position(std::span<const std::uint64_t> coordinates) const;
  [[nodiscard]] std::uint64_t row_major(std::span<const std::uint64_t> coordinates) const;

  /// Value of axis number `axis` (of axes()) at `coordinates`.
  [[nodiscard]] Value value(std::size_t axis, std::span<const std::uint64_t> coordinates) const;

  /// Positions left out by `exclude` and `where`. Cost: one evaluation per combination of the axes they name.
  [[nodiscard]] PointSet excluded() const;

  /// The spec it was parsed from: {axes: ..., chunk: ..., exclude: ..., where: ...}, chunk as numbers.
  [[nodiscard]] base::Json describe() const;

 private:
  Grid() = default;
  void read_axes(const base::Spec& spec);
  void cut(std::vector<std::uint64_t> chunk_shape);
  /// Points of chunk coordinate `c` along dimension `d`: the last chunk may be narrower.
  [[nodiscard]] std::uint64_t extent(std::size_t d, std::uint64_t c) const noexcept {
    return std::min(chunk_shape_[d], shape_[d] - c * chunk_shape_[d]);
  }

  std::vector<Dimension> dimensions_;
  std::vector<std::uint64_t> shape_;
  std::vector<std::string> axes_;
  std::vector<std::pair<std::size_t, std::size_t>> axis_place_;  ///< Dimension and axis in it, per axis.
  std::vector<std::uint64_t> stride_;                            ///< Row-major.
  std::vector<std::uint64_t> chunk_shape_;
  std::vector<std::uint64_t> chunks_;  ///< Chunks along each dimension.
  std::uint64_t size_ = 1;
  std::uint64_t chunk_count_ = 1;
  base::Json exclude_ = base::Json::array();
  std::string where_;
};

}  // namespace surd::sweep
