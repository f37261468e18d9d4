#include "surd/sweep/detail/environment.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace surd::sweep::detail {
namespace {

/// Of Open MPI, PMIx, PRRTE, MPICH and its descendants, Slurm's steps and Cray's PALS. Not MPI_: modules set
/// MPI_HOME and the like, which commands need.
constexpr std::array<std::string_view, 24> launcher_prefixes{
    "OMPI_",       "ORTE_",          "PMIX_",         "PMI_",         "PRTE_",           "PRRTE_",
    "HYDRA_",      "HYDI_",          "MPI_LOCAL",     "MPIR_",        "MV2_COMM_WORLD_", "I_MPI_HYDRA_",
    "PALS_",       "SLURM_STEP",     "SLURM_PMI",     "SLURM_PROCID", "SLURM_LOCALID",   "SLURM_NODEID",
    "SLURM_GTIDS", "SLURM_TASK_PID", "SLURM_LAUNCH_", "SLURM_SRUN_",  "SLURM_CPU_BIND",  "SLURM_MPI_TYPE"};

/// Users set it for mpirun itself.
constexpr std::string_view kept_prefix = "OMPI_ALLOW_RUN_AS_ROOT";

}  // namespace

bool belongs_to_launcher(std::string_view variable) {
  if (variable.starts_with(kept_prefix)) return false;
  return std::any_of(launcher_prefixes.begin(), launcher_prefixes.end(),
                     [&](std::string_view prefix) { return variable.starts_with(prefix); });
}

Environment::Environment(const std::vector<std::pair<std::string, std::string>>& added) {
  std::vector<std::string_view> replaced{"SURD_POINT", "SURD_SEED"};
  for (const auto& [name, value] : added) replaced.push_back(name);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto name = text.substr(0, text.find('='));
    if (belongs_to_launcher(name) || std::find(replaced.begin(), replaced.end(), name) != replaced.end())
      continue;
    entries_.emplace_back(text);
  }
  for (const auto& [name, value] : added) {
    const base::Json node(value);
    varying_.push_back({name, Template(base::Spec(node, "env." + name)), entries_.size()});
    entries_.emplace_back();
  }
  own_at_ = entries_.size();
  entries_.resize(entries_.size() + 2);
  for (auto& entry : entries_) pointers_.push_back(entry.data());
  pointers_.push_back(nullptr);
}

void Environment::set(std::size_t at, const std::string& name, const std::string& value) {
  entries_[at] = fmt::format("{}={}", name, value);
  pointers_[at] = entries_[at].data();
}

char* const* Environment::for_point(const Lookup& lookup, const std::string& point, std::uint64_t seed) {
  for (const auto& variable : varying_) set(variable.at, variable.name, variable.value.render(lookup));
  set(own_at_, "SURD_POINT", point);
  set(own_at_ + 1, "SURD_SEED", fmt::to_string(seed));
  return pointers_.data();
}

std::set<std::string> Environment::placeholders() const {
  std::set<std::string> names;
  for (const auto& variable : varying_) names.merge(variable.value.names());
  return names;
}

}  // namespace surd::sweep::detail
