#include "ising.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <numbers>
#include <string>

#include "surd/base/error.hpp"

namespace ising {
namespace {

constexpr std::int64_t largest_length = 4096;

void check(const Parameters& p) {
  const auto refuse = [](const std::string& what) { throw surd::base::UsageError(what); };
  if (!(p.temperature > 0) || !std::isfinite(p.temperature)) {
    refuse("T must be above 0, found " + std::to_string(p.temperature));
  }
  if (p.length < 2 || p.length > largest_length) {
    refuse("L must be from 2 to " + std::to_string(largest_length) + ", found " + std::to_string(p.length));
  }
  if (p.sweeps < 1) refuse("sweeps must be at least 1, found " + std::to_string(p.sweeps));
  if (p.warmup < 1) refuse("warmup must be at least 1, found " + std::to_string(p.warmup));
}

/// 32 random bits at a time from the 64 that the stream gives.
class HalfWords {
 public:
  explicit HalfWords(surd::base::RandomStream& random) noexcept : random_(random) {}

  std::uint64_t next() noexcept {
    full_ = !full_;
    if (full_) {
      word_ = random_();
      return word_ & 0xFFFFFFFF;
    }
    return word_ >> 32;
  }

 private:
  surd::base::RandomStream& random_;
  std::uint64_t word_ = 0;
  bool full_ = false;
};

/// Sums over sweeps. Energies are integers below 2^26, so the sums of squares are exact in doubles for any
/// realistic number of sweeps.
struct Sums {
  double e = 0;
  double e2 = 0;
  double m = 0;
  double m2 = 0;
  double m4 = 0;

  void add(const Lattice& lattice) {
    const auto energy = static_cast<double>(lattice.energy());
    const auto magnetisation = static_cast<double>(std::abs(lattice.magnetisation()));
    const double square = magnetisation * magnetisation;
    e += energy;
    e2 += energy * energy;
    m += magnetisation;
    m2 += square;
    m4 += square * square;
  }

  [[nodiscard]] Observables observables(double sweeps, double spins, double temperature) const {
    const double mean_e = e / sweeps;
    const double mean_m = m / sweeps;
    const double mean_m2 = m2 / sweeps;
    Observables result;
    result.energy = mean_e / spins;
    result.magnetisation = mean_m / spins;
    result.specific_heat = std::max(0.0, e2 / sweeps - mean_e * mean_e) / (spins * temperature * temperature);
    result.susceptibility = std::max(0.0, mean_m2 - mean_m * mean_m) / (spins * temperature);
    result.binder = mean_m2 > 0 ? 1 - m4 / sweeps / (3 * mean_m2 * mean_m2) : 0;
    return result;
  }
};

/// Clusters flipped and the spins in them.
struct Work {
  std::uint64_t clusters = 0;
  std::uint64_t flips = 0;
};

}  // namespace

Lattice::Lattice(std::int64_t length)
    : length_(length),
      magnetisation_(length * length),
      spins_(static_cast<std::size_t>(length * length), 1),
      neighbours_(spins_.size() * 4),
      stack_(spins_.size()) {
  const auto at = [length](std::int64_t row, std::int64_t column) {
    return static_cast<std::uint32_t>((row + length) % length * length + (column + length) % length);
  };
  std::size_t next = 0;
  for (std::int64_t row = 0; row < length; ++row) {
    for (std::int64_t column = 0; column < length; ++column) {
      neighbours_[next++] = at(row, column + 1);
      neighbours_[next++] = at(row + 1, column);
      neighbours_[next++] = at(row, column - 1);
      neighbours_[next++] = at(row - 1, column);
    }
  }
}

std::int64_t Lattice::flip_cluster(surd::base::RandomStream& random, std::uint64_t threshold) {
  const auto first = static_cast<std::uint32_t>(random.below(spins_.size()));
  const std::int8_t old = spins_[first];
  const auto flipped = static_cast<std::int8_t>(-old);
  HalfWords bits(random);
  spins_[first] = flipped;
  stack_[0] = first;
  std::size_t waiting = 1;
  std::int64_t size = 1;
  while (waiting > 0) {
    const std::uint32_t* around = &neighbours_[std::size_t{stack_[--waiting]} * 4];
    for (int side = 0; side < 4; ++side) {
      const std::uint32_t other = around[side];
      if (spins_[other] != old || bits.next() >= threshold) continue;
      spins_[other] = flipped;
      stack_[waiting++] = other;
      ++size;
    }
  }
  magnetisation_ -= 2 * old * size;
  return size;
}

std::int64_t Lattice::energy() const noexcept {
  std::int64_t sum = 0;
  const auto length = static_cast<std::size_t>(length_);
  for (std::size_t row = 0; row < length; ++row) {
    const std::int8_t* here = &spins_[row * length];
    const std::int8_t* below = &spins_[(row + 1) % length * length];
    int row_sum = here[length - 1] * here[0];
    for (std::size_t column = 0; column + 1 < length; ++column) row_sum += here[column] * here[column + 1];
    for (std::size_t column = 0; column < length; ++column) row_sum += here[column] * below[column];
    sum += row_sum;
  }
  return -sum;
}

std::optional<Observables> simulate(const Parameters& parameters, surd::base::RandomStream random,
                                    const std::function<bool()>& stop) {
  check(parameters);
  Lattice lattice(parameters.length);
  const double probability = -std::expm1(-2 / parameters.temperature);
  const auto threshold = static_cast<std::uint64_t>(std::llround(probability * 0x1.0p32));
  const auto spins = static_cast<std::uint64_t>(lattice.size());
  Work warmup;
  Work settled;  // the second half of the warm-up
  for (std::int64_t sweep = 0; sweep < parameters.warmup; ++sweep) {
    if (stop()) return std::nullopt;
    if (sweep == parameters.warmup / 2) settled = warmup;
    for (const auto end = warmup.flips + spins; warmup.flips < end; ++warmup.clusters) {
      warmup.flips += static_cast<std::uint64_t>(lattice.flip_cluster(random, threshold));
    }
  }
  const auto clusters = warmup.clusters - settled.clusters;
  const auto per_sweep = std::max<std::uint64_t>(1, spins * clusters / (warmup.flips - settled.flips));
  Sums sums;
  std::uint64_t flips = warmup.flips;
  for (std::int64_t sweep = 0; sweep < parameters.sweeps; ++sweep) {
    if (stop()) return std::nullopt;
    for (std::uint64_t i = 0; i < per_sweep; ++i) {
      flips += static_cast<std::uint64_t>(lattice.flip_cluster(random, threshold));
    }
    sums.add(lattice);
  }
  auto result = sums.observables(static_cast<double>(parameters.sweeps), static_cast<double>(spins),
                                 parameters.temperature);
  result.flips = flips;
  return result;
}

double onsager_energy(double temperature) {
  const double twice_beta = 2 / temperature;
  const double tanh = std::tanh(twice_beta);
  const double slope = 2 * tanh * tanh - 1;  // its size is the complementary modulus; 0 at T_c
  if (std::abs(slope) < 1e-15) return -1 / tanh;
  double a = 1;  // K(k) = pi / (2 agm(1, k')) by Gauss's arithmetic-geometric mean
  double g = std::abs(slope);
  while (std::abs(a - g) > 1e-15 * a) {
    const double mean = (a + g) / 2;
    g = std::sqrt(a * g);
    a = mean;
  }
  const double elliptic = std::numbers::pi / (2 * a);
  return -1 / tanh * (1 + 2 / std::numbers::pi * slope * elliptic);
}

}  // namespace ising
