// Merging runs into fewer, longer ones, where there are more than one merge takes.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "surd/external/run.hpp"
#include "surd/stream/detail/unit_output.hpp"

namespace surd::stream::detail {

/// Runs that any merge of a stage takes at once: by the memory that the least of them has.
[[nodiscard]] std::uint64_t runs_at_once(const external::RecordFormat& format, std::uint64_t memory_bytes);

/// Passes before the last merge, for about so many runs, with some to spare: 0 to 2.
[[nodiscard]] std::size_t merge_passes_for(std::uint64_t expected_runs, std::uint64_t fan_in);

/// Runs of the last of these stages that left any.
[[nodiscard]] std::vector<external::Run> last_runs(const std::vector<std::vector<Artifact>>& before,
                                                   const std::vector<std::size_t>& stages);

/// What a pass, and the merges that follow it, can take at once.
struct MergeLimits {
  std::uint64_t fan_in = 2;      ///< Runs of a pass.
  std::size_t passes_after = 0;  ///< Further passes.
  std::uint64_t last_runs = 2;   ///< Runs of the last merge.
};

/// Merges groups of neighbouring runs, as far as needed for the merges that follow: often not at all.
[[nodiscard]] std::unique_ptr<Stage> merge_pass_stage(const external::RecordFormat& format,
                                                      std::vector<external::Run> runs,
                                                      const MergeLimits& limits, std::uint64_t memory_bytes);

}  // namespace surd::stream::detail
