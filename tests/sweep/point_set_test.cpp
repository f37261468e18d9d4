#include "surd/sweep/point_set.hpp"

#include <iterator>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace surd::sweep {
namespace {

using Oracle = std::set<std::uint64_t>;

constexpr std::uint64_t block = std::uint64_t{1} << 24;

std::optional<sweep::Run> next_run(const Oracle& oracle, std::uint64_t position, std::uint64_t limit) {
  auto it = oracle.lower_bound(position);
  if (it == oracle.end()) return std::nullopt;
  sweep::Run run{*it, 0};
  while (it != oracle.end() && *it == run.end() && run.count < limit) {
    ++run.count;
    ++it;
  }
  return run;
}

std::uint64_t count_in(const Oracle& oracle, sweep::Run run) {
  return static_cast<std::uint64_t>(
      std::distance(oracle.lower_bound(run.first), oracle.lower_bound(run.end())));
}

void expect_same(const PointSet& set, const Oracle& oracle) {
  ASSERT_EQ(set.size(), oracle.size());
  ASSERT_EQ(set.empty(), oracle.empty());
  Oracle walked;
  for (auto run = set.next_run(0); run; run = set.next_run(run->end())) {
    for (auto i = run->first; i < run->end(); ++i) walked.insert(walked.end(), i);
  }
  ASSERT_EQ(walked, oracle);
}

/// Mostly short runs near the border of two blocks, so that they meet.
class PointSetMatchesStdSet : public testing::TestWithParam<unsigned> {
 protected:
  sweep::Run random_run() {
    const std::uint64_t first = block - 3000 + random_() % 6000;
    return {first, random_() % 3 == 0 ? random_() % 2500 : random_() % 6};
  }

  void change(PointSet& set, Oracle& oracle) {
    const auto run = random_run();
    switch (random_() % 5) {
      case 0:
      case 1:
        set.add(run);
        for (auto i = run.first; i < run.end(); ++i) oracle.insert(i);
        break;
      case 2:
        set.remove(run);
        oracle.erase(oracle.lower_bound(run.first), oracle.lower_bound(run.end()));
        break;
      default:
        set.add(run.first);
        oracle.insert(run.first);
    }
  }

  std::mt19937 random_{GetParam()};
};

TEST_P(PointSetMatchesStdSet, AfterAnyChanges) {
  PointSet set;
  Oracle oracle;
  for (int step = 0; step < 300; ++step) {
    change(set, oracle);
    const auto run = random_run();
    ASSERT_EQ(set.contains(run.first), oracle.contains(run.first));
    ASSERT_EQ(set.count_in(run), count_in(oracle, run));
    for (const std::uint64_t limit :
         {std::uint64_t{1}, std::uint64_t{5}, std::uint64_t{1100}, ~std::uint64_t{0}}) {
      ASSERT_EQ(set.next_run(run.first, limit), next_run(oracle, run.first, limit));
    }
  }
  expect_same(set, oracle);
}

TEST_P(PointSetMatchesStdSet, InSetOperations) {
  PointSet a;
  PointSet b;
  Oracle oracle_a;
  Oracle oracle_b;
  for (int step = 0; step < 40; ++step) change(a, oracle_a);
  for (int step = 0; step < 40; ++step) change(b, oracle_b);
  const auto apply = [&](auto operation, auto algorithm) {
    auto result = a;
    operation(result);
    Oracle expected;
    algorithm(oracle_a.begin(), oracle_a.end(), oracle_b.begin(), oracle_b.end(),
              std::inserter(expected, expected.end()));
    expect_same(result, expected);
    PointSet built;
    for (const auto i : expected) built.add(i);
    ASSERT_TRUE(result == built);
  };

  apply([&](auto& r) { r |= b; }, [](auto... x) { std::set_union(x...); });
  apply([&](auto& r) { r -= b; }, [](auto... x) { std::set_difference(x...); });
  apply([&](auto& r) { r &= b; }, [](auto... x) { std::set_intersection(x...); });
  EXPECT_EQ(a == b, oracle_a == oracle_b);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PointSetMatchesStdSet, testing::Range(0U, 40U));

TEST(PointSet, OfATrillionPositionsIsSmall) {
  const std::uint64_t all = 1'000'000'000'000;
  PointSet set({0, all});

  EXPECT_LT(set.memory_bytes(), 8U << 20);
  EXPECT_EQ(set.size(), all);
  EXPECT_EQ(set.next_run(0), (sweep::Run{0, all}));
  EXPECT_EQ(set.next_run(7, 1000), (sweep::Run{7, 1000}));

  set.remove({all / 2, 1});
  EXPECT_EQ(set.size(), all - 1);
  EXPECT_EQ(set.next_run(0), (sweep::Run{0, all / 2}));
  EXPECT_EQ(set.next_run(all / 2), (sweep::Run{all / 2 + 1, all / 2 - 1}));
  EXPECT_EQ(set.count_in({all / 2 - 1, 3}), 2U);
  set.add(all / 2);
  EXPECT_TRUE(set == PointSet({0, all}));
}

TEST(PointSet, OfFullBlocksEqualsOneBuiltInParts) {
  const PointSet whole({block, 2 * block});
  PointSet parts({block, block + 5});
  parts |= PointSet({2 * block, block});
  PointSet odd;
  for (std::uint64_t i = 0; i < 2 * block; i += block / 4) odd.add(sweep::Run{block + i, block / 4});

  EXPECT_TRUE(parts == whole);
  EXPECT_TRUE(odd == whole);
  parts -= whole;
  EXPECT_TRUE(parts.empty());
  odd &= PointSet({2 * block - 1, 2});
  EXPECT_EQ(odd.next_run(0), (sweep::Run{2 * block - 1, 2}));
}

TEST(PointSet, IgnoresEmptyRunsAndKeepsNothingWhenEmptied) {
  PointSet set({5, 0});
  set.remove({0, 100});
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.next_run(0), std::nullopt);
  set.add(3);
  set.remove({3, 1});
  EXPECT_TRUE(set.empty());
  EXPECT_TRUE(set == PointSet());
  set.add(3);
  EXPECT_EQ(set.next_run(0, 0), std::nullopt);
}

TEST(PointSet, FindsLongRunsAmongShortOnes) {
  PointSet set;
  for (std::uint64_t i = 0; i < 100'000; ++i) set.add(sweep::Run{i * 16, 8});
  set.add(sweep::Run{500'000, 1'000'000});
  EXPECT_EQ(set.next_run(499'999), (sweep::Run{500'000, 1'000'008}));  // It meets the short run behind it.
  EXPECT_EQ(set.next_run(1'499'999), (sweep::Run{1'499'999, 9}));
  EXPECT_EQ(set.next_run(0), (sweep::Run{0, 8}));
}

TEST(PointSet, MovedFromIsEmpty) {
  PointSet a({1, 2});
  const PointSet b = std::move(a);
  EXPECT_EQ(b.size(), 2U);
  a = PointSet({3, 4});
  EXPECT_EQ(a.size(), 4U);
}

}  // namespace
}  // namespace surd::sweep
