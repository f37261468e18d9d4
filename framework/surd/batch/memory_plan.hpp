// How much memory a rank of a job may take, and whether this machine has it.
#pragma once

#include <cstdint>
#include <string>

#include "surd/batch/job.hpp"
#include "surd/memory/limits.hpp"

namespace surd::batch {

struct MemoryPlan {
  std::uint64_t budget_bytes = 0;  ///< Of each rank, above what MPI takes.
  bool chosen = false;  ///< The job says it; else max(16 MiB, 2 sqrt(n B)), if the limit leaves as much.
  memory::Limit limit;

  /// Budgets of `ranks_on_node` ranks exceed the limit; empty if they fit.
  [[nodiscard]] std::string warning(int ranks_on_node) const;
};

/// How many ranks share the data, and how many of them a node's memory.
struct RankCounts {
  int all = 1;
  int on_node = 1;
};

/// What a rank may plan with of its share of a limit, so that all it takes, MPI included, keeps within.
[[nodiscard]] std::uint64_t share_of_limit(const memory::Limit& limit, int ranks_on_node,
                                           std::uint64_t resident_bytes);

/// For `data_bytes` of all ranks together; `chosen_bytes` per rank if not 0.
[[nodiscard]] MemoryPlan memory_plan(std::uint64_t chosen_bytes, std::uint64_t data_bytes, RankCounts ranks);
/// Of a sweep. `bytes_per_point`: as measured in the memo, 0 if unknown (64 are assumed).
[[nodiscard]] MemoryPlan memory_plan(const Job& job, double bytes_per_point, RankCounts ranks);

}  // namespace surd::batch
