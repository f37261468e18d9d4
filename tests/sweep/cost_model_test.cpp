#include "surd/sweep/cost_model.hpp"

#include <cmath>

#include <gtest/gtest.h>

#include "grid_support.hpp"
#include "surd/base/random.hpp"

namespace surd::sweep {
namespace {

/// The axis is so long that all points have the same estimate.
const Definition even = make_definition(R"({"axes": {"x": {"range": 100000}}})");

TEST(CostModel, LearnsTheMean) {
  CostModel model(even, "");
  EXPECT_LT(model.estimate(0), 0);
  model.observe(0, 1);
  model.observe(7, 3);
  EXPECT_DOUBLE_EQ(model.estimate(9), 2);
}

TEST(CostModel, LearnsWhatAnAxisDoes) {
  const auto grid = make_definition(R"({"axes": {"size": {"range": 4}, "seed": {"range": 100}}})");
  CostModel model(grid, "");
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (std::uint64_t size = 0; size < 4; ++size)
      model.observe(size * 100 + seed, std::pow(2.0, static_cast<double>(size)));
  }
  EXPECT_NEAR(model.estimate(90), 1, 0.1);
  EXPECT_NEAR(model.estimate(390), 8, 0.2);
}

TEST(CostModel, SpreadIsWhatOnePointInTwentyExceeds) {
  base::RandomStream random(3, 1);
  CostModel model(even, "");
  const auto seconds = [&] { return std::exp(0.5 * random.normal()); };
  for (std::uint64_t x = 0; x < 4000; ++x) model.observe(x, seconds());

  int exceeded = 0;
  for (std::uint64_t x = 4000; x < 14'000; ++x)
    exceeded += seconds() > model.estimate(x) * model.spread() ? 1 : 0;

  EXPECT_GT(exceeded, 100);
  EXPECT_LT(exceeded, 700);
}

TEST(CostModel, ShortPointsDoNotMakeOthersSeemLong) {
  CostModel model(even, "");
  for (std::uint64_t x = 0; x < 8; ++x) model.observe(x, 0.2);
  for (std::uint64_t x = 8; x < 60; ++x) model.observe(x, 2e-5);
  EXPECT_LT(model.estimate(60) * model.spread(), 1);
}

}  // namespace
}  // namespace surd::sweep
