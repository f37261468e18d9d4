// The steps of ranks::sort(), on unsigned keys.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/mpi/communicator.hpp"

namespace surd::ranks::detail {

/// Sorts in place: with SIMD (Blacher et al., Vectorized and performance-portable quicksort, Softw. Pract.
/// Exp. 52(12), 2022), or at once if the keys are in order, or in the opposite order, already.
template <class Key>
void sort_keys(std::span<Key> keys);

/// Collective. What rank s has for rank r comes into rank r's `into`, at from[s]: shape [size() + 1].
[[nodiscard]] std::vector<std::size_t> announce(const mpi::Communicator& ranks,
                                                const std::vector<std::size_t>& cuts);

/// Collective. Moves keys[cuts[r], cuts[r + 1]) of each rank to rank r, with at most `in_flight_bytes` under
/// way in each direction.
template <class Key>
void exchange(const mpi::Communicator& ranks, std::span<const Key> keys, const std::vector<std::size_t>& cuts,
              std::span<Key> into, const std::vector<std::size_t>& from, std::uint64_t in_flight_bytes);

/// Sorts `keys`, made of the sorted stretches between neighbouring `bounds`. `spare` is of the same size.
/// Returns whether the sorted keys are in `spare`.
template <class Key>
[[nodiscard]] bool merge_keys(std::span<Key> keys, std::vector<std::size_t> bounds, std::span<Key> spare);

/// Most sorted stretches that merging joins faster than sorting anew would.
inline constexpr std::size_t merged_at_most = 8;

}  // namespace surd::ranks::detail
