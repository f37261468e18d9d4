// Narrow steps (filter, derive, select, sample) fused into one pass over a batch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "surd/stream/detail/bind.hpp"
#include "surd/stream/detail/operator.hpp"
#include "surd/table/evaluate.hpp"

namespace surd::stream::detail {

/// Columns never move: each has a slot, steps change which slots are visible under which names. At the end
/// the slots of the result are swapped into place, and back after the next operator had them.
class Segment : public Operator {
 public:
  /// `steps`: narrow ones, in order. Passes on the columns of `result`.
  Segment(table::Schema input, const std::vector<Step>& steps, const table::Schema& result, Operator& next);

  void push(table::Batch& rows, std::uint64_t position) override;
  void end_unit() override { next_.end_unit(); }

 private:
  struct Stepping {
    enum class Kind { filter, derive, copy, sample } kind = Kind::filter;
    std::optional<table::BoundExpression> expression{};
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

  void apply(Stepping& step, table::Batch& rows);
  void keep(table::Batch& rows);
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
  table::Batch result_;
  Operator& next_;
};

}  // namespace surd::stream::detail
