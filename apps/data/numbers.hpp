// Distributions of 64-bit keys on which sorts and groupings are tried: even ones, skewed ones and the ones
// that have broken published sorters (Helman, Bader & JaJa, J. Parallel Distrib. Comput. 52, 1998).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "surd/base/random.hpp"

namespace data {

enum class Distribution {
  uniform,
  gauss,       ///< Sum of four uniform ones.
  zipf,        ///< Exponent 1 over as many keys as rows.
  zipf_light,  ///< Exponent 0.8
  zipf_heavy,  ///< Exponent 1.2
  equal,
  two,  ///< 0 and 2^64 - 1.
  sorted,
  reverse,
  noisy,       ///< Sorted, but for one in a hundred.
  staggered,   ///< 64 stretches, each from a range of keys that is not its turn.
  duplicates,  ///< Half of the rows equal, a quarter equal to another key, and so on.
  extremes,    ///< Around 0, 2^63 and 2^64 - 1.
};

/// Names, in order of the enumerators: "uniform", "zipf-light", ...
[[nodiscard]] const std::vector<std::string_view>& distribution_names();

/// Key number `row` of `rows`. `random` is advanced by what it takes.
[[nodiscard]] std::uint64_t draw(Distribution distribution, std::uint64_t row, std::uint64_t rows,
                                 surd::base::RandomStream& random);

/// From 0 to keys - 1, key k about (k + 1)^-exponent times as often as key 0, by the inverse of the
/// continuous distribution.
[[nodiscard]] std::uint64_t draw_zipf(double exponent, std::uint64_t keys, surd::base::RandomStream& random);

}  // namespace data
