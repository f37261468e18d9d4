// What the work directory of a data job holds, for `surd verify`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "surd/storage/file_system.hpp"
#include "surd/storage/log.hpp"

namespace surd::ranks {

/// A file that commits refer to: of spill files, those that are still needed; of outputs, those under their
/// temporary names.
struct FileReport {
  storage::Path path;
  std::uint64_t bytes = 0;  ///< On disk.
  std::uint64_t committed_bytes =
      0;               ///< That commits refer to; what a killed run wrote after them is lost work.
  std::string damage;  ///< Empty: there is none.
};

/// Units of one stage that are committed, [first, last).
struct CommittedUnits {
  std::uint32_t stage = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
};

struct EpochsReport {
  std::uint64_t logs = 0;
  std::uint64_t records = 0;
  std::vector<CommittedUnits> units;  ///< By stage, then unit.
  std::vector<FileReport> spills;
  /// Spill files that are needed no more: they are being removed, or were when the run was killed. The next
  /// run removes what is left of them.
  std::vector<storage::Path> released;
  std::vector<FileReport> outputs;  ///< These have no checksums.
  std::vector<storage::LogDamage> damage;
  bool finished = false;  ///< The job is complete and its output was in place.

  [[nodiscard]] bool sound() const;
};

/// Whose commits a work directory holds.
struct StoredWork {
  std::string identity;  ///< stream::DataJob::identity() of the job.
  bool finished = false;
  bool output_stands = false;  ///< It is finished, and its output is what it was then.
};

/// nullopt if nothing has been committed. Rank-local.
[[nodiscard]] std::optional<StoredWork> find_stored_work(storage::FileSystem& files,
                                                         const storage::Path& work);

/// Removes all commits and spill files, and their directories unless they hold anything else. Rank-local.
void remove_stored_work(storage::FileSystem& files, const storage::Path& work);

/// Reads all logs, which checks every checksum in them, and all that is committed of the spill files, and
/// compares their digests. Rank-local.
[[nodiscard]] EpochsReport verify_epochs(storage::FileSystem& files, const storage::Path& work);

/// Drops the commits that refer to damaged, missing or short files, and damaged places of logs: the next run
/// makes anew what is lost. Returns how many commits. Verifies once more.
/// @throws UsageError  if a run is at work.
std::uint64_t repair_epochs(storage::FileSystem& files, const storage::Path& work);

}  // namespace surd::ranks
