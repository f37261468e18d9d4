// Merging runs into fewer, longer ones, where there are more than one merge takes.
//
// How many a merge takes depends on the longest record, which is known only once the runs are there: so it is
// the runs that decide what a planned pass does, often nothing.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "surd/external/run.hpp"
#include "surd/stream/detail/unit_output.hpp"

namespace surd::stream::detail {

/// Runs of short records that any merge of a stage takes at once: by the memory that the least of them has.
/// `beside`: what is set aside of it.
[[nodiscard]] std::uint64_t runs_at_once(const external::RecordFormat& format, std::uint64_t memory_bytes,
                                         std::uint64_t beside = 0);

/// The passes to plan before the last merge.
struct PassPlan {
  std::size_t passes = 1;
  bool spare = true;  ///< One, that most likely finds nothing to do.
  std::string name;   ///< Of each.
};
/// For about so many runs, with some to spare.
[[nodiscard]] PassPlan plan_passes(std::uint64_t expected_runs, std::uint64_t fan_in);

/// Runs of the last of these stages that left any.
[[nodiscard]] std::vector<external::Run> last_runs(const std::vector<std::vector<Artifact>>& before,
                                                   const std::vector<std::size_t>& stages);

/// What a pass, and the merges that follow it, can take at once.
struct MergeLimits {
  std::uint64_t fan_in = 2;      ///< Runs of a merge of a pass.
  std::size_t passes_after = 0;  ///< Further passes.
  std::uint64_t last_runs = 2;   ///< Runs of the last merge.
};

/// A sort's merges.
struct Merging {
  std::string step;  ///< "sort by k", for errors.
  external::RecordFormat format;
  std::uint64_t memory_bytes = 0;  ///< That each stage divides.
  std::uint64_t last_bytes = 0;    ///< What the last merge has of it.
  std::uint64_t beside_bytes = 0;  ///< Set aside of it before.
};

/// @throws UsageError  naming the memory needed, if there is too little to merge two of `runs`.
[[nodiscard]] MergeLimits limits_for(const Merging& merging, const std::vector<external::Run>& runs,
                                     std::size_t passes_after);

/// "sort by k: merging rows of up to 1.20 MiB takes at least --memory 11MiB, not 8.00 MiB".
[[noreturn]] void refuse_long_rows(const std::string& step, std::uint64_t longest_bytes,
                                   std::uint64_t memory_bytes, std::uint64_t needed_bytes);

/// Merges groups of neighbouring runs, as far as needed for the merges that follow: often not at all. The
/// last pass makes as few as the last merge takes, however many there are.
[[nodiscard]] std::unique_ptr<Stage> merge_pass_stage(const Merging& merging, std::vector<external::Run> runs,
                                                      const MergeLimits& limits);

}  // namespace surd::stream::detail
