// One dimension of a grid: one axis, or several that vary together (zip, sample).
//
//   T: {linspace: [1.5, 3.5, 41]}       first, last, how many; bit-identical to numpy.linspace
//   r: {logspace: [-3, 2, 6]}           powers of 10, as numpy.logspace;  base: 2 for others
//   seed: {range: [0, 16]}              start, end (excluded), step; or {range: 16}
//   L: [16, 32, 64]                     any list of distinct values; {list: [...]} is the same
//   pair: {zip: {a: [1, 2], b: [x, y]}}                 axes a and b vary together; the dimension is called
//   pair design: {sample: {method: sobol, points: 1024, seed: 1, axes: {x: [0, 1], y: {log: [1e-3, 1]}}}}
//
// Samples: lhs (Latin hypercube; McKay, Beckman, Conover, Technometrics 21(2), 1979) and sobol (Joe and Kuo's
// direction numbers, SIAM J. Sci. Comput. 30(5), 2008, with a digital shift keyed by seed); more `points` of
// the same sobol sample keep all earlier points. Everything is computed from the index: no dimension but a
// list takes memory for its values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "surd/sweep/value.hpp"

namespace surd::sweep {

/// Immutable; cheap to copy.
class Dimension {
 public:
  /// @throws SpecError  at the place of the mistake: no values, equal values, NaN, bad counts, unknown forms.
  static Dimension parse(const std::string& name, const base::Spec& spec);

  /// The name: the axis's own, or the one given to a zip or sample.
  [[nodiscard]] const std::string& name() const noexcept;
  /// Axes of this dimension: one for an axis, several for zip and sample.
  [[nodiscard]] const std::vector<std::string>& axes() const noexcept;
  [[nodiscard]] std::uint64_t size() const noexcept;

  /// Value of axis number `axis` at `index` < size(). O(1).
  [[nodiscard]] Value value(std::size_t axis, std::uint64_t index) const;

  /// The index at which every axis has the given value (shape [axes().size()]), nullopt if there is none.
  /// O(1), but O(log size) for lists.
  [[nodiscard]] std::optional<std::uint64_t> find(std::span<const Value> values) const;

  /// The form it was parsed from; Dimension::parse(name, describe()) gives it back.
  [[nodiscard]] base::Json describe() const;

  class Form;
  explicit Dimension(std::shared_ptr<const Form> form) noexcept : form_(std::move(form)) {}

 private:
  std::shared_ptr<const Form> form_;
};

}  // namespace surd::sweep
