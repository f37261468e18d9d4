// What must go on while a rank's main thread is inside a long point: rank 0 answers the others, finished
// outcomes are written, a stop request is heard, and after its grace the job ends whatever the point does.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "surd/ranks/scheduler.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::ranks {

/// The segment of this rank, shared between the main thread and the watch.
class SharedWriter {
 public:
  explicit SharedWriter(sweep::MemoWriter writer) : writer_(std::move(writer)) {}

  void add(std::uint64_t position, const sweep::Outcome& outcome) {
    const std::lock_guard lock(mutex_);
    writer_.add(position, outcome);
    any_ = true;
  }
  void flush() {
    const std::lock_guard lock(mutex_);
    writer_.flush();
  }
  /// Something was added.
  [[nodiscard]] bool any() {
    const std::lock_guard lock(mutex_);
    return any_;
  }
  /// Writes and syncs what waits, unless the main thread is at it.
  void save() {
    const std::lock_guard lock(mutex_);
    writer_.flush();
    writer_.sync();
  }
  void close() {
    const std::lock_guard lock(mutex_);
    writer_.close();
  }

 private:
  std::mutex mutex_;
  sweep::MemoWriter writer_;
  bool any_ = false;
};

/// How a job ends whose points do not.
struct Grace {
  double seconds = 10;  ///< After the request to stop.
  int status = 75;      ///< Exit status if there is no new point.
  bool first = true;    ///< This rank decides; others wait a little longer for it.
};

/// A helper thread from construction to destruction.
class Watch {
 public:
  /// `scheduler` may be null (a rank that does not lead). `threads`: MPI may be called from here.
  Watch(Scheduler* scheduler, SharedWriter* writer, const std::atomic<bool>& stop, bool threads, bool serves,
        Grace grace);
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// The main thread enters a point, or leaves it. `now`: steady clock, seconds. Cheap.
  void enter(double now) noexcept { inside_since_.store(now, std::memory_order_relaxed); }
  void leave() noexcept { inside_since_.store(0, std::memory_order_relaxed); }

 private:
  void run();
  [[nodiscard]] double period(double inside_seconds) const;
  void enforce_grace(double now);

  Scheduler* scheduler_;
  SharedWriter* writer_;
  const std::atomic<bool>& stop_;
  bool threads_;
  bool serves_;
  Grace grace_;
  double stop_seen_ = 0;
  double saved_point_ = 0;  ///< Entry time of the point during which outcomes were saved last.
  std::atomic<double> inside_since_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace surd::ranks
