#include "surd/batch/detail/doctor_warnings.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>

#include <fmt/format.h>

#include "surd/base/units.hpp"

namespace surd::batch::detail {
namespace {

using base::Json;
using Warnings = std::vector<std::string>;

constexpr std::uint64_t little_memory = base::GiB;
constexpr std::uint64_t little_space = base::GiB;
constexpr std::uint64_t little_locked_memory = base::GiB;
constexpr std::uint64_t few_files = 1024;
constexpr std::uint64_t few_processes = 1024;
constexpr double much_skew_seconds = 1;
constexpr double slow_sync_seconds = 0.2;
constexpr double late_sight_seconds = 1;
constexpr double slow_fabric_seconds = 20e-6;  // verbs, Omni-Path and Slingshot take 1 to 5 us; TCP 20 to 100
constexpr double little_time_seconds = 600;

/// Null is no limit.
bool below(const Json& limit, std::uint64_t least) {
  return limit.is_number_unsigned() && limit.get<std::uint64_t>() < least;
}

/// Sets of cores that belong to more ranks than they have cores: too many ranks, or bound to the same ones.
void warn_of_cores(const Json& report, Warnings& warnings) {
  std::map<std::pair<std::string, std::string>, std::uint64_t> ranks_on;
  for (const auto& seen : report["ranks"]) ++ranks_on[{seen["host"], seen["cores"].dump()}];
  for (const auto& [where, ranks] : ranks_on) {
    const auto cores = Json::parse(where.second);
    if (ranks <= cores.size()) continue;
    warnings.push_back(fmt::format(
        "{}: {} ranks share {}; each gets a part of it (mpirun --bind-to none, srun --cpu-bind=cores with "
        "--cpus-per-task, or fewer ranks)",
        where.first, ranks,
        cores.size() == 1 ? fmt::format("core {}", cores[0].get<int>())
                          : fmt::format("{} cores", cores.size())));
  }
}

void warn_of_limits(const std::string& host, const Json& seen, Warnings& warnings) {
  const auto& memory = seen["memory"];
  const auto bytes = memory["bytes"].get<std::uint64_t>();
  const auto ranks = seen["ranks_on_node"].get<std::uint64_t>();
  const auto share = memory["per_process"].get<bool>() ? bytes : bytes / ranks;
  if (share < little_memory) {
    warnings.push_back(fmt::format("{}: only {} of memory per rank ({}); ask for more, or use fewer ranks",
                                   host, base::format_bytes(share), memory["source"].get<std::string>()));
  }
  const auto& limits = seen["limits"];
  if (below(limits["open_files"], few_files)) {
    warnings.push_back(fmt::format(
        "{}: a rank may open only {} files; sorts and joins of much data need more: ulimit -n 4096", host,
        limits["open_files"].get<std::uint64_t>()));
  }
  if (below(limits["processes"], few_processes)) {
    warnings.push_back(fmt::format(
        "{}: a user may have only {} processes and threads; commands may fail to start: ulimit -u", host,
        limits["processes"].get<std::uint64_t>()));
  }
  if (!seen["interconnect"]["fabrics"].empty() && below(limits["locked_memory"], little_locked_memory)) {
    warnings.push_back(fmt::format(
        "{}: only {} of memory may be locked, which the {} needs: ulimit -l unlimited, set by the "
        "site for jobs",
        host, base::format_bytes(limits["locked_memory"].get<std::uint64_t>()),
        seen["interconnect"]["fabrics"][0]["kind"].get<std::string>()));
  }
}

void warn_of_directory(const std::string& host, const char* place, const Json& directory,
                       Warnings& warnings) {
  const auto name = fmt::format("{}: {} {}", host, place, directory["path"].get<std::string>());
  if (directory.contains("error")) {
    warnings.push_back(fmt::format("{} cannot be used: {}", name, directory["error"].get<std::string>()));
    return;
  }
  if (directory.value("in_memory", false)) {
    warnings.push_back(fmt::format("{} is on {}: what is stored there counts as memory; set {} to a disk",
                                   name, directory["file_system"].get<std::string>(),
                                   std::string(place) == "scratch" ? "SURD_SCRATCH" : "--work"));
  }
  if (directory["free_bytes"].get<std::uint64_t>() < little_space) {
    warnings.push_back(fmt::format("{} has only {} left", name,
                                   base::format_bytes(directory["free_bytes"].get<std::uint64_t>())));
  }
  if (directory["sync_seconds"].get<double>() > slow_sync_seconds) {
    warnings.push_back(fmt::format("{} takes {:.2f} s to make a small write durable", name,
                                   directory["sync_seconds"].get<double>()));
  }
}

void warn_of_node(const Json& seen, bool several, Warnings& warnings) {
  const auto host = seen["host"].get<std::string>();
  warn_of_limits(host, seen, warnings);
  for (const char* place : {"scratch", "work"}) warn_of_directory(host, place, seen[place], warnings);
  if (seen["scratch"].value("networked", false)) {
    warnings.push_back(host +
                       ": scratch is on a network; set SURD_SCRATCH to a local disk if the node has one");
  } else if (seen["scratch"].value("shared", false)) {
    warnings.push_back(fmt::format(
        "{}: scratch {} is shared with rank 0's node; set SURD_SCRATCH to a local disk if the node has one",
        host, seen["scratch"]["path"].get<std::string>()));
  }
  if (!several) return;
  const auto& sight = seen["work"]["seen_after_seconds"];
  if (sight.is_null()) {
    warnings.push_back(
        fmt::format("{}: does not see what rank 0 writes to the work directory {}: put it on a shared file "
                    "system (--work, or run from there)",
                    host, seen["work"]["path"].get<std::string>()));
  } else if (sight.get<double>() > late_sight_seconds) {
    warnings.push_back(fmt::format("{}: sees new files in the work directory only after {:.1f} s", host,
                                   sight.get<double>()));
  }
}

void warn_of_links(const Json& report, Warnings& warnings) {
  const auto& ranks = report["ranks"];
  const bool fabric = std::all_of(ranks.begin(), ranks.end(), [](const Json& seen) {
    return !seen.contains("work") || !seen["interconnect"]["fabrics"].empty();
  });
  for (const auto& link : report["links"]) {
    const auto to = link["to"].get<std::string>();
    const auto latency = link["latency_seconds"].get<double>();
    if (to != link["from"] && fabric && latency > slow_fabric_seconds) {
      warnings.push_back(
          fmt::format("{}: {:.0f} us per message, though the nodes have a fast fabric: MPI seems to use TCP; "
                      "load the site's own MPI, "
                      "or see OMPI_MCA_* and UCX_* in the environment",
                      to, latency * 1e6));
    }
    const auto skew = link["clock_offset_seconds"].get<double>();
    if (std::abs(skew) > much_skew_seconds) {
      warnings.push_back(
          fmt::format("{}: its clock is {:.1f} s {} {}'s (surd does not rely on clocks; make might)", to,
                      std::abs(skew), skew > 0 ? "ahead of" : "behind", link["from"].get<std::string>()));
    }
  }
}

void warn_of_job(const Json& report, Warnings& warnings) {
  const auto mistake = report["launch"]["mistake"].get<std::string>();
  if (!mistake.empty()) warnings.push_back(mistake);
  const auto tasks = report["launch"]["slurm_tasks"].get<int>();
  if (mistake.empty() && report["mpi"]["ranks"] == 1 && report["launch"]["ranks"] == 1 && tasks > 1) {
    warnings.push_back(
        fmt::format("Slurm gave this job {} tasks, and one rank runs: start it with srun or mpirun", tasks));
  }
  if (!report["mpi"]["threads"].get<bool>()) {
    warnings.emplace_back(
        "MPI was built without MPI_THREAD_MULTIPLE: while rank 0 computes a long point, others may wait for "
        "work");
  }
  if (report["slurm"].contains("job") && !report["slurm"].contains("seconds_left")) {
    warnings.emplace_back(
        "Slurm does not say when this job ends: it has no time limit, or squeue does not answer on the "
        "nodes; "
        "sbatch --signal=B:USR1@120 and slurm/supervise.sh stop surd in time");
  }
  const auto left = report["slurm"].value("seconds_left", 0.0);
  if (left > 0 && left < little_time_seconds) {
    warnings.push_back(
        fmt::format("this Slurm job ends in {}; what is not done by then waits for the next run",
                    base::format_seconds(left)));
  }
}

}  // namespace

std::vector<std::string> doctor_warnings(const Json& report) {
  Warnings warnings;
  std::set<std::string> targets;
  std::set<std::string> hosts;
  for (const auto& seen : report["ranks"]) {
    targets.insert(seen["simd"].get<std::string>());
    hosts.insert(seen["host"].get<std::string>());
  }
  warn_of_job(report, warnings);
  warn_of_cores(report, warnings);
  for (const auto& seen : report["ranks"]) {
    if (seen.contains("work")) warn_of_node(seen, hosts.size() > 1, warnings);
  }
  warn_of_links(report, warnings);
  if (targets.size() > 1) {
    warnings.emplace_back("nodes have different SIMD targets: floating-point results may differ");
  }
  return warnings;
}

bool directories_usable(const Json& report) {
  return std::ranges::none_of(report["ranks"], [](const Json& seen) {
    return seen.contains("work") && (seen["work"].contains("error") || seen["scratch"].contains("error"));
  });
}

}  // namespace surd::batch::detail
