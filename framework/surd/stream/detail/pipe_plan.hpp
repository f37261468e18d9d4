// A stage in the making: where its rows come from, and what was done to them so far.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "surd/stream/detail/planner.hpp"

namespace surd::stream::detail {

/// What a pipe starts with once the artifacts are known.
struct PipeHead {
  std::unique_ptr<Source> source;
  std::vector<OperatorMaker> operators;
  unsigned heavy = 0;
  unsigned broadcasts = 0;
};

/// Grows by narrow steps until a step needs all rows; then it becomes a stage, and the next pipe reads what
/// that left behind. A value: copies share the head.
class PipePlan {
 public:
  /// `schema`: of the head's rows; `kept`: those of its columns that somebody needs.
  PipePlan(std::function<PipeHead(const Before&)> head, table::Schema schema, table::Schema kept,
           std::vector<std::size_t> reads);

  std::vector<std::string> words;  ///< What it does, for the stage's name.
  bool reads_input = false;
  /// Rows of the source that pass, if they are numbered and nothing has changed their number so far.
  std::shared_ptr<Range> range;
  /// Positions of rows are those of the source.
  bool positions = true;

  /// filter, derive, select, sample. `kept`: columns needed after it.
  void narrow(const Step& step, table::Schema kept);
  /// An operator that makes new rows of `schema` from the columns kept.
  void append(OperatorMaker maker, table::Schema schema, table::Schema kept);
  /// Ends the pipe's segment: what follows gets the columns kept, in place.
  void close();

  [[nodiscard]] const table::Schema& kept() const noexcept { return kept_; }
  [[nodiscard]] const std::vector<std::size_t>& reads() const noexcept { return reads_; }
  /// Source and operators. Call close() before.
  [[nodiscard]] PipeHead make(const Before& before) const;
  [[nodiscard]] std::string name() const;

 private:
  std::function<PipeHead(const Before&)> head_;
  std::vector<OperatorMaker> operators_;
  table::Schema segment_input_;
  std::vector<Step> segment_;
  table::Schema kept_;
  std::vector<std::size_t> reads_;
};

}  // namespace surd::stream::detail
