// Sums of hashes of numbers, several numbers at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace surd::external::detail {

/// Sum over `words`, which are of 8 bytes, of XXH3-64 (Collet, github.com/Cyan4973/xxHash); what is left at
/// the end is passed over.
[[nodiscard]] std::uint64_t sum_of_hashes(std::span<const std::byte> words) noexcept;

}  // namespace surd::external::detail
