#include "surd/base/random.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace surd::base {
namespace {

/// Known answers: kat_vectors of the Random123 distribution, philox4x32 10.
TEST(Philox, HasTheKnownAnswers) {
  using Block = std::array<std::uint32_t, 4>;
  const std::uint32_t ones = 0xffffffffU;

  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U}));
  EXPECT_EQ(philox({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU}));
  EXPECT_EQ(philox({0x243f6a88U, 0x85a308d3U, 0x13198a2eU, 0x03707344U}, {0xa4093822U, 0x299f31d0U}),
            (Block{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U}));
}

TEST(RandomStream, IsAFunctionOfSeedAndKey) {
  RandomStream first(1, 2);
  RandomStream second(1, 2);
  auto copy = first;
  for (int i = 0; i < 100; ++i) {
    const auto bits = first();
    EXPECT_EQ(bits, second());
    EXPECT_EQ(bits, copy());
  }
  EXPECT_EQ(RandomStream(0, 0)(), 0xe169c58d6627e8d5U);  // the first block of Philox
}

TEST(RandomStream, DoesNotRepeatNorMeetItsNeighbours) {
  std::set<std::uint64_t> seen;
  for (std::uint64_t key = 0; key < 100; ++key) {
    RandomStream by_key(7, key);
    RandomStream by_seed(1000 + key, 0);
    for (int i = 0; i < 500; ++i) {
      seen.insert(by_key());
      seen.insert(by_seed());
    }
  }

  EXPECT_EQ(seen.size(), 100'000U);
}

/// Chi-squared over `counts`, normalised: about a standard normal number for uniform counts.
double deviation(const std::vector<std::uint64_t>& counts) {
  double total = 0;
  for (const auto count : counts) total += static_cast<double>(count);
  const double expected = total / static_cast<double>(counts.size());
  double chi = 0;
  for (const auto count : counts) chi += std::pow(static_cast<double>(count) - expected, 2) / expected;
  const auto freedom = static_cast<double>(counts.size() - 1);
  return (chi - freedom) / std::sqrt(2 * freedom);
}

TEST(RandomStream, IsUniform) {
  RandomStream random(3, 4);
  std::vector<std::uint64_t> of_uniform(100);
  std::vector<std::uint64_t> of_below(7);
  std::vector<std::uint64_t> bits(64);
  for (int i = 0; i < 200'000; ++i) {
    const auto x = random.uniform();
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    ++of_uniform[static_cast<std::size_t>(x * 100)];
    ++of_below.at(random.below(7));
    const auto word = random();
    for (std::size_t bit = 0; bit < 64; ++bit) bits[bit] += (word >> bit) & 1;
  }

  EXPECT_LT(std::abs(deviation(of_uniform)), 4);
  EXPECT_LT(std::abs(deviation(of_below)), 4);
  for (const auto count : bits) EXPECT_NEAR(static_cast<double>(count), 100'000, 5 * 224);  // 5 sigma
}

TEST(RandomStream, OfNeighbouringKeysIsIndependent) {
  // The first numbers of streams 0, 1, 2, ...: uniform, and uncorrelated with the next stream's.
  std::vector<std::uint64_t> counts(100);
  std::vector<double> first;
  for (std::uint64_t key = 0; key < 100'000; ++key) {
    first.push_back(RandomStream(42, key).uniform());
    ++counts[static_cast<std::size_t>(first.back() * 100)];
  }
  double product = 0;
  for (std::size_t i = 1; i < first.size(); ++i) product += (first[i - 1] - 0.5) * (first[i] - 0.5);

  EXPECT_LT(std::abs(deviation(counts)), 4);
  EXPECT_NEAR(product / 100'000 * 12, 0, 5 / std::sqrt(100'000.0));
}

TEST(RandomStream, BelowStaysBelowAndReachesEveryValue) {
  RandomStream random(5, 6);
  for (const std::uint64_t bound : {std::uint64_t{1}, std::uint64_t{2}, std::uint64_t{10}}) {
    std::set<std::uint64_t> seen;
    for (int i = 0; i < 1000; ++i) seen.insert(random.below(bound));
    EXPECT_EQ(seen.size(), bound);
    EXPECT_EQ(*seen.rbegin(), bound - 1);
  }
  const std::uint64_t wide = (std::uint64_t{1} << 63) + 1;  // half of all draws must be rejected
  for (int i = 0; i < 1000; ++i) EXPECT_LT(random.below(wide), wide);
}

TEST(RandomStream, NormalHasTheMomentsOfTheNormalDistribution) {
  RandomStream random(8, 9);
  const int n = 200'000;
  double sum = 0;
  double squares = 0;
  double fourths = 0;
  for (int i = 0; i < n; ++i) {
    const auto x = random.normal();
    sum += x;
    squares += x * x;
    fourths += x * x * x * x;
  }

  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourths / n, 3, 5 * std::sqrt(96.0 / n));
}

TEST(RandomStream, DrivesTheStandardLibrary) {
  RandomStream random(1, 1);
  std::vector<int> cards{1, 2, 3, 4, 5, 6, 7, 8};
  std::shuffle(cards.begin(), cards.end(), random);
  std::sort(cards.begin(), cards.end());

  EXPECT_EQ(cards, (std::vector{1, 2, 3, 4, 5, 6, 7, 8}));
  static_assert(std::uniform_random_bit_generator<RandomStream>);
}

}  // namespace
}  // namespace surd::base
