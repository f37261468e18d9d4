// From a selection of coordinates to intervals of positions.
#include <algorithm>
#include <map>

#include "surd/sweep/detail/selection.hpp"

namespace surd::sweep::detail {
namespace {

/// Answers of Selection::picks, each asked once if the dimensions it reads are not too large together.
class Verdicts {
 public:
  Verdicts(const Grid& grid, const Selection& selection) : selection_(selection) {
    std::uint64_t combinations = 1;
    for (const auto d : selection.tested) {
      stride_.push_back(grid.shape()[d]);
      combinations *= grid.shape()[d];  // At most the size of the grid.
    }
    if (combinations <= remembered) known_.resize(combinations, unknown);
  }

  bool operator()(const std::vector<std::uint64_t>& coordinates) {
    if (selection_.tested.empty()) return true;
    if (known_.empty()) return selection_.picks(coordinates);
    std::uint64_t index = 0;
    for (std::size_t i = 0; i < stride_.size(); ++i)
      index = index * stride_[i] + coordinates[selection_.tested[i]];
    auto& verdict = known_[index];
    if (verdict == unknown) verdict = selection_.picks(coordinates) ? 1 : 0;
    return verdict == 1;
  }

 private:
  static constexpr std::uint64_t remembered = std::uint64_t{1} << 22;
  static constexpr unsigned char unknown = 2;

  const Selection& selection_;
  std::vector<std::uint64_t> stride_;
  std::vector<unsigned char> known_;
};

/// Walks the nested loops that number the points: chunks along each dimension, then points of the chunk along
/// each. As soon as all dimensions that matter are fixed, what the inner loops number is one interval. Chunks
/// that differ only along dimensions that do not matter have the same pattern, which is found once.
class Walk {
 public:
  Walk(const Grid& grid, const Selection& selection, PointSet& into)
      : grid_(grid),
        selection_(selection),
        verdicts_(grid, selection),
        into_(into),
        count_(grid.shape().size()) {
    matters_.assign(count_, false);
    for (const auto d : selection.tested) matters_[d] = true;
    for (std::size_t d = 0; d < count_; ++d) matters_[d] = matters_[d] || selection.indices[d];
    chunk_.resize(count_);
    width_.resize(count_);
    coordinates_.resize(count_);
  }

  void run() {
    chunks(0, 0, grid_.size());
    into_.add(pending_);
  }

 private:
  using Pattern = std::vector<Run>;

  /// Chunks along dimension `d`: they number the `points` positions from `position` on.
  void chunks(std::size_t d, std::uint64_t position, std::uint64_t points) {
    if (settled_from(d)) {
      if (verdicts_(coordinates_)) emit({position, points});
      return;
    }
    if (d == count_) {
      for (const auto& run : pattern()) emit({position + run.first, run.count});
      return;
    }
    const auto shape = grid_.shape()[d];
    const auto chunk = grid_.chunk_shape()[d];
    const auto layer = points / shape;
    const auto visit = [&](std::uint64_t c) {
      chunk_[d] = c;
      width_[d] = std::min(chunk, shape - c * chunk);
      coordinates_[d] = c * chunk;
      chunks(d + 1, position + c * chunk * layer, layer * width_[d]);
    };
    if (const auto& indices = selection_.indices[d]) {
      for (std::size_t i = 0; i < indices->size(); ++i) {
        const auto c = (*indices)[i] / chunk;
        if (i == 0 || (*indices)[i - 1] / chunk != c) visit(c);
      }
    } else {
      for (std::uint64_t c = 0; c * chunk < shape; ++c) visit(c);
    }
  }

  /// Neither a loop over chunks from `d` on matters, nor a loop over points.
  [[nodiscard]] bool settled_from(std::size_t d) const {
    for (std::size_t e = 0; e < count_; ++e) {
      if (matters_[e] && (e >= d || width_[e] != 1)) return false;
    }
    return true;
  }

  /// What is selected in the chunk, from its first position on. Valid until the next call.
  const Pattern& pattern() {
    std::vector<std::uint64_t> key;
    for (std::size_t d = 0; d < count_; ++d) key.push_back(matters_[d] ? chunk_[d] : width_[d]);
    const auto it = patterns_.find(key);
    if (it != patterns_.end()) return it->second;
    if (remembered_runs_ > most_remembered_runs) {
      patterns_.clear();
      remembered_runs_ = 0;
    }
    std::uint64_t points = 1;
    for (const auto width : width_) points *= width;
    Pattern found;
    inside(0, 0, points, found);
    remembered_runs_ += found.size() + 16;
    return patterns_[key] = std::move(found);
  }

  /// Points of the chunk along dimension `d`.
  void inside(std::size_t d, std::uint64_t position, std::uint64_t points, Pattern& found) {
    bool rest_matters = false;
    for (auto e = d; e < count_; ++e) rest_matters = rest_matters || (matters_[e] && width_[e] != 1);
    const auto corner = d == count_ ? 0 : chunk_[d] * grid_.chunk_shape()[d];
    if (!rest_matters) {
      for (auto e = d; e < count_; ++e) coordinates_[e] = chunk_[e] * grid_.chunk_shape()[e];
      if (!verdicts_(coordinates_)) return;
      const bool adjoins = !found.empty() && found.back().end() == position;
      if (adjoins) {
        found.back().count += points;
      } else {
        found.push_back({position, points});
      }
      return;
    }
    const auto layer = points / width_[d];
    const auto visit = [&](std::uint64_t i) {
      coordinates_[d] = corner + i;
      inside(d + 1, position + i * layer, layer, found);
    };
    if (const auto& indices = selection_.indices[d]) {
      auto it = std::lower_bound(indices->begin(), indices->end(), corner);
      for (; it != indices->end() && *it < corner + width_[d]; ++it) visit(*it - corner);
    } else {
      for (std::uint64_t i = 0; i < width_[d]; ++i) visit(i);
    }
  }

  void emit(Run run) {
    if (run.first == pending_.end()) {
      pending_.count += run.count;
      return;
    }
    into_.add(pending_);
    pending_ = run;
  }

  static constexpr std::uint64_t most_remembered_runs = std::uint64_t{1} << 20;

  const Grid& grid_;
  const Selection& selection_;
  Verdicts verdicts_;
  PointSet& into_;
  std::size_t count_;
  std::vector<bool> matters_;
  std::vector<std::uint64_t> chunk_;
  std::vector<std::uint64_t> width_;
  std::vector<std::uint64_t> coordinates_;
  std::map<std::vector<std::uint64_t>, Pattern> patterns_;
  std::uint64_t remembered_runs_ = 0;
  Run pending_;
};

}  // namespace

void add_selected(const Grid& grid, const Selection& selection, PointSet& into) {
  Walk(grid, selection, into).run();
}

}  // namespace surd::sweep::detail
