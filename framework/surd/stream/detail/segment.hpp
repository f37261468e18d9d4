// Narrow steps (filter, derive, select, sample) fused into one pass over a batch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "surd/stream/detail/bind.hpp"
#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/operator.hpp"
#include "surd/table/evaluate.hpp"

namespace surd::stream::detail {

/// A row for which an expression has no value. Whoever knows where rows come from adds that.
class RowError : public base::UsageError {
 public:
  RowError(const std::string& what, std::uint64_t position) : UsageError(what), position_(position) {}
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }  ///< As it was pushed.

 private:
  std::uint64_t position_;
};

/// Columns never move: each has a slot, steps change which slots are visible under which names. At the end
/// the slots of the result are swapped into place, and back after the next operator had them.
class Segment : public Operator {
 public:
  /// `steps`: narrow ones, in order. Passes on the columns of `result`.
  Segment(table::Schema input, const std::vector<Step>& steps, const table::Schema& result,
          const Division& memory, Operator& next);

  /// Where texts are derived, rows go through in pieces that are not expected to become more than a batch.
  /// @throws ShareTooSmall  for a row of which more is derived than a row may have.
  void push(table::Batch& rows, std::uint64_t position) override;
  void end_unit() override { next_.end_unit(); }

 private:
  struct Stepping {
    enum class Kind { filter, derive, copy, sample } kind = Kind::filter;
    std::optional<table::BoundExpression> expression{};
    std::string words{};   ///< The step, for errors.
    std::size_t slot = 0;  ///< Written by derive and copy.
    std::size_t from = 0;  ///< Of copy.
    Sample sample{};
  };

  void add(const Filter& step);
  void add(const Derive& step);
  void add(const Select& step);
  void add(const Sample& step);
  [[nodiscard]] std::size_t slot_of(const std::string& name) const;
  /// Visible columns under their names, the others under names that no expression can have.
  [[nodiscard]] table::Schema visible() const;
  std::size_t new_slot(table::Type type);

  /// The first row after `first` that is better left for the next piece.
  [[nodiscard]] std::size_t end_of_piece(const table::Batch& rows, std::size_t first) const;
  void push_piece(table::Batch& rows, std::uint64_t position);
  void note_growth(const table::Batch& rows, std::uint64_t bytes_before);
  void apply(Stepping& step, table::Batch& rows);
  void keep(table::Batch& rows);
  /// Evaluates the step's expression. @throws RowError
  void evaluate(Stepping& step, table::Batch& rows);
  [[noreturn]] void fail_at_row(Stepping& step, const table::Batch& rows, const std::string& what);
  void swap_slots(table::Batch& rows);
  void pass_on(table::Batch& rows, std::uint64_t position);

  struct Name {
    std::string name;
    std::size_t slot;
  };
  std::vector<table::Type> slots_;
  std::size_t input_slots_;
  std::vector<Name> names_;
  std::vector<Stepping> steps_;
  std::optional<std::size_t> positions_;  ///< Slot of the rows' positions, if a sample needs them.
  std::vector<std::size_t> result_slots_;
  std::vector<table::Column> spare_;  ///< Columns of the slots beyond the input's, with their memory.
  std::vector<std::uint32_t> kept_;
  std::vector<std::uint32_t> origins_;  ///< Rows of the batch as it was pushed; empty: all of them.
  std::uint64_t position_ = 0;          ///< Of its first row.
  table::Batch result_;
  bool makes_texts_ = false;
  std::uint64_t batch_limit_;
  std::uint64_t row_limit_;
  double growth_ = 0;  ///< Bytes expected to be derived for each byte of a row.
  table::Batch piece_;
  Operator& next_;
};

}  // namespace surd::stream::detail
