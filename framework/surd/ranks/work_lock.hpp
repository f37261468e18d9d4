// Keeps a second run out of a work directory that is in use. Rank 0's affair.
//
// <work>/running names the process and counts up while it lives. It is created with O_EXCL. A file whose
// process is known to be gone (or was of an earlier start of the same Slurm job) is taken over at once, one
// of another host after it has stood still for `stale_seconds` on this process's clock: it is moved aside,
// and back if it turns out that another run was faster.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "surd/storage/file_system.hpp"

namespace surd::ranks {

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
  [[nodiscard]] std::optional<std::string> wait_for_end(double stale_seconds) const;
  void remove_stale(const std::string& text);
  void beat(double period_seconds);

  storage::FileSystem& files_;
  storage::Path path_;
  std::string run_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool over_ = false;
  std::thread thread_;
};

/// What can be said, from here, of the run that a work directory's file names.
enum class Holder {
  none,     ///< No run is at it.
  alive,    ///< A process of this machine.
  dead,     ///< It was one of this machine.
  unknown,  ///< One of another machine.
};
[[nodiscard]] Holder work_holder(storage::FileSystem& files, const storage::Path& work);

}  // namespace surd::ranks
