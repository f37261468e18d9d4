// Ascending sort of unsigned numbers with the widest vectors of this machine (Wassenberg, Blacher, Giesen &
// Sanders: Vectorized and performance-portable quicksort, SPE 52(12), 2022).
#pragma once

#include <cstdint>
#include <span>

namespace surd::external::detail {

/// In place, not stable (equal numbers are the same), O(1) memory. Notices sorted input.
void vqsort(std::span<std::uint32_t> keys);
void vqsort(std::span<std::uint64_t> keys);

}  // namespace surd::external::detail
