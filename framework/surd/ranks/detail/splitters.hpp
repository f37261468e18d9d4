// Exact cuts of what the ranks hold, each sorted by itself: a cut is a place in the merged order of all.
//
// Every rank proposes evenly spaced keys of the stretch in which a cut may still lie, and all count, in one
// reduction, what lies below each proposal. With s proposals of each rank the stretch shrinks at least s
// times per round, whatever the keys are: log n / log s rounds. Proposals by regular sampling: Shi &
// Schaeffer, J. Parallel Distrib. Comput. 14(4), 1992; histogramming: Harsh, Kale & Solomonik, SPAA 2019.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/mpi/communicator.hpp"

namespace surd::ranks::detail {

/// Collective. Cuts the whole into size() parts that differ by at most one key. Shape [size() + 1]: this
/// rank's keys [cuts[r], cuts[r + 1]) belong to rank r. Equal keys are in the order of ranks. Memory: some
/// MiB. Key: u32, u64.
template <class Key>
[[nodiscard]] std::vector<std::size_t> exact_cuts(const mpi::Communicator& ranks,
                                                  std::span<const Key> sorted);

}  // namespace surd::ranks::detail
