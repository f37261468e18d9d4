// How much memory this process may really use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace surd::memory {

/// A limit that applies to this process, alone or together with others on the node.
struct Limit {
  std::uint64_t bytes = 0;
  /// "cgroup v2 /sys/fs/cgroup/job_7/memory.max", "SLURM_MEM_PER_NODE", "RLIMIT_AS", "physical memory".
  std::string source;
  bool per_process =
      false;  ///< RLIMIT_*: counts this process alone; else all processes of the job on this node.
};

/// All limits: cgroup v2 (memory.max of the process's group and of every ancestor), cgroup v1
/// (memory.limit_in_bytes, likewise), SLURM_MEM_PER_NODE, SLURM_MEM_PER_CPU x SLURM_CPUS_ON_NODE, RLIMIT_AS,
/// RLIMIT_DATA and physical memory. `root` replaces "/" in tests. Cost: some file reads, about 100 us.
[[nodiscard]] std::vector<Limit> find_limits(const std::string& root = "/");

/// The one that leaves least to each of the job's `processes` on this node (its bytes are not divided).
/// @throws IoError  if there is none: no /proc.
[[nodiscard]] Limit find_limit(const std::string& root = "/", unsigned processes = 1);

/// Memory of this process, from the kernel. Bytes; 0 where the kernel does not say.
struct Usage {
  std::uint64_t resident = 0;       ///< VmRSS
  std::uint64_t peak_resident = 0;  ///< VmHWM, since start or the last reset_peak()
};
[[nodiscard]] Usage usage();

/// Makes peak_resident start again from now; false where the kernel refuses.
bool reset_peak() noexcept;

/// Gives memory that was freed back to the system, as far as malloc can: it keeps most of it for what comes
/// next, which may be of other sizes. Cost: some milliseconds per 100 MiB.
void release_free_memory() noexcept;

/// From now on malloc gives pieces larger than about a 32nd of `memory_bytes` back to the system when they
/// are freed; smaller ones it may keep, as before. By itself it keeps larger pieces the larger those were
/// that have been freed, up to 64 MiB. Of the whole process, for good.
void limit_kept_memory(std::uint64_t memory_bytes) noexcept;

}  // namespace surd::memory
