// The fields of all results of a job together, and a result as one row of fixed size.
//
// A row is what ranks send each other and spill: 16 bytes of head, then the cells of the fields.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "surd/base/json.hpp"
#include "surd/storage/hdf5.hpp"
#include "surd/sweep/grid.hpp"
#include "surd/sweep/memo.hpp"
#include "surd/sweep/point_set.hpp"

namespace surd::ranks::detail {

/// As in the status dataset.
enum class PointState : std::uint8_t { missing = 0, done = 1, failed = 2, excluded = 3 };

struct RowHead {
  std::uint64_t index = 0;    ///< Row-major.
  std::uint32_t segment = 0;  ///< Place in the memo: of several results the first counts.
  PointState state = PointState::missing;
};
static_assert(sizeof(RowHead) == 16);

struct ResultField {
  std::string name{};
  storage::H5Type type{};
  bool boolean = false;                ///< Of kind i8.
  std::vector<std::uint64_t> shape{};  ///< Of one value; empty for a scalar.
  std::size_t place = 0;               ///< Lowest among the fields of a point; the order of datasets.
  std::string where{};                 ///< A point that has it, for messages.
  std::size_t offset = 0;              ///< Of its cell in a row.
  std::size_t bytes = 0;               ///< Of its cell.

  /// Fills whole cells with what stands for "no value": NaN, the least integer, -1 for bools, the empty text.
  void fill_missing(std::span<std::byte> cells) const;
};

/// The union over all results. It depends on the results alone, not on the order they are seen in.
class ResultSchema {
 public:
  /// Adds the fields of the results in `block` that are not in `excluded`.
  void add(const sweep::Block& block, const sweep::Grid& grid, const sweep::PointSet& excluded);

  [[nodiscard]] base::Json to_json() const;
  /// Adds what another rank's to_json() says.
  void merge(const base::Json& other);
  /// Orders the fields and lays out rows; nothing may be added afterwards.
  void finish();

  /// The first mistake found by add(), merge() and finish(), empty if there is none: types or shapes that do
  /// not go together, or names that the file cannot have.
  [[nodiscard]] const std::string& conflict() const noexcept { return conflict_; }
  /// Finds names that the axes or other datasets have.
  void check_names(const sweep::Grid& grid);

  [[nodiscard]] const std::vector<ResultField>& fields() const noexcept { return fields_; }
  [[nodiscard]] std::size_t row_bytes() const noexcept { return row_bytes_; }
  [[nodiscard]] std::size_t cell_bytes() const noexcept { return row_bytes_ - sizeof(RowHead); }

 private:
  void add(ResultField field);
  void add_conflict(std::string text);

  std::vector<ResultField> fields_;
  std::size_t row_bytes_ = sizeof(RowHead);
  std::string conflict_;
};

/// "T=1.5 L=16".
[[nodiscard]] std::string point_text(const sweep::Grid& grid, std::uint64_t position);

/// Why a result may not have this name in a job over `grid`; empty if it may.
[[nodiscard]] std::string name_conflict(const sweep::Grid& grid, const std::string& name);

}  // namespace surd::ranks::detail
