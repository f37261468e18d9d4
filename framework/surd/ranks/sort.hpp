// Sorting what the ranks hold in memory: each sorts its own, exact splitters cut the whole into equal parts,
// parts are exchanged in rounds of bounded memory and merged. Ties are cut by (key, rank, position), so that
// any input, all equal keys too, ends in parts that differ by at most one.
//
// Splitters: histogramming with sampled candidates (Harsh, Kale & Solomonik, SPAA 2019), ended by exact
// selection. Multiway merge sort with exact splitting: Rahn, Sanders & Singler, ICDE 2010.
#pragma once

#include <cstdint>
#include <vector>

#include "surd/mpi/communicator.hpp"

namespace surd::ranks {

/// What a sort took on this rank.
struct SortSeconds {
  double local = 0;
  double splitting = 0;
  double exchange = 0;
  double merging = 0;
};

/// Collective. Sorts all ranks' `values` together, ascending: rank r gets the r-th part of the sorted whole;
/// parts differ by at most 1. Memory: own input and own part, or twice the part if that is more; MPI's own
/// buffers come to it, of at most `exchange_bytes` for sending and as much for receiving. T: u32, u64, i32,
/// i64, f32, f64 (-0 before 0, NaN last).
template <class T>
SortSeconds sort(const mpi::Communicator& ranks, std::vector<T>& values,
                 std::uint64_t exchange_bytes = 64 << 20);

}  // namespace surd::ranks
