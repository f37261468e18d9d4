#include "numbers.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace data {
namespace {

constexpr std::uint64_t largest = std::numeric_limits<std::uint64_t>::max();

/// Spreads small numbers over all 64 bits, one to one (the finaliser of splitmix64).
std::uint64_t spread(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58'476D'1CE4'E5B9;
  x = (x ^ (x >> 27)) * 0x94D0'49BB'1331'11EB;
  return x ^ (x >> 31);
}

std::uint64_t staggered(std::uint64_t row, std::uint64_t rows, surd::base::RandomStream& random) {
  constexpr std::uint64_t stretches = 64;
  const auto own = std::min(stretches - 1, row * stretches / std::max<std::uint64_t>(1, rows));
  const auto range = own < stretches / 2 ? 2 * own + 1 : 2 * own - stretches;
  return range * (largest / stretches) + random.below(largest / stretches);
}

std::uint64_t extremes(surd::base::RandomStream& random) {
  constexpr std::uint64_t bases[] = {0, std::uint64_t{1} << 63, largest};
  return bases[random.below(3)] + random.below(5) - 2;
}

}  // namespace

const std::vector<std::string_view>& distribution_names() {
  static const std::vector<std::string_view> names{
      "uniform", "gauss",   "zipf",  "zipf-light", "zipf-heavy", "equal",   "two",
      "sorted",  "reverse", "noisy", "staggered",  "duplicates", "extremes"};
  return names;
}

std::uint64_t draw_zipf(double exponent, std::uint64_t keys, surd::base::RandomStream& random) {
  const auto n = static_cast<double>(keys);
  const auto u = random.uniform();
  const bool harmonic = std::abs(exponent - 1) < 1e-9;
  const auto x = harmonic ? std::exp(u * std::log(n))
                          : std::pow(1 + u * (std::pow(n, 1 - exponent) - 1), 1 / (1 - exponent));
  return std::min(keys - 1, static_cast<std::uint64_t>(x) - 1);
}

std::uint64_t draw(Distribution distribution, std::uint64_t row, std::uint64_t rows,
                   surd::base::RandomStream& random) {
  const auto step = largest / std::max<std::uint64_t>(1, rows);
  switch (distribution) {
    case Distribution::uniform:
      return random();
    case Distribution::gauss:
      return random() / 4 + random() / 4 + random() / 4 + random() / 4;
    case Distribution::zipf:
      return spread(draw_zipf(1, rows, random));
    case Distribution::zipf_light:
      return spread(draw_zipf(0.8, rows, random));
    case Distribution::zipf_heavy:
      return spread(draw_zipf(1.2, rows, random));
    case Distribution::equal:
      return 42;
    case Distribution::two:
      return random.below(2) == 0 ? 0 : largest;
    case Distribution::sorted:
      return row * step;
    case Distribution::reverse:
      return largest - row * step;
    case Distribution::noisy:
      return random.below(100) == 0 ? random() : row * step;
    case Distribution::staggered:
      return staggered(row, rows, random);
    case Distribution::duplicates:
      return spread(static_cast<std::uint64_t>(std::countl_zero(random() | 1)));
    case Distribution::extremes:
      return extremes(random);
  }
  return 0;
}

}  // namespace data
