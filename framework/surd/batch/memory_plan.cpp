#include "surd/batch/memory_plan.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/memory/budget.hpp"

namespace surd::batch {
namespace {

constexpr std::uint64_t block_bytes = 256 * base::KiB;
constexpr double unknown_point_bytes = 64;
/// What a rank takes before it begins, at least: MPI's buffers and the libraries come late in part.
constexpr std::uint64_t least_resident_bytes = 48 * base::MiB;
constexpr std::uint64_t least_budget_bytes = 8 * base::MiB;

std::uint64_t sharing_ranks(const memory::Limit& limit, int ranks_on_node) {
  return limit.per_process ? 1 : static_cast<std::uint64_t>(std::max(1, ranks_on_node));
}

}  // namespace

std::string MemoryPlan::warning(int ranks_on_node) const {
  const auto sharing = sharing_ranks(limit, ranks_on_node);
  if (budget_bytes <= limit.bytes / sharing) return {};
  return fmt::format(
      "{} for each of {} ranks are more than the limit of {} ({}): lower memory, or use fewer ranks per node",
      base::format_bytes(budget_bytes), sharing, base::format_bytes(limit.bytes), limit.source);
}

std::uint64_t share_of_limit(const memory::Limit& limit, int ranks_on_node, std::uint64_t resident_bytes) {
  const auto share = limit.bytes / sharing_ranks(limit, ranks_on_node);
  const auto taken = std::max(resident_bytes, least_resident_bytes);
  // A rank takes up to 1.25 of its budget.
  return std::max(least_budget_bytes, (share - std::min(share, taken)) / 5 * 4);
}

MemoryPlan memory_plan(std::uint64_t chosen_bytes, std::uint64_t data_bytes, RankCounts ranks) {
  MemoryPlan plan;
  plan.chosen = chosen_bytes != 0;
  plan.limit = memory::find_limit("/", static_cast<unsigned>(std::max(1, ranks.on_node)));
  plan.budget_bytes = chosen_bytes;
  if (!plan.chosen) {
    const auto own_bytes = data_bytes / static_cast<std::uint64_t>(std::max(1, ranks.all));
    plan.budget_bytes = std::min(memory::sqrt_budget(own_bytes, block_bytes),
                                 share_of_limit(plan.limit, ranks.on_node, memory::usage().resident));
  }
  return plan;
}

MemoryPlan memory_plan(const Job& job, double bytes_per_point, RankCounts ranks) {
  const auto points = static_cast<double>(job.definition->grid.size());
  const auto data = points * (bytes_per_point > 0 ? bytes_per_point : unknown_point_bytes);
  return memory_plan(job.memory_bytes, static_cast<std::uint64_t>(data), ranks);
}

}  // namespace surd::batch
