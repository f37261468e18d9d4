#include "surd/sweep/detail/lease_file.hpp"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

#include "surd/base/json.hpp"
#include "surd/base/spec.hpp"

namespace surd::sweep::detail {
namespace {

constexpr std::int64_t lease_version = 1;

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return {};
  return name.data();
}

struct ProcessState {
  char state = '?';
  std::int64_t start_ticks = 0;
};

/// State and start of a process from /proc; nullopt if it cannot be read.
std::optional<ProcessState> look_up(const std::string& pid) {
  const auto line = first_line("/proc/" + pid + "/stat");
  const auto name_end = line.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream fields(line.substr(name_end + 1));
  ProcessState found;
  fields >> found.state;
  std::string skipped;
  for (int field = 4; field < 22; ++field) fields >> skipped;
  fields >> found.start_ticks;
  if (!fields) return std::nullopt;
  return found;
}

std::vector<Run> read_claim(const base::Spec& spec) {
  std::vector<Run> claim;
  for (const auto& item : spec.items()) {
    const auto numbers = item.items();
    if (numbers.size() != 2) item.fail_expected("first and count");
    const auto first = numbers[0].integer();
    const auto count = numbers[1].integer();
    if (first < 0 || count <= 0) item.fail_expected("a run");
    claim.push_back({static_cast<std::uint64_t>(first), static_cast<std::uint64_t>(count)});
  }
  if (claim.size() > claim_limit) spec.fail("has too many runs");
  return claim;
}

LeaseFile read(const base::Spec& spec) {
  if (spec.at("surd lease").integer() > lease_version) spec.fail("is from a newer surd");
  LeaseFile lease;
  lease.run = spec.at("run").text();
  lease.process.host = spec.at("host").text();
  lease.process.boot = spec.at("boot").text();
  lease.process.pid_namespace = spec.at("pid namespace").text();
  lease.process.pid = spec.at("pid").integer();
  lease.process.start_ticks = spec.at("start ticks").integer();
  lease.process.slurm_job = spec.at("slurm job").text();
  if (const auto restart = spec.find("slurm restart")) lease.process.slurm_restart = restart->integer();
  lease.beat = static_cast<std::uint64_t>(spec.at("beat").integer());
  lease.settled = spec.at("settled").boolean();
  lease.definition = spec.at("definition").text();
  lease.claim = read_claim(spec.at("claim"));
  return lease;
}

}  // namespace

Process this_process() {
  Process self;
  self.host = host_name();
  self.boot = first_line("/proc/sys/kernel/random/boot_id");
  std::error_code unknown;
  self.pid_namespace = std::filesystem::read_symlink("/proc/self/ns/pid", unknown).native();
  self.pid = getpid();
  if (const auto found = look_up("self")) self.start_ticks = found->start_ticks;
  const auto slurm = [](const char* name) {
    const char* text = std::getenv(name);
    return std::string(text == nullptr ? "" : text);
  };
  if (const auto job = slurm("SLURM_JOB_ID"); !job.empty()) {
    self.slurm_job = fmt::format("{}@{}", job, slurm("SLURM_CLUSTER_NAME"));
    self.slurm_restart = std::atoll(slurm("SLURM_RESTART_COUNT").c_str());
  }
  return self;
}

bool known_dead(const Process& process, const Process& self) {
  const bool same_job = !self.slurm_job.empty() && process.slurm_job == self.slurm_job;
  if (same_job && process.slurm_restart < self.slurm_restart) return true;
  if (self.boot.empty() || self.pid_namespace.empty() || process.pid <= 0 ||
      process.pid > std::numeric_limits<pid_t>::max()) {
    return false;
  }
  if (process.host != self.host || process.boot != self.boot || process.pid_namespace != self.pid_namespace) {
    return false;
  }
  if (kill(static_cast<pid_t>(process.pid), 0) != 0 && errno == ESRCH) return true;
  const auto found = look_up(fmt::format("{}", process.pid));  // another user's may be hidden
  return found && (found->start_ticks != process.start_ticks || found->state == 'Z' || found->state == 'X');
}

std::string LeaseFile::text() const {
  auto runs = base::Json::array();
  for (const auto& run_of : claim) runs.push_back({run_of.first, run_of.count});
  const base::Json json{{"surd lease", lease_version},
                        {"run", run},
                        {"host", process.host},
                        {"boot", process.boot},
                        {"pid namespace", process.pid_namespace},
                        {"pid", process.pid},
                        {"start ticks", process.start_ticks},
                        {"slurm job", process.slurm_job},
                        {"slurm restart", process.slurm_restart},
                        {"beat", beat},
                        {"settled", settled},
                        {"definition", definition},
                        {"claim", std::move(runs)}};
  return json.dump();
}

std::optional<LeaseFile> LeaseFile::parse(std::string_view text) {
  const auto json = base::Json::parse(text, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  try {
    return read(base::Spec(json));
  } catch (const base::SpecError&) {
    return std::nullopt;
  }
}

std::vector<Run> enclosing_runs(const PointSet& points) {
  std::size_t count = 0;
  for (auto run = points.next_run(0); run; run = points.next_run(run->end())) ++count;
  const auto joined = (count + claim_limit - 1) / claim_limit;
  std::vector<Run> runs;
  std::size_t index = 0;
  for (auto run = points.next_run(0); run; run = points.next_run(run->end()), ++index) {
    if (index % joined == 0) {
      runs.push_back(*run);
    } else {
      runs.back().count = run->end() - runs.back().first;
    }
  }
  return runs;
}

}  // namespace surd::sweep::detail
