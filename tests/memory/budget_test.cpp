#include "surd/memory/budget.hpp"

#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"

namespace surd::memory {
namespace {

using base::GiB;
using base::KiB;
using base::MiB;

TEST(SqrtBudget, IsTwiceTheRootOfDataTimesBlockButAtLeast16MiB) {
  EXPECT_EQ(sqrt_budget(0, 256 * KiB), 16 * MiB);
  EXPECT_EQ(sqrt_budget(256 * MiB, 256 * KiB), 16 * MiB);
  EXPECT_EQ(sqrt_budget(1024 * GiB, 256 * KiB), GiB);
  EXPECT_EQ(sqrt_budget(4 * GiB, MiB), 128 * MiB);
  EXPECT_EQ(sqrt_budget(std::numeric_limits<std::uint64_t>::max(), MiB), std::uint64_t{1} << 43);
  EXPECT_EQ(sqrt_budget(std::numeric_limits<std::uint64_t>::max(), std::numeric_limits<std::uint64_t>::max()),
            std::uint64_t{1} << 63);
}

TEST(Budget, GivesWhatIsFreeUpToWhatIsWanted) {
  Budget budget(100);

  const auto first = budget.reserve(10, 70, "sorting");
  const auto second = budget.reserve(10, 70, "sorting");

  EXPECT_EQ(first.bytes(), 70U);
  EXPECT_EQ(second.bytes(), 30U);
  EXPECT_EQ(budget.used(), 100U);
  EXPECT_EQ(budget.peak(), 100U);
}

TEST(Budget, TakesAtLeastTheLeastEvenIfLessIsWanted) {
  Budget budget(100);

  EXPECT_EQ(budget.reserve(20, 10, "sorting").bytes(), 20U);
  EXPECT_EQ(budget.reserve(0, 0, "nothing").bytes(), 0U);
}

TEST(Budget, RefusesMoreThanItHasNamingPurposeAndNumbers) {
  Budget budget(64 * MiB);
  const auto taken = budget.reserve(60 * MiB, 60 * MiB, "the index");

  try {
    (void)budget.reserve(16 * MiB, 20 * MiB, "sorting");
    FAIL() << "reserved";
  } catch (const base::UsageError& error) {
    EXPECT_THAT(error.what(), testing::AllOf(testing::HasSubstr("sorting"), testing::HasSubstr("16.0 MiB"),
                                             testing::HasSubstr("60.0 MiB"), testing::HasSubstr("64.0 MiB"),
                                             testing::HasSubstr("--memory")));
  }
  EXPECT_EQ(budget.used(), 60 * MiB);
}

TEST(Reservation, GivesBackOnceHoweverItIsMoved) {
  Budget budget(100);
  {
    auto a = budget.reserve(30, 30, "a");
    auto b = budget.reserve(50, 50, "b");
    auto c = std::move(a);
    EXPECT_EQ(budget.used(), 80U);
    c = std::move(b);
    EXPECT_EQ(budget.used(), 50U);
    c = Reservation();
    EXPECT_EQ(budget.used(), 0U);
  }
  EXPECT_EQ(budget.used(), 0U);
  EXPECT_EQ(budget.peak(), 80U);
}

TEST(Budget, NeverGivesMoreThanItHasToManyThreads) {
  Budget budget(1000);
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&budget, t] {
      for (unsigned i = 0; i < 20'000; ++i) {
        const auto mine = budget.reserve(1, 1 + (i * 7 + t) % 250, "thread");
        EXPECT_LE(budget.used(), budget.bytes());
      }
    });
  }
  for (auto& thread : threads) thread.join();

  EXPECT_EQ(budget.used(), 0U);
  EXPECT_LE(budget.peak(), 1000U);
  EXPECT_GE(budget.peak(), 250U);
}

}  // namespace
}  // namespace surd::memory
