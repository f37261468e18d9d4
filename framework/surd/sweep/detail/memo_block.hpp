// Some of the outcomes of a stored block, at their positions in the wanted grid: what visitors of a memo see.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "surd/sweep/detail/memo_codec.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::sweep::detail {

/// Reused from block to block. Borrows view and origin.
class SelectedBlock final : public Block {
 public:
  /// Starts a selection of entries of `view`.
  void begin(const BlockView& view, const Origin& origin);
  /// Selects `count` entries from `entry` on, of one status, at positions from `first` on. Ascending entries.
  void select(std::uint64_t entry, std::uint64_t count, std::uint64_t first);
  /// Ends the selection. False if nothing was selected.
  [[nodiscard]] bool finish();

  [[nodiscard]] std::size_t size() const override { return positions_.size(); }
  [[nodiscard]] std::uint64_t position(std::size_t i) const override { return positions_[i]; }
  [[nodiscard]] Status status(std::size_t i) const override { return statuses_[i]; }
  [[nodiscard]] double seconds(std::size_t i) const override;
  [[nodiscard]] Outcome outcome(std::size_t i) const override;
  [[nodiscard]] const std::vector<Column>& columns() const override { return columns_; }
  [[nodiscard]] const Origin& origin() const override { return *origin_; }

 private:
  void rank_entries();
  void take_columns();
  void gather(std::size_t column, std::vector<std::byte>& rows) const;
  [[nodiscard]] FieldValue value(std::size_t column, std::size_t row) const;

  const BlockView* view_ = nullptr;
  const Origin* origin_ = nullptr;
  std::vector<std::uint32_t> entries_;
  std::vector<std::uint64_t> positions_;
  std::vector<Status> statuses_;
  std::vector<std::uint32_t> ranks_;  ///< Of an entry among the ok ones, or among the others.
  std::vector<Column> columns_;
  std::vector<std::vector<std::byte>> rows_;  ///< Of columns that are not a stretch of the payload.
};

}  // namespace surd::sweep::detail
