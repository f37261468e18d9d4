// Hands out batches of work to ranks on request, by two-sided messages, while every rank works, rank 0
// included.
//
// Each rank sends a Report (what it has done, whether it wants more) to rank 0 and gets a Grant back. A rank
// whose batches are short asks for the next one before it starts on the last, so that the answer is there
// when it is needed. Rank 0 answers between its own points, and from a helper thread while it is inside a
// long one (if MPI allows threads). The rate is about a million grants a second.
//
//   Scheduler scheduler(leaders, source, stop);            // source on rank 0 only
//   while (auto batch = scheduler.next()) { work(*batch); scheduler.done({.points = ...}); }
//   scheduler.finish();
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "surd/mpi/session.hpp"
#include "surd/sweep/work_queue.hpp"

namespace surd::ranks {

/// What a rank did with a batch. A message.
struct Report {
  std::uint64_t points = 0;          ///< Evaluated, failed ones included.
  std::uint64_t failed = 0;          ///< Of those.
  std::uint64_t given_up = 0;        ///< Not evaluated because the job is stopping.
  double seconds = 0;                ///< Spent in points.
  std::uint64_t point_bytes = 0;     ///< Largest memory of one point.
  std::uint64_t resident_bytes = 0;  ///< Of this rank, now.
  std::uint64_t peak_bytes = 0;      ///< Of this rank, so far.
  std::uint64_t rows = 0;            ///< Read by units of a data job (they are its points).
};

/// Decides what is handed out. Lives on rank 0; called by one thread at a time.
class WorkSource {
 public:
  enum class Answer : std::uint32_t { work, wait, finished };

  virtual ~WorkSource() = default;
  /// Fills `batch` for `rank`, or says to wait (it is asked again soon) or that all work is done or being
  /// stopped.
  virtual Answer next(int rank, sweep::Batch& batch) = 0;
  virtual void finished(int rank, const sweep::Batch& batch, const Report& report) = 0;
  /// A rank was told to stop from outside.
  virtual void stop_requested() = 0;
  virtual void point_failed(const std::string& text) = 0;
  /// Called often (about every 100 us to 2 ms) for the source's own upkeep. Returns whether ranks that are
  /// inside a batch shall stop early.
  virtual bool upkeep() = 0;
};

/// Collective: one per rank of `leaders`, made and finished together. All methods are called by the rank's
/// main thread, except poll().
class Scheduler {
 public:
  /// `source` on rank 0, null elsewhere. `stop` is this rank's own request to stop.
  Scheduler(const mpi::Communicator& leaders, WorkSource* source, const std::atomic<bool>& stop);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;
  ~Scheduler();

  /// The next batch, nullopt if there is no more. Waits politely.
  [[nodiscard]] std::optional<sweep::Batch> next();
  /// Ends the current batch.
  void done(const Report& report);
  /// Tells rank 0 about a failed point, for the log.
  void point_failed(const std::string& text);

  /// As a signal to this rank.
  void request_stop() noexcept;
  /// The job is stopping (a signal here or elsewhere, the deadline, too many failures).
  [[nodiscard]] bool stopping() const noexcept { return stopping_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::atomic<bool>& stop_flag() const noexcept { return stopping_; }

  /// Rank 0: some rank has reported a point.
  [[nodiscard]] bool progressed() const noexcept { return progressed_.load(std::memory_order_relaxed); }

  /// Call between points: answers others (rank 0) and notices requests to stop. Cheap. `now` is a steady
  /// clock's time in seconds.
  void between_points(double now);
  /// As between_points(), for a helper thread while the main thread is inside a point.
  void poll();

  /// Waits until every rank has its last batch behind it.
  void finish();

 private:
  class Root;
  class Client;
  const mpi::Communicator& leaders_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> progressed_{false};
  std::unique_ptr<Root> root_;
  std::unique_ptr<Client> client_;
  double last_poll_ = 0;
};

}  // namespace surd::ranks
