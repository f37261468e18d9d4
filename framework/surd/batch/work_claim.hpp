// A data job's work directory while one run is at it. Rank 0's affair.
//
// The directory may be the user's own, with other files in it: only files that surd makes are ever removed
// from it, by name, and directories only when they are empty.
#pragma once

#include <optional>
#include <string>

#include "surd/batch/work_directory.hpp"
#include "surd/ranks/work_lock.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch {

class WorkClaim {
 public:
  /// Makes the directory if need be, locks it, and stores the job in it.
  /// @throws UsageError  if another run is at work in it, or if files in it that this run would overwrite
  /// are not surd's.
  WorkClaim(storage::FileSystem& files, const WorkDirectory& work, const std::string& job_text,
            const std::string& run);

  /// Bytes of spill files and the like.
  [[nodiscard]] std::uint64_t bytes() const;

  /// Ends the claim of a job that is done with: removes what surd made, then the directory if it is empty.
  void clear();

  /// Ends the claim of a job that cannot be done: leaves everything as it was before.
  void withdraw();

 private:
  void remove_files();

  storage::FileSystem& files_;
  WorkDirectory work_;
  std::string job_text_;
  bool created_;        ///< By this run.
  bool fresh_ = false;  ///< Nothing of an earlier run is in it.
  std::optional<ranks::WorkLock> lock_;
};

}  // namespace surd::batch
