// Counter-based random numbers: a stream is a pure function of its key, so a point draws the same numbers on
// any rank, in any order, after any restart.
//
// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
// doi:10.1145/2063384.2063405).
#pragma once

#include <array>
#include <cstdint>

namespace surd::base {

/// One Philox4x32-10 block: 128 random bits from a 128-bit counter and a 64-bit key.
[[nodiscard]] std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) noexcept;

/// A stream of 2^65 random numbers, a std::uniform_random_bit_generator. 48 bytes; copying forks nothing: a
/// copy repeats the same numbers.
class RandomStream {
 public:
  using result_type = std::uint64_t;

  /// Streams with different (seed, key) are independent.
  RandomStream(std::uint64_t seed, std::uint64_t key) noexcept;

  static constexpr result_type min() noexcept { return 0; }
  static constexpr result_type max() noexcept { return ~result_type{0}; }

  /// 64 random bits.
  result_type operator()() noexcept {
    if (used_ == 2) refill();
    return buffer_[used_++];
  }

  /// Uniform in [0, 1), 53 bits; the same on every platform, unlike std::uniform_real_distribution.
  double uniform() noexcept { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

  /// Uniform in [0, bound), unbiased (Lemire, doi:10.1145/3230636). bound > 0.
  std::uint64_t below(std::uint64_t bound) noexcept;

  /// Standard normal (Marsaglia's polar method).
  double normal() noexcept;

 private:
  void refill() noexcept;

  std::uint64_t seed_;
  std::uint64_t key_;
  std::uint64_t block_ = 0;
  std::array<std::uint64_t, 2> buffer_{};
  unsigned used_ = 2;
};

}  // namespace surd::base
