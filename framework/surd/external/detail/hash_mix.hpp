// The hash of 8-byte keys: a bijection of 64-bit numbers, so that different keys never have the same hash and
// the key can be had back from it. Constants: Stafford's variant 13 of the finaliser of MurmurHash3, as in
// SplitMix64 (Steele, Lea & Flood, OOPSLA 2014).
#pragma once

#include <cstdint>

namespace surd::external::detail {

[[nodiscard]] constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9U;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EBU;
  return x ^ (x >> 31);
}

/// The key whose mix() this is.
[[nodiscard]] constexpr std::uint64_t unmix(std::uint64_t x) noexcept {
  x = (x ^ (x >> 31) ^ (x >> 62)) * 0x3196'42B2'D24D'8EC3U;
  x = (x ^ (x >> 27) ^ (x >> 54)) * 0x96DE'1B17'3F11'9089U;
  return x ^ (x >> 30) ^ (x >> 60);
}

static_assert(unmix(mix(0)) == 0 && unmix(mix(1)) == 1 &&
              unmix(mix(~std::uint64_t{0})) == ~std::uint64_t{0} &&
              unmix(mix(0x0123'4567'89AB'CDEFU)) == 0x0123'4567'89AB'CDEFU);

}  // namespace surd::external::detail
