#include "ising.hpp"

#include <chrono>
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/error.hpp"

namespace {

using ising::Observables;
using ising::Parameters;
using surd::base::RandomStream;

const auto never = [] { return false; };

constexpr double Observables::*averaged[] = {&Observables::energy, &Observables::magnetisation,
                                             &Observables::specific_heat, &Observables::binder};

/// Averages over independent simulations, and their standard errors.
struct Ensemble {
  Observables mean;
  Observables error;
};

Ensemble simulate_often(const Parameters& parameters, int repetitions) {
  std::vector<Observables> all;
  for (int i = 0; i < repetitions; ++i) {
    all.push_back(*ising::simulate(parameters, RandomStream(2026, static_cast<std::uint64_t>(i)), never));
  }
  Ensemble ensemble;
  for (const auto quantity : averaged) {
    double sum = 0;
    double squares = 0;
    for (const auto& one : all) sum += one.*quantity;
    const double mean = sum / repetitions;
    for (const auto& one : all) squares += (one.*quantity - mean) * (one.*quantity - mean);
    ensemble.mean.*quantity = mean;
    ensemble.error.*quantity = std::sqrt(squares / (repetitions * (repetitions - 1.0)));
  }
  return ensemble;
}

/// Averages over all 2^(L*L) states with their Boltzmann weights.
Observables enumerate(double temperature, int length) {
  const int spins = length * length;
  double z = 0;
  double e_sum = 0;
  double e2_sum = 0;
  double m_sum = 0;
  double m2_sum = 0;
  double m4_sum = 0;
  for (unsigned state = 0; state < (1U << spins); ++state) {
    const auto spin = [&](int row, int column) {
      return ((state >> ((row % length) * length + column % length)) & 1U) != 0 ? 1 : -1;
    };
    int energy = 0;
    int magnetisation = 0;
    for (int row = 0; row < length; ++row) {
      for (int column = 0; column < length; ++column) {
        energy -= spin(row, column) * (spin(row, column + 1) + spin(row + 1, column));
        magnetisation += spin(row, column);
      }
    }
    const double weight = std::exp(-(energy + 2.0 * spins) / temperature);
    const double m2 = static_cast<double>(magnetisation) * magnetisation;
    z += weight;
    e_sum += weight * energy;
    e2_sum += weight * energy * energy;
    m_sum += weight * std::abs(magnetisation);
    m2_sum += weight * m2;
    m4_sum += weight * m2 * m2;
  }
  Observables exact;
  exact.energy = e_sum / z / spins;
  exact.magnetisation = m_sum / z / spins;
  exact.specific_heat = (e2_sum / z - e_sum / z * e_sum / z) / (spins * temperature * temperature);
  exact.binder = 1 - m4_sum / z / (3 * (m2_sum / z) * (m2_sum / z));
  return exact;
}

TEST(IsingMatchesExactEnumeration, OnSmallLattices) {
  for (const int length : {2, 3, 4}) {
    for (const double temperature : {1.2, 2.27, 4.0}) {
      const auto exact = enumerate(temperature, length);

      const auto found = simulate_often({temperature, length, 4000, 200}, 30);

      SCOPED_TRACE(testing::Message() << "L=" << length << " T=" << temperature);
      for (const auto quantity : averaged) {
        EXPECT_NEAR(found.mean.*quantity, exact.*quantity, 4 * found.error.*quantity + 1e-6);
      }
    }
  }
}

TEST(IsingMatchesOnsager, AwayFromTheCriticalPointForL32) {
  for (const double temperature : {1.5, 1.9, 3.0, 3.5}) {
    const auto found = simulate_often({temperature, 32, 600, 60}, 10);

    SCOPED_TRACE(temperature);
    EXPECT_NEAR(found.mean.energy, ising::onsager_energy(temperature), 5 * found.error.energy);
    EXPECT_LT(found.error.energy, 2e-3);
  }
}

TEST(IsingLimits, ColdLatticesAreOrderedAndHotOnesAreNot) {
  const auto cold = *ising::simulate({0.1, 16, 50, 10}, RandomStream(1, 1), never);
  const auto hot = simulate_often({1e6, 16, 500, 50}, 4).mean;

  EXPECT_EQ(cold.energy, -2);
  EXPECT_EQ(cold.magnetisation, 1);
  EXPECT_EQ(cold.specific_heat, 0);
  EXPECT_NEAR(cold.binder, 2.0 / 3, 1e-15);
  EXPECT_NEAR(hot.energy, 0, 0.01);
  EXPECT_NEAR(hot.magnetisation, std::sqrt(2 / M_PI) / 16, 0.005);
  EXPECT_NEAR(hot.binder, 0, 0.1);
}

TEST(IsingOnsager, IsRightAtTheLimitsAndTheCriticalPoint) {
  const double critical = 2 / std::log(1 + std::sqrt(2.0));

  EXPECT_NEAR(ising::onsager_energy(critical), -std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(ising::onsager_energy(0.2), -2, 1e-12);
  EXPECT_NEAR(ising::onsager_energy(1e4), -2e-4, 1e-9);
}

TEST(IsingIsDeterministic, AndDependsOnItsStreamAlone) {
  const Parameters parameters{2.3, 12, 300, 30};
  const auto first = *ising::simulate(parameters, RandomStream(5, 7), never);
  const auto again = *ising::simulate(parameters, RandomStream(5, 7), never);
  const auto other = *ising::simulate(parameters, RandomStream(5, 8), never);

  EXPECT_EQ(first.energy, again.energy);
  EXPECT_EQ(first.susceptibility, again.susceptibility);
  EXPECT_EQ(first.binder, again.binder);
  EXPECT_EQ(first.flips, again.flips);
  EXPECT_NE(first.energy, other.energy);
}

TEST(IsingStops, BetweenSweepsWhenAsked) {
  int asked = 0;
  const auto result =
      ising::simulate({2.3, 8, 1000, 10}, RandomStream(1, 1), [&asked] { return ++asked == 50; });

  EXPECT_FALSE(result.has_value());
  EXPECT_EQ(asked, 50);
}

TEST(IsingRefuses, ParametersOutOfRange) {
  const auto run = [](Parameters p) { return ising::simulate(p, RandomStream(1, 1), never); };

  EXPECT_THROW((void)run({0, 8, 10, 10}), surd::base::UsageError);
  EXPECT_THROW((void)run({std::nan(""), 8, 10, 10}), surd::base::UsageError);
  EXPECT_THROW((void)run({1, 1, 10, 10}), surd::base::UsageError);
  EXPECT_THROW((void)run({1, 5000, 10, 10}), surd::base::UsageError);
  EXPECT_THROW((void)run({1, 8, 0, 10}), surd::base::UsageError);
  EXPECT_THROW((void)run({1, 8, 10, 0}), surd::base::UsageError);
}

TEST(IsingLattice, KeepsItsMagnetisationInStepWithItsSpins) {
  ising::Lattice lattice(5);
  RandomStream random(3, 3);

  EXPECT_EQ(lattice.energy(), -50);
  EXPECT_EQ(lattice.flip_cluster(random, std::uint64_t{1} << 32), 25);
  EXPECT_EQ(lattice.magnetisation(), -25);
  EXPECT_EQ(lattice.energy(), -50);
  EXPECT_EQ(lattice.flip_cluster(random, 0), 1);
  EXPECT_EQ(lattice.magnetisation(), -23);
  EXPECT_EQ(lattice.energy(), -42);
}

TEST(IsingSpeed, IsReportedAndNotAbsurd) {
  const auto start = std::chrono::steady_clock::now();
  const auto result = *ising::simulate({2.269, 64, 1000, 100}, RandomStream(1, 1), never);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  const double rate = static_cast<double>(result.flips) / seconds;
  RecordProperty("flips_per_second", std::to_string(rate));
  std::printf("%.1f million spin flips per second\n", rate / 1e6);
  EXPECT_GT(rate, 2e5);  // a sanitizer on a busy machine is slow; a hang is not
}

}  // namespace
