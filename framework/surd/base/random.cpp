#include "surd/base/random.hpp"

#include <cmath>

namespace surd::base {
namespace {

struct Product {
  std::uint32_t high;
  std::uint32_t low;
};

Product multiply(std::uint32_t a, std::uint32_t b) noexcept {
  const std::uint64_t product = std::uint64_t{a} * b;
  return {static_cast<std::uint32_t>(product >> 32), static_cast<std::uint32_t>(product)};
}

__extension__ using Wide = unsigned __int128;

}  // namespace

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                    std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const auto left = multiply(0xD2511F53U, counter[0]);
    const auto right = multiply(0xCD9E8D57U, counter[2]);
    counter = {right.high ^ counter[1] ^ key[0], right.low, left.high ^ counter[3] ^ key[1], left.low};
    key[0] += 0x9E3779B9U;
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

RandomStream::RandomStream(std::uint64_t seed, std::uint64_t key) noexcept : seed_(seed), key_(key) {}

void RandomStream::refill() noexcept {
  const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
  const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
  const auto bits = philox({low(block_), high(block_), low(key_), high(key_)}, {low(seed_), high(seed_)});
  buffer_ = {std::uint64_t{bits[1]} << 32 | bits[0], std::uint64_t{bits[3]} << 32 | bits[2]};
  used_ = 0;
  ++block_;
}

std::uint64_t RandomStream::below(std::uint64_t bound) noexcept {
  auto product = static_cast<Wide>((*this)()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < threshold) product = static_cast<Wide>((*this)()) * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double RandomStream::normal() noexcept {
  while (true) {
    const double x = 2 * uniform() - 1;
    const double y = 2 * uniform() - 1;
    const double r = x * x + y * y;
    if (r < 1 && r > 0) return x * std::sqrt(-2 * std::log(r) / r);
  }
}

}  // namespace surd::base
