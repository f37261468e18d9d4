// The content of a lease, and who wrote it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "surd/sweep/point_set.hpp"

namespace surd::sweep::detail {

/// Enough of a process to tell, on the same machine or in the same Slurm job, whether it still lives.
struct Process {
  std::string host;
  std::string boot;           ///< /proc/sys/kernel/random/boot_id; empty if unknown, like the next.
  std::string pid_namespace;  ///< "pid:[4026531836]": process numbers mean nothing outside of theirs.
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;  ///< Since boot: another process of the same number started at another time.
  std::string slurm_job;         ///< "number@cluster"; empty outside of Slurm.
  std::int64_t slurm_restart = 0;  ///< How often Slurm had started that job before.
  bool operator==(const Process&) const = default;
};

[[nodiscard]] Process this_process();

/// `process` ran where `self` runs and is gone, or was of an earlier start of the same Slurm job: Slurm ends
/// these before it starts a job again. False if nothing can be said.
[[nodiscard]] bool known_dead(const Process& process, const Process& self);

/// A claim of more runs than this is published as runs that enclose it.
inline constexpr std::size_t claim_limit = 4096;

/// Stored as one JSON object.
struct LeaseFile {
  std::string run;
  Process process;
  std::uint64_t beat = 0;
  bool settled = false;    ///< The claim stands; else it may still give way to others made at the same time.
  std::string definition;  ///< Definition::text() of the job.
  std::vector<Run> claim;  ///< Positions in its grid, at most claim_limit runs.
  bool operator==(const LeaseFile&) const = default;

  [[nodiscard]] std::string text() const;
  /// nullopt if the text is no lease: it was cut short, or is from a newer surd.
  static std::optional<LeaseFile> parse(std::string_view text);
};

/// The runs of `points`, neighbouring ones joined if there are more than claim_limit.
[[nodiscard]] std::vector<Run> enclosing_runs(const PointSet& points);

}  // namespace surd::sweep::detail
