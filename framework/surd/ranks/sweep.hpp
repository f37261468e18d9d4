// Runs a sweep over all ranks: finds what is missing, hands it out, stores what comes back.
//
// Rank 0 scans the memo, claims work by leases, and grants batches of points on request by two-sided
// messages; every rank computes, rank 0 included. While rank 0 is inside a long point a helper thread answers
// for it. Each rank appends to its own segment of the memo. Batches are guided (large at first, single points
// at the end or when points are long), longest first where the cost of points is known.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "surd/mpi/session.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/sweep/function.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::ranks {

struct SweepOptions {
  storage::Path memo;     ///< Directory of segments.
  storage::Path leases;   ///< Directory of leases.
  storage::Path scratch;  ///< Node-local; points' scratch directories go below.
  sweep::Origin origin;   ///< run, host and program; rank is filled in.
  int ranks_per_point = 1;
  bool retry_failed = false;
  bool keep_other_versions = false;
  std::uint64_t max_failures =
      ~std::uint64_t{0};  ///< Stop when more points than this have failed in this run.
  double lease_seconds = 10;
  double grace_seconds = 10;           ///< How long a point may go on after a stop request.
  int give_up_status = 75;             ///< Exit status if the job ends by the grace without one new point.
  double time_left_seconds = 0;        ///< Until the job is ended from outside; 0: unknown.
  std::uint64_t memory_per_point = 0;  ///< Bytes; 0: learned while running.
  std::uint64_t memory_per_node = 0;   ///< Bytes all points on a node may take together; 0: no limit.
  std::string cost;  ///< Expression over axes and parameters; empty: learned from stored points.
};

/// What rank 0 knows while the sweep runs.
struct SweepState {
  std::uint64_t total = 0;          ///< Points asked for, excluded ones not counted.
  std::uint64_t stored_before = 0;  ///< Found in the memo at the start.
  std::uint64_t done = 0;           ///< Stored now, in this run or by neighbours or before; not failed.
  std::uint64_t failed = 0;         ///< Stored as failed now.
  std::uint64_t computed = 0;       ///< Evaluated by this run, failed or not.
  std::uint64_t failed_here = 0;    ///< Of those, failed.
  std::uint64_t running = 0;        ///< Granted, not yet reported.
  std::size_t neighbours = 0;       ///< Other jobs at work on the memo.
  double seconds = 0;               ///< Since the start of the run.
  double rate = 0;                  ///< Points per second, recent.
  double eta_seconds = -1;          ///< Negative: unknown.
  bool stopping = false;
  std::string last_failure;  ///< "T=1.5 L=16: timed out after 60 s"
  struct Rank {
    std::string host;
    double busy = 0;  ///< Share of the recent time spent in points, 0..1.
    std::uint64_t resident_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::uint64_t computed = 0;
  };
  std::vector<Rank> ranks;
};

enum class SweepEnd { complete, interrupted, too_many_failures };

struct SweepResult {
  SweepEnd end = SweepEnd::complete;
  SweepState state;  ///< At the end; on rank 0 in full, elsewhere only the counts.
};

/// Called on rank 0 at most ten times a second, and once at the end. Must return soon.
using SweepObserver = std::function<void(const SweepState&)>;

/// Collective. `stop` is set by a signal handler on any rank; then points under way are finished (or given up
/// after grace_seconds, when the job ends with status 75 from within, see give_up_status), everything is
/// flushed, and the result is `interrupted`. All ranks return the same `end`.
[[nodiscard]] SweepResult run_sweep(const mpi::Session& session, const sweep::Definition& definition,
                                    sweep::Evaluator& evaluator, storage::FileSystem& files,
                                    const SweepOptions& options, const std::atomic<bool>& stop,
                                    const SweepObserver& observe = {});

}  // namespace surd::ranks
