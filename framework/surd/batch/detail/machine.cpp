#include "surd/batch/detail/machine.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <hwy/targets.h>

#include "surd/base/error.hpp"
#include "surd/batch/detail/file_system_kind.hpp"

namespace surd::batch::detail {
namespace {

using base::Json;
using storage::Path;
using Clock = std::chrono::steady_clock;

constexpr std::size_t block_bytes = std::size_t{1} << 20;
constexpr int most_blocks = 16;
constexpr double patience_seconds = 1;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Json soft_limit(__rlimit_resource_t resource) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return nullptr;
  return limit.rlim_cur;
}

/// Names in a directory of /sys, sorted; empty if there is none.
std::set<std::string> names_in(const Path& directory) {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error)) {
    names.insert(entry->path().filename());
  }
  return names;
}

std::string first_line(const Path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

/// The adapters under /sys/class/infiniband are told apart by their driver's name and by the layer below.
std::string verbs_kind(const Path& adapter) {
  const auto name = adapter.filename().string();
  if (name.starts_with("hfi1")) return "Omni-Path";
  if (name.starts_with("efa")) return "EFA";
  const auto ports = names_in(adapter / "ports");
  const auto layer =
      ports.empty() ? std::string() : first_line(adapter / "ports" / *ports.begin() / "link_layer");
  return layer == "Ethernet" ? "RoCE" : "InfiniBand";
}

bool steers_mpi(std::string_view variable) {
  static constexpr auto beginnings = std::to_array<std::string_view>(
      {"OMPI_MCA_btl", "OMPI_MCA_pml", "OMPI_MCA_mtl", "OMPI_MCA_osc",
       "UCX_TLS=", "UCX_NET_DEVICES=", "FI_PROVIDER=", "MPICH_OFI_", "I_MPI_FABRICS=", "MPIR_CVAR_CH4_"});
  return std::any_of(beginnings.begin(), beginnings.end(),
                     [&](std::string_view beginning) { return variable.starts_with(beginning); });
}

/// Writes blocks until there are enough or the time is over; then what a commit costs: a small append,
/// synced.
std::size_t measure_writing(storage::WritableFile& file, const std::vector<std::byte>& block, Json& found) {
  const auto start = Clock::now();
  std::size_t written = 0;
  for (int i = 0; i < most_blocks && seconds_since(start) < patience_seconds; ++i) {
    file.append(block);
    written += block.size();
  }
  file.sync();
  found["synced_bytes_per_second"] = static_cast<double>(written) / seconds_since(start);
  const auto before_commit = Clock::now();
  file.append(std::span(block).first(1));
  file.sync();
  found["sync_seconds"] = seconds_since(before_commit);
  file.close();
  return written;
}

void measure_reading(storage::FileSystem& files, const Path& path, std::size_t bytes, Json& found) {
  std::vector<std::byte> block(block_bytes);
  const auto start = Clock::now();
  const auto file = files.open(path);
  std::size_t read = 0;
  while (read < bytes && seconds_since(start) < patience_seconds) {
    const auto now = file->read_at(read, block);
    if (now == 0) break;
    read += now;
  }
  if (read < bytes && seconds_since(start) < patience_seconds) {
    found["error"] = fmt::format("{} bytes written to {}, {} read back", bytes, path.string(), read);
  }
  found["read_back_bytes_per_second"] = static_cast<double>(read) / seconds_since(start);
}

}  // namespace

Json allowed_cores() {
  Json cores = Json::array();
  cpu_set_t set;
  CPU_ZERO(&set);
  const bool known = sched_getaffinity(0, sizeof set, &set) == 0;  // fails beyond 1024 cores
  const int count = known ? CPU_SETSIZE : static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  for (int core = 0; core < count; ++core) {
    if (!known || CPU_ISSET(static_cast<unsigned>(core), &set)) cores.push_back(core);
  }
  return cores;
}

Json process_limits() {
  return {{"open_files", soft_limit(RLIMIT_NOFILE)},
          {"processes", soft_limit(RLIMIT_NPROC)},
          {"locked_memory", soft_limit(RLIMIT_MEMLOCK)},
          {"address_space", soft_limit(RLIMIT_AS)}};
}

std::string simd_target() {
  const auto targets = hwy::SupportedTargets();
  return hwy::TargetName(targets & -targets);  // the lowest bit is the best
}

Json find_interconnect(const Path& root) {
  Json fabrics = Json::array();
  Json networks = Json::array();
  Json environment = Json::object();
  for (const auto& name : names_in(root / "sys/class/infiniband")) {
    fabrics.push_back({{"device", name}, {"kind", verbs_kind(root / "sys/class/infiniband" / name)}});
  }
  for (const auto& name : names_in(root / "sys/class/cxi")) {
    fabrics.push_back({{"device", name}, {"kind", "Slingshot"}});
  }
  for (const auto& name : names_in(root / "sys/class/net")) {
    if (name == "lo" || first_line(root / "sys/class/net" / name / "operstate") == "down") continue;
    Json network = {{"device", name}};
    const auto megabits = std::atol(first_line(root / "sys/class/net" / name / "speed").c_str());
    if (megabits > 0) network["bits_per_second"] = static_cast<double>(megabits) * 1e6;
    networks.push_back(std::move(network));
  }
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view variable(*entry);
    if (!steers_mpi(variable)) continue;
    const auto equals = variable.find('=');
    environment[std::string(variable.substr(0, equals))] = variable.substr(equals + 1);
  }
  return {{"fabrics", fabrics}, {"networks", networks}, {"environment", environment}};
}

Json measure_directory(storage::FileSystem& files, const Path& directory) {
  const auto kind = file_system_kind(directory);
  Json found = {{"path", directory.string()}, {"file_system", kind.name}};
  if (kind.in_memory) found["in_memory"] = true;
  if (kind.networked) found["networked"] = true;
  const auto path = storage::part_path(directory / ".surd-doctor");
  try {  // rank-local: a directory that cannot be used is a finding, not an end
    found["free_bytes"] = files.free_bytes(directory);
    const std::vector<std::byte> block(block_bytes, std::byte{0x5A});
    const auto bytes = measure_writing(*files.create(path), block, found);
    measure_reading(files, path, bytes, found);
  } catch (const base::IoError& e) {
    found["error"] = e.what();
  }
  std::error_code ignored;  // a full disk still lets it go
  std::filesystem::remove(path, ignored);
  return found;
}

}  // namespace surd::batch::detail
