// Blocks of a memo as rows of a result.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "surd/ranks/detail/result_schema.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::ranks::detail {

/// The row-major index of positions; O(1) for a position that follows the last one in a row of its chunk.
class RowMajorIndex {
 public:
  explicit RowMajorIndex(const sweep::Grid& grid);
  [[nodiscard]] std::uint64_t of(std::uint64_t position);

 private:
  const sweep::Grid* grid_;
  std::vector<std::uint64_t> coordinates_;
  std::uint64_t position_ = 0;
  std::uint64_t index_ = 0;
  bool known_ = false;
};

class RowMaker {
 public:
  using Sink = std::function<void(std::span<const std::byte> row)>;

  /// All must outlive it. Points in `excluded` give no rows, whatever the memo holds of them.
  RowMaker(const sweep::Grid& grid, const ResultSchema& schema, const sweep::PointSet& excluded);

  /// Gives `sink` one row per entry of `block`, whose origin is number `segment` of the memo's.
  void make(const sweep::Block& block, std::uint32_t segment, const Sink& sink);

 private:
  struct Source {
    const ResultField* field;
    std::size_t type = 0;  ///< Of the column.
    const std::byte* values = nullptr;
    std::size_t stride = 0;
  };
  bool bind(const sweep::Block& block);
  void put_cells(std::size_t entry);
  bool put_texts(const sweep::Block& block, std::size_t entry);

  const ResultSchema* schema_;
  const sweep::PointSet* excluded_;
  bool any_excluded_;
  RowMajorIndex index_;
  std::vector<Source> sources_;
  bool texts_ = false;
  std::vector<std::byte> missing_;  ///< A row without values.
  std::vector<std::byte> row_;
};

/// Marks the excluded points of a slab. `excluded` holds positions.
void mark_excluded(const sweep::Grid& grid, const sweep::PointSet& excluded, sweep::Run run,
                   std::span<PointState> states);

/// Moves `coordinates` to the next point in row-major order; false after the last.
bool next_point(const std::vector<std::uint64_t>& shape, std::span<std::uint64_t> coordinates);

/// Coordinates of a row-major index.
[[nodiscard]] std::vector<std::uint64_t> unravel(const std::vector<std::uint64_t>& shape,
                                                 std::uint64_t index);

}  // namespace surd::ranks::detail
