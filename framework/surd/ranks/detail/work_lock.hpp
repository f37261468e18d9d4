// Keeps a second run out of a work directory that is in use. Rank 0's affair.
//
// <work>/running names the process and counts up while it lives. It is created with O_EXCL. A file whose
// process is known to be gone (or was of an earlier start of the same Slurm job) is taken over at once, one
// of another host after it has stood still for `stale_seconds` on this process's clock.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "surd/storage/file_system.hpp"

namespace surd::ranks::detail {

class WorkLock {
 public:
  /// May wait up to `stale_seconds`. @throws UsageError  naming host and process of a run that lives.
  WorkLock(storage::FileSystem& files, const storage::Path& work, const std::string& run,
           double stale_seconds);
  WorkLock(const WorkLock&) = delete;
  WorkLock& operator=(const WorkLock&) = delete;
  /// Removes the file.
  ~WorkLock();

 private:
  void take(double stale_seconds);
  [[nodiscard]] bool create();
  void look_at_holder(double stale_seconds) const;
  void beat(double period_seconds);

  storage::FileSystem& files_;
  storage::Path path_;
  std::string run_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace surd::ranks::detail
