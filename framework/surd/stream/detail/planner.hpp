// Cuts a bound query into stages.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "surd/stream/compile.hpp"
#include "surd/stream/detail/pipe_stage.hpp"

namespace surd::stream::detail {

/// Artifacts of the stages before: [stage][unit].
using Before = std::vector<std::vector<Artifact>>;

struct StagePlan {
  std::string name;
  std::vector<std::size_t> reads;  ///< Stages whose spills it may read.
  bool reads_input = false;        ///< Bad rows may come from it.
  std::function<std::unique_ptr<Stage>(const Before&)> make;
  bool spare = false;  ///< Most likely finds nothing to do.
};

struct JobPlan {
  std::vector<StagePlan> stages;
  table::Schema schema;             ///< Of the result.
  std::uint64_t columns_bytes = 0;  ///< BoundQuery::columns_bytes().
  std::size_t result_rows = 0;      ///< The stage whose artifacts count the result's rows.
};

/// A result in a file, under a temporary name; nullopt: packed rows in spill files, left by the last stage.
struct FilePlan {
  table::OutputSpec output;
  storage::Path part;
  storage::Path quarantine_part;  ///< Empty: the job sets no bad rows aside.
};

[[nodiscard]] JobPlan plan_stages(const std::shared_ptr<const BoundQuery>& query, const Cut& cut,
                                  const std::optional<FilePlan>& file, bool quarantine);

}  // namespace surd::stream::detail
