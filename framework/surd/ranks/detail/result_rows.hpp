// A stretch of the result, filled by rows in any order within bounded memory.
//
// If the stretch fits in memory, rows are put in place at once. If not, it is cut into slabs that do, and
// rows are spilled by slab: one sequential write and one sequential read of each row, whatever order they
// come in. With n bytes and M of memory there are 2n/M slabs, so their buffers are M^2/4n long: a good size
// for M of sqrt(n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "surd/ranks/detail/result_schema.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/sweep/point_set.hpp"

namespace surd::ranks::detail {

/// Results of consecutive points of the row-major order, column by column. Keeps of several results of a
/// point the one that counts: a success before a failure, then the first in the memo.
class Slab {
 public:
  /// `schema` must outlive it.
  explicit Slab(const ResultSchema& schema);

  /// Now stands for `run`, with all points missing.
  void reset(sweep::Run run);
  void put(const std::byte* row);

  [[nodiscard]] sweep::Run run() const noexcept { return run_; }
  [[nodiscard]] std::span<PointState> states() noexcept { return states_; }
  /// Cells of field number `field`, shape [run().count, field's shape].
  [[nodiscard]] std::span<const std::byte> cells(std::size_t field) const noexcept { return cells_[field]; }
  /// No point has a result or failed.
  [[nodiscard]] bool untouched() const noexcept { return untouched_; }

  /// Of memory per point.
  [[nodiscard]] static std::size_t point_bytes(const ResultSchema& schema) noexcept;

 private:
  const ResultSchema* schema_;
  sweep::Run run_;
  std::vector<PointState> states_;
  std::vector<std::uint32_t> segments_;
  std::vector<std::vector<std::byte>> cells_;
  bool untouched_ = true;
};

/// Where rows are kept that do not fit in memory.
struct SpillPlace {
  storage::FileSystem* files = nullptr;
  storage::Path directory;
  int rank = 0;
};

class RowStore {
 public:
  /// For the points of `owned`. `schema` must outlive it.
  RowStore(const ResultSchema& schema, sweep::Run owned, std::uint64_t memory_bytes, SpillPlace place);
  RowStore(RowStore&&) noexcept;
  RowStore& operator=(RowStore&&) = delete;
  ~RowStore();

  /// Whole rows of points in the stretch, in any order. @throws IoError  if the scratch directory is full.
  void put(std::span<const std::byte> rows);

  /// Calls `visit` with slabs that cover the stretch in ascending order. Once, at the end.
  void drain(const std::function<void(Slab&)>& visit);

  [[nodiscard]] std::uint64_t spilled_bytes() const noexcept { return spilled_bytes_; }

 private:
  class Spill;
  void put_row(const std::byte* row);

  const ResultSchema* schema_;
  sweep::Run owned_;
  SpillPlace place_;
  std::uint64_t slab_points_;
  std::size_t buffer_bytes_;
  std::uint64_t spilled_bytes_ = 0;
  Slab slab_;                                    ///< The whole stretch, if it fits.
  std::vector<std::vector<std::byte>> buffers_;  ///< Of each slab,
  std::vector<std::uint64_t> last_;              ///< and where its last spilled block begins.
  std::unique_ptr<Spill> spill_;
};

}  // namespace surd::ranks::detail
