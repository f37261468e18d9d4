#include "surd/memory/limits.hpp"

#include <fcntl.h>
#include <malloc.h>  // malloc_trim and mallopt, of glibc
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"

namespace surd::memory {
namespace {

// cgroup v1 says "no limit" by the largest multiple of the page size below 2^63.
constexpr std::uint64_t unlimited = std::uint64_t{1} << 62;

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = std::string_view(end, text.data() + text.size()).find_first_not_of(" \n\t") == text.npos;
  if (error != std::errc{} || !whole) return std::nullopt;
  return number;
}

std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> words(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// `item` is one of the comma-separated `list`.
bool has_item(std::string_view list, std::string_view item) {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    if (list.substr(0, comma) == item) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

/// A mounted hierarchy that may limit memory.
struct Hierarchy {
  int version;
  std::string mount;    ///< Where it is mounted.
  std::string subtree;  ///< The group that is shown there: not "/" inside containers.
};

std::vector<Hierarchy> find_hierarchies(const std::string& root) {
  std::vector<Hierarchy> found;
  for (const auto& line : read_lines(root + "/proc/self/mountinfo")) {
    const auto fields = words(line);
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (fields.size() < 6 || fields.end() - dash < 4) continue;
    const auto& type = dash[1];
    if (type == "cgroup2") found.push_back({2, fields[4], fields[3]});
    if (type == "cgroup" && has_item(dash[3], "memory")) found.push_back({1, fields[4], fields[3]});
  }
  return found;
}

/// This process's group in a hierarchy of `version`, "/" and its parents down from there.
std::optional<std::string> own_group(const std::string& root, int version) {
  for (const auto& line : read_lines(root + "/proc/self/cgroup")) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == line.npos || second == line.npos) continue;
    const auto controllers = std::string_view(line).substr(first + 1, second - first - 1);
    if (version == 2 ? controllers.empty() : has_item(controllers, "memory")) return line.substr(second + 1);
  }
  return std::nullopt;
}

/// The group's path below the mount point: "" or "/a/b".
std::string below_mount(const Hierarchy& hierarchy, std::string group) {
  if (hierarchy.subtree != "/") {
    if (!group.starts_with(hierarchy.subtree)) return {};
    group.erase(0, hierarchy.subtree.size());
    if (!group.empty() && group.front() != '/') return {};  // a sibling with a longer name
  }
  while (group.ends_with('/')) group.pop_back();
  return group.starts_with("/..") ? std::string() : group;
}

/// The limits of a group and of all its ancestors.
void add_cgroup_limits(const std::string& root, const Hierarchy& hierarchy, std::vector<Limit>& limits) {
  const auto group = own_group(root, hierarchy.version);
  if (!group) return;
  const std::string name = hierarchy.version == 2 ? "memory.max" : "memory.limit_in_bytes";
  auto inside = below_mount(hierarchy, *group);
  while (true) {
    auto path = hierarchy.mount;
    path += inside;
    path += '/';
    path += name;
    const auto lines = read_lines(root + path);
    const auto bytes = lines.empty() ? std::nullopt : parse_number(lines.front());
    if (bytes && *bytes < unlimited) {
      limits.push_back({*bytes, "cgroup v" + std::to_string(hierarchy.version) + " " + path, false});
    }
    if (inside.empty()) return;
    inside.erase(inside.rfind('/'));
  }
}

std::optional<std::uint64_t> environment_number(const char* name) {
  const char* const value = std::getenv(name);
  if (value == nullptr) return std::nullopt;
  return parse_number(value);
}

/// Slurm gives MiB; 0 stands for all memory of the node.
void add_slurm_limits(std::vector<Limit>& limits) {
  if (const auto megabytes = environment_number("SLURM_MEM_PER_NODE"); megabytes && *megabytes > 0) {
    limits.push_back({*megabytes * base::MiB, "SLURM_MEM_PER_NODE", false});
  }
  const auto per_cpu = environment_number("SLURM_MEM_PER_CPU");
  const auto cpus = environment_number("SLURM_CPUS_ON_NODE");
  if (per_cpu && *per_cpu > 0 && cpus && *cpus > 0) {
    limits.push_back({*per_cpu * *cpus * base::MiB, "SLURM_MEM_PER_CPU x SLURM_CPUS_ON_NODE", false});
  }
}

void add_process_limit(__rlimit_resource_t resource, const char* name, std::vector<Limit>& limits) {
  rlimit limit{};
  if (::getrlimit(resource, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    limits.push_back({limit.rlim_cur, name, true});
  }
}

/// A "Name:  123 kB" line of a file in /proc, in bytes.
std::optional<std::uint64_t> find_kilobytes(const std::vector<std::string>& lines, std::string_view name) {
  for (const auto& line : lines) {
    if (!line.starts_with(name)) continue;
    const auto fields = words(line);
    const auto number = fields.size() < 2 ? std::nullopt : parse_number(fields[1]);
    if (number) return *number * base::KiB;
  }
  return std::nullopt;
}

}  // namespace

std::vector<Limit> find_limits(const std::string& root) {
  const auto prefix = root == "/" ? std::string() : root;
  std::vector<Limit> limits;
  for (const auto& hierarchy : find_hierarchies(prefix)) add_cgroup_limits(prefix, hierarchy, limits);
  add_slurm_limits(limits);
  add_process_limit(RLIMIT_AS, "RLIMIT_AS", limits);
  add_process_limit(RLIMIT_DATA, "RLIMIT_DATA", limits);
  if (const auto total = find_kilobytes(read_lines(prefix + "/proc/meminfo"), "MemTotal:")) {
    limits.push_back({*total, "physical memory", false});
  }
  return limits;
}

Limit find_limit(const std::string& root, unsigned processes) {
  const auto limits = find_limits(root);
  if (limits.empty()) throw base::IoError("cannot read /proc/meminfo, and no other memory limit is known", 0);
  const auto share = [&](const Limit& limit) {
    return limit.per_process ? limit.bytes : limit.bytes / std::max(1U, processes);
  };
  return *std::min_element(limits.begin(), limits.end(),
                           [&](const Limit& a, const Limit& b) { return share(a) < share(b); });
}

Usage usage() {
  const auto lines = read_lines("/proc/self/status");
  return {find_kilobytes(lines, "VmRSS:").value_or(0), find_kilobytes(lines, "VmHWM:").value_or(0)};
}

bool reset_peak() noexcept {
  const int file = ::open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  const bool done = ::write(file, "5", 1) == 1;
  ::close(file);
  return done;
}

void release_free_memory() noexcept {
#ifdef __GLIBC__
  ::malloc_trim(0);
#endif
}

void limit_kept_memory(std::uint64_t memory_bytes) noexcept {
#ifdef __GLIBC__
  const auto bytes =
      static_cast<int>(std::clamp<std::uint64_t>(memory_bytes / 32, 128 * base::KiB, 32 * base::MiB));
  ::mallopt(M_MMAP_THRESHOLD, bytes);
  ::mallopt(M_TRIM_THRESHOLD, 2 * bytes);
#else
  (void)memory_bytes;
#endif
}

}  // namespace surd::memory
