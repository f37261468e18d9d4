// surd doctor: what this machine offers a job, and what will hurt.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <hwy/targets.h>

#include <Kokkos_Core.hpp>

#include "surd/base/units.hpp"
#include "surd/base/version.hpp"
#include "surd/batch/detail/file_system_kind.hpp"
#include "surd/batch/detail/hdf5_version.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/memory/limits.hpp"

namespace surd::batch::verbs {
namespace {

using base::Json;

constexpr std::size_t probe_bytes = std::size_t{8} << 20;
constexpr std::uint64_t little_memory = std::uint64_t{1} << 30;
constexpr double much_skew_seconds = 1;

/// Cores this rank may run on.
int cores_allowed() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set)
                                                     : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
}

std::string simd_target() {
  const auto targets = hwy::SupportedTargets();
  return hwy::TargetName(targets & -targets);  // the lowest bit is the best
}

/// Seconds since 1970 by this node's clock.
double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// Kind of the file system, and how fast it takes a synced file of 8 MiB.
Json measure_directory(storage::FileSystem& files, const storage::Path& directory) {
  const auto kind = file_system_kind(directory);
  Json found = {{"path", directory.string()}, {"file_system", kind.name}};
  if (kind.in_memory) found["in_memory"] = true;
  if (kind.networked) found["networked"] = true;
  const auto path = directory / fmt::format(".surd-doctor-{}", getpid());
  const std::vector<std::byte> block(probe_bytes, std::byte{0x5A});
  const auto start = std::chrono::steady_clock::now();
  try {  // rank-local: a directory that cannot be written is a finding, not an end
    files.make_directories(directory);
    auto file = files.create(path);
    file->append(block);
    file->sync();
    file->close();
    files.remove(path);
  } catch (const base::IoError& e) {
    found["error"] = e.what();
    return found;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  found["synced_bytes_per_second"] = static_cast<double>(probe_bytes) / took.count();
  return found;
}

/// What one rank sees. Directories are measured by the first rank of each node alone.
Json examine(const Request& request, const mpi::Communicator& world, const mpi::Communicator& node) {
  const auto limit = memory::find_limit();
  Json seen = {
      {"rank", world.rank()},
      {"host", mpi::host_name()},
      {"cores", cores_allowed()},
      {"simd", simd_target()},
      {"ranks_on_node", node.size()},
      {"memory", {{"bytes", limit.bytes}, {"source", limit.source}, {"per_process", limit.per_process}}}};
  world.barrier();
  seen["clock"] = wall_seconds();
  if (node.is_root()) {
    seen["scratch"] = measure_directory(request.files, scratch_directory());
    seen["work"] = measure_directory(request.files, request.line.work.empty() ? "." : request.line.work);
  }
  return seen;
}

void warn_of_node(const Json& seen, std::vector<std::string>& warnings) {
  const auto host = seen["host"].get<std::string>();
  const auto say = [&](const std::string& text) { warnings.push_back(host + ": " + text); };
  const auto ranks = seen["ranks_on_node"].get<int>();
  if (seen["cores"].get<int>() < ranks) {
    say(fmt::format(
        "{} ranks share {} cores; each gets a part of one (mpirun --bind-to none, or fewer ranks)", ranks,
        seen["cores"].get<int>()));
  }
  const auto bytes = seen["memory"]["bytes"].get<std::uint64_t>();
  const auto share =
      seen["memory"]["per_process"].get<bool>() ? bytes : bytes / static_cast<std::uint64_t>(ranks);
  if (share < little_memory) {
    say(fmt::format("only {} of memory per rank ({}); ask for more, or use fewer ranks",
                    base::format_bytes(share), seen["memory"]["source"].get<std::string>()));
  }
  for (const char* place : {"scratch", "work"}) {
    const auto& directory = seen[place];
    if (directory.contains("error")) {
      say(fmt::format("{} cannot be used: {}", place, directory["error"].get<std::string>()));
    } else if (directory.value("in_memory", false)) {
      say(fmt::format("{} {} is on {}: what is stored there counts as memory; set SURD_SCRATCH to a disk",
                      place, directory["path"].get<std::string>(),
                      directory["file_system"].get<std::string>()));
    }
  }
  if (seen["scratch"].value("networked", false)) {
    say("scratch is on a network; set SURD_SCRATCH to a local disk if the node has one");
  }
}

std::vector<std::string> warn(const std::vector<Json>& ranks) {
  std::vector<std::string> warnings;
  std::set<std::string> targets;
  double first = ranks.front()["clock"];
  double last = first;
  bool several_nodes = false;
  for (const auto& seen : ranks) {
    if (seen.contains("work")) warn_of_node(seen, warnings);
    targets.insert(seen["simd"].get<std::string>());
    first = std::min(first, seen["clock"].get<double>());
    last = std::max(last, seen["clock"].get<double>());
    several_nodes = several_nodes || seen["host"] != ranks.front()["host"];
  }
  if (targets.size() > 1)
    warnings.emplace_back("nodes have different SIMD targets: floating-point results may differ");
  if (last - first > much_skew_seconds) {
    warnings.push_back(fmt::format(
        "clocks differ by {:.1f} s between nodes (surd does not rely on them; make might)", last - first));
  }
  if (several_nodes && !ranks.front()["work"].value("networked", false)) {
    warnings.emplace_back(
        "several nodes, but the work directory is on a local file system; all ranks must see it");
  }
  return warnings;
}

void print(const Json& report) {
  fmt::print("surd {} ({})\n", report["surd"].get<std::string>(), report["revision"].get<std::string>());
  fmt::print("MPI      {}, standard {}, {} threads\n", report["mpi"]["library"].get<std::string>(),
             report["mpi"]["standard"].get<std::string>(),
             report["mpi"]["threads"].get<bool>() ? "with" : "without");
  fmt::print("HDF5     {}, parallel\n", report["hdf5"].get<std::string>());
  fmt::print("Kokkos   {}\n", report["kokkos"].get<std::string>());
  for (const auto& seen : report["ranks"]) {
    if (!seen.contains("work")) continue;
    fmt::print("{}: {} ranks, {} cores, SIMD {}, memory {} ({})\n", seen["host"].get<std::string>(),
               seen["ranks_on_node"].get<int>(), seen["cores"].get<int>(), seen["simd"].get<std::string>(),
               base::format_bytes(seen["memory"]["bytes"].get<std::uint64_t>()),
               seen["memory"]["source"].get<std::string>());
    for (const char* place : {"scratch", "work"}) {
      const auto& directory = seen[place];
      const auto speed = directory.value("synced_bytes_per_second", 0.0);
      fmt::print("  {:8} {} on {}, {}/s synced\n", place, directory["path"].get<std::string>(),
                 directory["file_system"].get<std::string>(),
                 base::format_bytes(static_cast<std::uint64_t>(speed)));
    }
  }
  for (const auto& warning : report["warnings"]) fmt::print("warning: {}\n", warning.get<std::string>());
  if (report["warnings"].empty()) fmt::print("nothing that will hurt\n");
}

}  // namespace

base::ExitStatus doctor(const Request& request, const mpi::Session& session) {
  const auto& world = session.world();
  const auto node = world.node();
  const auto texts = world.gather_text(examine(request, world, node).dump());
  if (!world.is_root()) return base::ExitStatus::done;
  std::vector<Json> ranks;
  for (const auto& text : texts) ranks.push_back(Json::parse(text));
  Json report = {{"surd", base::version()},
                 {"revision", base::git_revision()},
                 {"compiler", base::compiler()},
                 {"mpi",
                  {{"library", mpi::library_name()},
                   {"standard", mpi::standard_level()},
                   {"threads", session.threads()},
                   {"ranks", world.size()}}},
                 {"hdf5", detail::hdf5_version()},
                 {"kokkos", Kokkos::DefaultExecutionSpace::name()},
                 {"ranks", ranks},
                 {"warnings", warn(ranks)}};
  if (request.line.json) {
    std::fputs((report.dump(2) + "\n").c_str(), stdout);
  } else {
    print(report);
  }
  return base::ExitStatus::done;
}

}  // namespace surd::batch::verbs
