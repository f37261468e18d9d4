// Which position of one definition is the same point as a position of another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "surd/sweep/subject.hpp"

namespace surd::sweep {

/// How two subjects relate; the grids do not matter.
enum class Kinship {
  same,           ///< Points may be shared.
  other_version,  ///< Same but for the version.
  unrelated,
};

/// Maps positions of `from` to positions of `to`. Rank-local; not thread-safe (it caches).
class Translation {
 public:
  /// Both must outlive it.
  Translation(const Definition& from, const Definition& to);

  [[nodiscard]] Kinship kinship() const noexcept { return kinship_; }
  /// Every position maps to itself.
  [[nodiscard]] bool identical() const noexcept { return identical_; }
  /// No point is shared: unrelated, or the axes cannot match.
  [[nodiscard]] bool disjoint() const noexcept { return disjoint_; }

  /// The position in `to` of the point at `position` in `from`; nullopt if it is not on that grid.
  /// O(dimensions).
  [[nodiscard]] std::optional<std::uint64_t> operator()(std::uint64_t position);

 private:
  struct Source;
  const Definition& from_;
  const Definition& to_;
  Kinship kinship_ = Kinship::unrelated;
  bool identical_ = false;
  bool disjoint_ = true;
  std::vector<std::shared_ptr<Source>> sources_;  ///< One per dimension of `to`, then what restricts `from`.
  std::vector<std::uint64_t> from_coordinates_;
  std::vector<std::uint64_t> to_coordinates_;
};

}  // namespace surd::sweep
