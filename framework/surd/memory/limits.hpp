// How much memory this process may really use.
#pragma once

#include <cstdint>
#include <string>

namespace surd::memory {

/// The tightest limit that applies to this process, shared or not with others on the node.
struct Limit {
  std::uint64_t bytes = 0;
  std::string source;  ///< "cgroup v2 /sys/fs/cgroup/job_7/memory.max", "SLURM_MEM_PER_CPU", "RLIMIT_AS", "physical memory".
  bool per_process = false;  ///< RLIMIT_*: counts this process alone; else all processes of the job on this node.
};

/// Reads cgroup v2 (every ancestor's memory.max), cgroup v1 (memory.limit_in_bytes), SLURM_MEM_PER_NODE,
/// SLURM_MEM_PER_CPU x SLURM_CPUS_ON_NODE, RLIMIT_AS, RLIMIT_DATA and physical memory. `root` replaces "/" in tests.
/// Cost: some file reads, about 100 us.
[[nodiscard]] Limit find_limit(const std::string& root = "/");

/// Memory of this process, from the kernel. Bytes.
struct Usage {
  std::uint64_t resident = 0;       ///< VmRSS
  std::uint64_t peak_resident = 0;  ///< VmHWM, since start or the last reset_peak()
};
[[nodiscard]] Usage usage();

/// Makes peak_resident start again from now; false where the kernel refuses.
bool reset_peak() noexcept;

}  // namespace surd::memory
