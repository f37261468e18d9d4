// How much memory a rank of a job may take, and whether this machine has it.
#pragma once

#include <cstdint>
#include <string>

#include "surd/batch/job.hpp"
#include "surd/memory/limits.hpp"

namespace surd::batch {

struct MemoryPlan {
  std::uint64_t budget_bytes = 0;  ///< Of each rank, above what MPI takes.
  bool chosen = false;             ///< The job says it; else max(16 MiB, 2 sqrt(n B)).
  memory::Limit limit;

  /// Budgets of `ranks_on_node` ranks exceed the limit; empty if they fit.
  [[nodiscard]] std::string warning(int ranks_on_node) const;
};

/// For `data_bytes` of all `ranks` together; `chosen_bytes` per rank if not 0.
[[nodiscard]] MemoryPlan memory_plan(std::uint64_t chosen_bytes, std::uint64_t data_bytes, int ranks);
/// Of a sweep. `bytes_per_point`: as measured in the memo, 0 if unknown (64 are assumed).
[[nodiscard]] MemoryPlan memory_plan(const Job& job, double bytes_per_point, int ranks);

}  // namespace surd::batch
