// What a memo holds of a job: the numbers behind plan, status and run's refusals.
#pragma once

#include <cstdint>
#include <vector>

#include "surd/batch/job.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::batch {

struct Survey {
  std::uint64_t total = 0;  ///< Points asked for; excluded ones not counted.
  std::uint64_t excluded = 0;
  std::uint64_t done = 0;
  std::uint64_t failed = 0;
  std::uint64_t chunks = 0;
  std::uint64_t complete_chunks = 0;  ///< Nothing left to do: stored, failed or excluded.
  std::uint64_t partial_chunks = 0;
  double point_seconds = 0;  ///< Mean of stored points, 0 if there are none.
  sweep::MemoStatistics memo;
  std::vector<storage::LogDamage> damage;

  [[nodiscard]] std::uint64_t missing() const noexcept { return total - done - failed; }
  [[nodiscard]] std::uint64_t missing_chunks() const noexcept {
    return chunks - complete_chunks - partial_chunks;
  }
  /// Points of this grid that other versions stored.
  [[nodiscard]] std::uint64_t other_points() const;
  /// Stored bytes per point, of any job in the memo; 0 if it is empty.
  [[nodiscard]] double bytes_per_point() const;
};

/// Scans the memo. Memory: at worst one bit per point. Rank-local.
[[nodiscard]] Survey survey(storage::FileSystem& files, const WorkDirectory& work, const Job& job);

/// Why `run` must not go on: the memo holds points of other versions, and the job does not say what to do
/// with them. Empty if it may.
[[nodiscard]] std::string version_refusal(const Survey& survey, const Job& job);

}  // namespace surd::batch
