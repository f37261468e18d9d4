#include "surd/batch/memory_plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/memory/budget.hpp"

namespace surd::batch {
namespace {

constexpr std::uint64_t block_bytes = 256 * base::KiB;
constexpr double unknown_point_bytes = 64;

}  // namespace

std::string MemoryPlan::warning(int ranks_on_node) const {
  const auto sharing = limit.per_process ? 1 : static_cast<std::uint64_t>(std::max(1, ranks_on_node));
  if (budget_bytes <= limit.bytes / sharing) return {};
  return fmt::format(
      "{} for each of {} ranks are more than the limit of {} ({}): lower memory, or use fewer ranks per node",
      base::format_bytes(budget_bytes), sharing, base::format_bytes(limit.bytes), limit.source);
}

MemoryPlan memory_plan(std::uint64_t chosen_bytes, std::uint64_t data_bytes, int ranks) {
  MemoryPlan plan;
  plan.chosen = chosen_bytes != 0;
  const auto own_bytes = data_bytes / static_cast<std::uint64_t>(std::max(1, ranks));
  plan.budget_bytes = plan.chosen ? chosen_bytes : memory::sqrt_budget(own_bytes, block_bytes);
  plan.limit = memory::find_limit();
  return plan;
}

MemoryPlan memory_plan(const Job& job, double bytes_per_point, int ranks) {
  const auto points = static_cast<double>(job.definition->grid.size());
  const auto data = points * (bytes_per_point > 0 ? bytes_per_point : unknown_point_bytes);
  return memory_plan(job.memory_bytes, static_cast<std::uint64_t>(data), ranks);
}

}  // namespace surd::batch
