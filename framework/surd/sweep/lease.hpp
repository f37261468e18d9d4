// Leases let jobs that run at the same time on one memo share the work. They only save time: a lost, stale or
// ignored lease costs at most a point computed twice, with the same bytes.
//
// Each running job keeps one file, leases/<run>.lease, created with O_EXCL and replaced atomically: who it is
// (host, process, start of the process, Slurm job), a heartbeat counter, its definition and the positions it
// is working on. Others leave those out, as long as the heartbeat moves on *their own* clock (clocks of nodes
// differ); on the same host a vanished process is seen at once, and so are earlier starts of a job that Slurm
// has put back into its queue, say because the node died that held the lease. Two jobs that claim the same
// points at the same time both see it after publishing, and the later name gives way.
//
//   Leases leases(files, directory, definition, run, timeout);
//   auto mine = leases.claim(wanted);      // publishes; returns what of `wanted` is ours now
//   leases.beat();                         // at least every timeout / 4
//   leases.release();                      // at the end; after a crash the file just grows stale
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "surd/storage/file_system.hpp"
#include "surd/sweep/point_set.hpp"
#include "surd/sweep/subject.hpp"

namespace surd::sweep {

/// Not thread-safe.
class Leases {
 public:
  /// Seconds on a clock that never goes back; tests give their own.
  using Clock = std::function<double()>;

  /// `definition` must outlive it; `clock` empty: the machine's steady clock.
  Leases(storage::FileSystem& files, storage::Path directory, const Definition& definition, std::string run,
         double timeout_seconds = 10, Clock clock = {});
  Leases(Leases&&) noexcept;
  Leases& operator=(Leases&&) noexcept;
  ~Leases();

  /// Replaces this job's claim by `wanted` less what living jobs have claimed, and returns it.
  [[nodiscard]] PointSet claim(const PointSet& wanted);

  /// Positions that living other jobs work on, read anew.
  [[nodiscard]] PointSet others();
  /// Living other jobs at the last look.
  [[nodiscard]] std::size_t neighbours() const noexcept;
  /// Looks anew and counts them for somebody who looks only once, and so cannot see whether a heartbeat
  /// moves: a lease of another machine counts for half a minute after it was written, by the file's time.
  [[nodiscard]] std::size_t neighbours_at_a_glance();

  /// Shows that this job lives; cheap if called more often than timeout / 4. Removes leases long dead.
  void beat();
  void release();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::sweep
