// Sums of floats that do not depend on the order of addition.
#include "surd/external/float_sum.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"

namespace {

using surd::base::RandomStream;
using surd::external::FloatMoments;
using surd::external::FloatSum;

std::uint64_t bits(double value) { return std::bit_cast<std::uint64_t>(value); }

/// Any finite double, all exponents alike.
double any_double(RandomStream& random) {
  for (;;) {
    const auto value = std::bit_cast<double>(random());
    if (std::isfinite(value)) return value;
  }
}

FloatSum sum_of(const std::vector<double>& values) {
  FloatSum sum;
  for (const double value : values) sum.add(value);
  return sum;
}

/// Merges sums of stretches cut at random, in random order.
FloatSum tree_sum(std::vector<double> values, RandomStream& random) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i)]);
  std::vector<FloatSum> parts(1 + random.below(9));
  for (const double value : values) parts[random.below(parts.size())].add(value);
  while (parts.size() > 1) {
    const auto last = parts.back();
    parts.pop_back();
    parts[random.below(parts.size())].merge(last);
  }
  return parts[0];
}

TEST(FloatSum, HasAMeanWhereTheSumIsBeyondDoubles) {
  surd::external::FloatSum sum;
  for (int i = 0; i < 3; ++i) sum.add(-1e308);
  EXPECT_EQ(sum.finish(), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(sum.mean(3), -1e308);
  sum.add(std::numeric_limits<double>::infinity());
  EXPECT_EQ(sum.mean(4), std::numeric_limits<double>::infinity());
}

TEST(FloatSum, HasTheSameBitsForAnyOrderAndAnyTree) {
  RandomStream random(5, 1);
  for (int round = 0; round < 300; ++round) {
    std::vector<double> values(1 + random.below(60));
    const auto kind = random.below(3);
    for (auto& value : values) {
      value = kind == 0   ? any_double(random)
              : kind == 1 ? random.normal()
                          : std::ldexp(random.normal(), static_cast<int>(random.below(200)) - 100);
    }
    const auto expected = bits(sum_of(values).finish());
    for (int tree = 0; tree < 10; ++tree) ASSERT_EQ(bits(tree_sum(values, random).finish()), expected);
  }
}

TEST(FloatSum, RoundsTheExactSum) {
  RandomStream random(6, 1);
  for (int round = 0; round < 2000; ++round) {
    // Integers below 2^52 scaled alike: exact in a 128-bit integer.
    const int scale = static_cast<int>(random.below(1800)) - 900;
    std::vector<double> values(1 + random.below(40));
    __extension__ __int128 exact = 0;
    for (auto& value : values) {
      const auto whole = static_cast<std::int64_t>(random() >> 1) >> random.below(40) >> 11;
      const auto number = random.below(2) == 0 ? whole : -whole;
      exact += number;
      value = std::ldexp(static_cast<double>(number), scale);
    }
    ASSERT_EQ(bits(sum_of(values).finish() + 0.0), bits(std::ldexp(static_cast<double>(exact), scale)));
  }
}

TEST(FloatSum, IsFarMoreExactThanDoubles) {
  RandomStream random(7, 1);
  FloatSum sum;
  long double reference = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const double value = random.uniform();
    sum.add(value);
    reference += static_cast<long double>(value);
  }
  EXPECT_NEAR(sum.finish(), static_cast<double>(reference), 1e-9);
}

TEST(FloatSum, CancelsExactly) {
  EXPECT_EQ(sum_of({1e16, 1, -1e16}).finish(), 1);
  EXPECT_EQ(sum_of({1e300, 1e290, -1e300}).finish(), 1e290);
  EXPECT_EQ(bits(sum_of({3.5, -3.5}).finish()), bits(0.0));
  EXPECT_EQ(bits(sum_of({-0.0, -0.0}).finish()), bits(0.0));
}

TEST(FloatSum, KeepsDenormalsAndOverflowsToInfinity) {
  const double tiny = std::numeric_limits<double>::denorm_min();
  EXPECT_EQ(sum_of({tiny, tiny, tiny}).finish(), 3 * tiny);
  EXPECT_EQ(sum_of({DBL_MIN, -tiny}).finish(), DBL_MIN - tiny);
  EXPECT_EQ(sum_of({DBL_MAX, DBL_MAX}).finish(), HUGE_VAL);
  EXPECT_EQ(sum_of({DBL_MAX, DBL_MAX, -DBL_MAX}).finish(), DBL_MAX);
  EXPECT_EQ(sum_of({-DBL_MAX}).finish(), -DBL_MAX);
  EXPECT_EQ(sum_of({}).finish(), 0);
}

TEST(FloatSum, CountsInfinitiesAndNansApart) {
  EXPECT_EQ(sum_of({1, HUGE_VAL, -1e308}).finish(), HUGE_VAL);
  EXPECT_EQ(sum_of({-HUGE_VAL, 5}).finish(), -HUGE_VAL);
  EXPECT_TRUE(std::isnan(sum_of({HUGE_VAL, -HUGE_VAL}).finish()));
  EXPECT_TRUE(std::isnan(sum_of({1, NAN, 2}).finish()));
}

TEST(FloatMoments, FindTheVarianceOfValuesFarFromZero) {
  FloatMoments moments;
  for (const double value : {1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16}) moments.add(value);
  EXPECT_DOUBLE_EQ(moments.variance(4), 30);

  FloatMoments equal;
  for (int i = 0; i < 7; ++i) equal.add(0.1);
  EXPECT_NEAR(equal.variance(7), 0, 1e-30);
}

}  // namespace
