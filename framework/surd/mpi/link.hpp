// How fast messages go between two ranks, and how their clocks differ.
#pragma once

#include <chrono>

#include "surd/mpi/communicator.hpp"

namespace surd::mpi {

struct Link {
  double latency_seconds = 0;       ///< Half of the fastest round trip of an empty message.
  double bytes_per_second = 0;      ///< Of messages of 1 MiB, one way.
  double clock_offset_seconds = 0;  ///< The far clock minus the near one, wrong by latency_seconds at most.
};

/// Collective over ranks 0 and `far`; others must not call. Takes about `time`, and at least 16 round trips.
/// Both get the result. The offset is taken from the fastest round trip, as if it went equally fast both ways
/// (Cristian, "Probabilistic clock synchronization", Distributed Computing 3, 1989).
[[nodiscard]] Link measure_link(const Communicator& ranks, int far, std::chrono::duration<double> time);

}  // namespace surd::mpi
