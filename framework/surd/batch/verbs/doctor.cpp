// surd doctor: what this machine offers a job, and what will hurt.
//
// Every rank looks at its own machine, the first rank of each node also at its directories. Then the nodes
// are compared: who sees the work directory, how fast messages go, whose clock is wrong. Everything is
// bounded: a step that hangs ends the job with its name.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <Kokkos_Core.hpp>

#include "surd/base/units.hpp"
#include "surd/base/version.hpp"
#include "surd/batch/detail/deadline.hpp"
#include "surd/batch/detail/doctor_text.hpp"
#include "surd/batch/detail/doctor_warnings.hpp"
#include "surd/batch/detail/hdf5_version.hpp"
#include "surd/batch/detail/machine.hpp"
#include "surd/batch/slurm.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/memory/limits.hpp"
#include "surd/mpi/link.hpp"

namespace surd::batch::verbs {
namespace {

using base::Json;
using detail::Deadline;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds hung{30};
constexpr std::chrono::duration<double> time_for_links{0.6};
constexpr std::chrono::seconds time_to_see{5};
constexpr std::chrono::milliseconds time_to_see_scratch{100};  // mostly it is not to be seen

storage::Path work_path(const Request& request) {
  return request.line.work.empty() ? "." : request.line.work;
}

/// What one rank sees.
Json examine(const Request& request, const mpi::Communicator& world, const mpi::Communicator& node) {
  const auto limit = memory::find_limit("/", static_cast<unsigned>(node.size()));
  Json seen = {
      {"rank", world.rank()},
      {"host", mpi::host_name()},
      {"cores", detail::allowed_cores()},
      {"simd", detail::simd_target()},
      {"ranks_on_node", node.size()},
      {"memory", {{"bytes", limit.bytes}, {"source", limit.source}, {"per_process", limit.per_process}}}};
  if (!node.is_root()) return seen;
  seen["limits"] = detail::process_limits();
  seen["interconnect"] = detail::find_interconnect();
  {
    const Deadline deadline("testing the scratch directory " + scratch_directory().string(), hung);
    seen["scratch"] = detail::measure_directory(request.files, scratch_directory());
  }
  const Deadline deadline("testing the work directory " + work_path(request).string(), hung);
  seen["work"] = detail::measure_directory(request.files, work_path(request));
  return seen;
}

/// Seconds until the file is there with that content; null if it is not within `patience`.
Json wait_for(storage::FileSystem& files, const storage::Path& path, const std::string& content,
              std::chrono::duration<double> patience) {
  const auto start = Clock::now();
  do {
    try {  // rank-local: a file that is not there, or not whole, is looked for again
      if (files.file_size(path) && storage::read_file(files, path) == content) {
        return std::chrono::duration<double>(Clock::now() - start).count();
      }
    } catch (const base::IoError&) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  } while (Clock::now() - start < patience);
  return nullptr;
}

/// Collective over the first ranks of all nodes. After how long a file that the first of them writes to its
/// `directory` is seen in this one's; null if it is not within `patience`.
Json see_file(const Request& request, const mpi::Communicator& leaders, const storage::Path& directory,
              std::chrono::duration<double> patience) {
  const Deadline deadline("waiting for a file in " + directory.string(), hung);
  const auto name = leaders.broadcast_text(new_run_name());
  const auto path = directory / (".surd-doctor-" + name);
  if (leaders.is_root()) {
    try {  // rank-local: a directory that cannot be written is reported by measure_directory
      const auto file = request.files.create(path);
      file->append(std::as_bytes(std::span(name)));
      file->close();
    } catch (const base::IoError&) {
    }
  }
  leaders.barrier();
  auto seen = wait_for(request.files, path, name, patience);
  leaders.barrier();
  std::error_code ignored;
  if (leaders.is_root()) std::filesystem::remove(path, ignored);
  return seen;
}

/// Collective. From rank 0 of `ranks` to each other, one after the other; the list on rank 0.
Json measure_links(const mpi::Communicator& ranks) {
  const Deadline deadline("sending messages between ranks", hung);
  const auto hosts = ranks.gather_text(mpi::host_name());
  Json links = Json::array();
  for (int far = 1; far < ranks.size(); ++far) {
    if (!ranks.is_root() && ranks.rank() != far) continue;
    const auto link = mpi::measure_link(ranks, far, time_for_links / (ranks.size() - 1));
    if (!ranks.is_root()) continue;
    links.push_back({{"from", hosts.front()},
                     {"to", hosts[static_cast<std::size_t>(far)]},
                     {"latency_seconds", link.latency_seconds},
                     {"bytes_per_second", link.bytes_per_second},
                     {"clock_offset_seconds", link.clock_offset_seconds}});
  }
  ranks.barrier();
  return links;
}

/// Between nodes; on one node, between its first two ranks.
Json compare_nodes(const Request& request, const mpi::Communicator& world, const mpi::Communicator& node,
                   Json& seen) {
  const auto leaders = world.split(node.is_root() ? 0 : 1);
  const bool several_nodes = world.max(std::uint64_t{node.is_root() && leaders.size() > 1}) != 0;
  Json links = Json::array();
  if (node.is_root()) {
    seen["work"]["seen_after_seconds"] = see_file(request, leaders, work_path(request), time_to_see);
    const auto scratch = see_file(request, leaders, scratch_directory(), time_to_see_scratch);
    seen["scratch"]["shared"] = !leaders.is_root() && !scratch.is_null();
    if (several_nodes) links = measure_links(leaders);
  }
  if (!several_nodes && world.size() > 1) {
    const auto first_two = world.split(world.rank() < 2 ? 0 : 1);
    if (world.rank() < 2) links = measure_links(first_two);
  }
  world.barrier();
  return links;
}

Json slurm_job() {
  Json job = Json::object();
  for (const auto& [key, variable] : {std::pair{"job", "SLURM_JOB_ID"}, {"nodes", "SLURM_JOB_NODELIST"}}) {
    if (const char* value = std::getenv(variable)) job[key] = value;
  }
  if (const double left = slurm_seconds_left(); left > 0) job["seconds_left"] = left;
  return job;
}

Json launch_report(const detail::Launch& launch, int world) {
  return {{"ranks", launch.ranks},
          {"variable", launch.variable},
          {"slurm_tasks", launch.slurm_tasks},
          {"mistake", detail::launch_mistake(launch, world, mpi::library_name())}};
}

}  // namespace

base::ExitStatus doctor(const Request& request, const mpi::Session& session) {
  const auto& world = session.world();
  const auto node = world.node();
  auto seen = examine(request, world, node);
  world.barrier();
  auto links = compare_nodes(request, world, node, seen);
  const auto texts = world.gather_text(batch::to_text(seen));  // names of files may be no UTF-8
  if (!world.is_root()) return base::ExitStatus::done;
  Json ranks = Json::array();
  for (const auto& text : texts) ranks.push_back(Json::parse(text));
  Json report = {{"surd", base::version()},
                 {"revision", base::git_revision()},
                 {"compiler", base::compiler()},
                 {"mpi",
                  {{"library", mpi::library_name()},
                   {"standard", mpi::standard_level()},
                   {"threads", session.threads()},
                   {"thread_level", session.thread_level()},
                   {"ranks", world.size()}}},
                 {"hdf5", detail::hdf5_version()},
                 {"kokkos", Kokkos::DefaultExecutionSpace::name()},
                 {"launch", launch_report(request.launch, world.size())},
                 {"slurm", slurm_job()},
                 {"links", std::move(links)},
                 {"ranks", std::move(ranks)}};
  report["warnings"] = detail::doctor_warnings(report);
  std::fputs((request.line.json ? batch::to_text(report) : detail::doctor_text(report)).c_str(), stdout);
  return detail::directories_usable(report) ? base::ExitStatus::done : base::ExitStatus::fatal;
}

}  // namespace surd::batch::verbs
