// The planner's steps: narrow ones extend the pipe, blocking ones end a stage.
#pragma once

#include <string>
#include <vector>

#include "surd/stream/detail/pipe_plan.hpp"

namespace surd::stream::detail {

/// How many of the first rows can be in a range; 0: all.
[[nodiscard]] std::uint64_t limit_of(const Range& range);

class Planner {
 public:
  /// `multiplies`: some step may make many rows of one, so that the input's size says little.
  Planner(const Cut& cut, const BoundQuery& query, bool multiplies)
      : cut_(cut),
        input_bytes_(query.input_bytes()),
        columns_bytes_(query.columns_bytes()),
        multiplies_(multiplies) {}

  /// Plans all steps of a query. What its last stage does with the rows is still open.
  [[nodiscard]] PipePlan walk(const std::shared_ptr<const BoundQuery>& query);
  /// The stage that ends with `sink`. Returns its number.
  std::size_t end(PipePlan& pipe, const std::string& purpose, unsigned heavy, SinkMaker sink);
  std::size_t add(StagePlan stage);

  [[nodiscard]] const std::vector<StagePlan>& stages() const noexcept { return stages_; }
  [[nodiscard]] std::vector<StagePlan> take() { return std::move(stages_); }

 private:
  /// Where a step stands.
  struct At {
    const std::vector<BoundStep>& steps;
    std::size_t index;
    [[nodiscard]] const BoundStep& step() const { return steps[index]; }
  };

  [[nodiscard]] PipePlan input(const std::shared_ptr<const BoundQuery>& query) const;

  PipePlan next(const Filter& step, PipePlan pipe, const At& at);
  PipePlan next(const Select& step, PipePlan pipe, const At& at);
  PipePlan next(const Derive& step, PipePlan pipe, const At& at);
  PipePlan next(const Sample& step, PipePlan pipe, const At& at);
  PipePlan next(const FlatMap& step, PipePlan pipe, const At& at);
  PipePlan next(const Windows& step, PipePlan pipe, const At& at);
  PipePlan next(const Take& step, PipePlan pipe, const At& at);
  PipePlan next(const Skip& step, PipePlan pipe, const At& at);
  PipePlan next(const Sort& step, PipePlan pipe, const At& at);
  PipePlan next(const Group& step, PipePlan pipe, const At& at);
  PipePlan next(const Distinct& step, PipePlan pipe, const At& at);
  PipePlan next(const std::shared_ptr<Join>& step, PipePlan pipe, const At& at);

  PipePlan slice(PipePlan pipe, const At& at);
  PipePlan grouped(GroupTarget target, PipePlan pipe, const table::Schema& schema, table::Schema kept,
                   const std::string& words);
  PipePlan sorted(const Sort& sort, PipePlan pipe, table::Schema kept, const std::string& words);
  /// Packed rows, so that they have numbers.
  PipePlan numbered(PipePlan pipe, std::uint64_t limit, bool one_unit);
  /// Stages that merge the runs of stage `runs` into fewer, should they be too many to merge at once. Returns
  /// the stages that may hold the last runs, `runs` first. Errors name the `step`.
  std::vector<std::size_t> merge_passes(std::size_t runs, const std::string& step);
  [[nodiscard]] JoinPlan join_plan(const Join& join, const BoundStep& step, const table::Schema& left,
                                   const table::Schema& right) const;

  Cut cut_;
  std::uint64_t input_bytes_;
  std::uint64_t columns_bytes_;
  bool multiplies_;
  std::vector<StagePlan> stages_;
};

}  // namespace surd::stream::detail
