// What batches flow through inside a stage: a source pushes into a chain of operators that ends in a sink.
#pragma once

#include <cstdint>
#include <memory>

#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/unit_output.hpp"
#include "surd/stream/stage.hpp"
#include "surd/table/column.hpp"

namespace surd::stream::detail {

class Operator {
 public:
  virtual ~Operator() = default;
  /// Takes rows of the operator's schema. May change `rows`, whose content is then lost to the caller.
  /// `position`: of the first row in its source, in a numbering that depends on the input alone; rows count
  /// on from there. Means nothing after an operator that makes new rows.
  virtual void push(table::Batch& rows, std::uint64_t position) = 0;
  /// The unit's last row has been pushed.
  virtual void end_unit() = 0;
};

/// The end of a chain.
class Sink : public Operator {
 public:
  /// A unit begins; rows of higher units come after rows of lower ones.
  virtual void begin_unit(std::uint64_t unit) = 0;
  /// No more rows of this unit are wanted.
  [[nodiscard]] virtual bool full() const { return false; }
  /// How many bytes of input units may have that share one artifact: sinks that leave less, or less often,
  /// if they go on. 0: every unit is finished by itself.
  [[nodiscard]] virtual std::uint64_t stretch_bytes() const { return 0; }
  /// What the units since the last call left behind.
  virtual void finish(UnitOutput& into) = 0;
};

/// What operators, sources and sinks work with.
struct Setting {
  Worker& worker;
  Division memory;
};

}  // namespace surd::stream::detail
