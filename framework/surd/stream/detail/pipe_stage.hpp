// A stage made of a source, a chain of operators and a sink.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "surd/stream/detail/source.hpp"

namespace surd::stream::detail {

/// Makes an operator that pushes into `next`.
using OperatorMaker = std::function<std::unique_ptr<Operator>(const Setting&, Operator& next)>;
using SinkMaker = std::function<std::unique_ptr<Sink>(const Setting&)>;

struct PipeParts {
  std::unique_ptr<Source> source;
  std::vector<OperatorMaker> operators;  ///< In order of rows.
  SinkMaker sink;
  unsigned heavy = 0;               ///< Sources and sinks that sort, group, merge or partition.
  unsigned broadcasts = 0;          ///< Operators that hold a table.
  std::uint64_t columns_bytes = 0;  ///< Set aside for them: BoundQuery::columns_bytes().
};

/// `memory_bytes`: what the stage divides, at most what the worker's budget has.
[[nodiscard]] std::unique_ptr<Stage> pipe_stage(std::string name, PipeParts parts,
                                                std::uint64_t memory_bytes);

/// A stage without units: what it would do is not needed.
[[nodiscard]] std::unique_ptr<Stage> empty_stage(std::string name);

}  // namespace surd::stream::detail
