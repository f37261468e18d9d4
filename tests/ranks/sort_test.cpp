#include "surd/ranks/sort.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/rank_main.hpp"
#include "surd/base/random.hpp"

namespace surd::ranks {
namespace {

const mpi::Communicator& world() { return surd_test_session->world(); }

/// All ranks' values, in the order of ranks, on every rank.
template <class T>
std::vector<T> gather(const std::vector<T>& mine) {
  const auto counts = world().all_gather(mine.size());
  std::vector<T> all;
  for (int rank = 0; rank < world().size(); ++rank) {
    auto part = rank == world().rank() ? mine : std::vector<T>(counts[static_cast<std::size_t>(rank)]);
    world().broadcast(std::span<T>(part), rank);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

/// -0 before 0; NaNs last, whatever their sign.
template <class T>
bool less(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(a) || std::isnan(b)) return !std::isnan(a) && std::isnan(b);
    if (a == 0 && b == 0) return std::signbit(a) && !std::signbit(b);
  }
  return a < b;
}

template <class T>
void expect_sorted(std::vector<T> values, std::uint64_t exchange_bytes = 1 << 16) {
  auto expected = gather(values);
  std::sort(expected.begin(), expected.end(), less<T>);

  (void)sort(world(), values, exchange_bytes);

  const auto total = expected.size();
  const auto size = static_cast<std::size_t>(world().size());
  const auto rank = static_cast<std::size_t>(world().rank());
  EXPECT_EQ(values.size(), total * (rank + 1) / size - total * rank / size) << "the balance";
  const auto whole = gather(values);
  ASSERT_EQ(whole.size(), total);
  for (std::size_t i = 0; i < total; ++i) {
    const bool same = !less(whole[i], expected[i]) && !less(expected[i], whole[i]);
    ASSERT_TRUE(same) << "at " << i;
  }
}

struct Input {
  std::string name;
  std::function<std::vector<std::uint64_t>(std::size_t n, base::RandomStream& random)> make;
};

std::vector<std::uint64_t> fill(std::size_t n, const std::function<std::uint64_t(std::size_t)>& value) {
  std::vector<std::uint64_t> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = value(i);
  return values;
}

std::uint64_t zipf(base::RandomStream& random, double exponent) {
  return static_cast<std::uint64_t>(std::pow(random.uniform(), -1 / exponent));
}

std::vector<Input> inputs() {
  const auto rank = static_cast<std::uint64_t>(world().rank());
  const auto size = static_cast<std::uint64_t>(world().size());
  constexpr auto top = std::numeric_limits<std::uint64_t>::max();
  return {
      {"uniform", [](auto n, auto& r) { return fill(n, [&](auto) { return r(); }); }},
      {"gauss",
       [](auto n, auto& r) { return fill(n, [&](auto) { return (r() >> 2) + (r() >> 2) + (r() >> 2); }); }},
      {"zipf 0.8", [](auto n, auto& r) { return fill(n, [&](auto) { return zipf(r, 0.8); }); }},
      {"zipf 1.2", [](auto n, auto& r) { return fill(n, [&](auto) { return zipf(r, 1.2); }); }},
      {"all equal", [](auto n, auto&) { return fill(n, [](auto) { return 7U; }); }},
      {"two values", [](auto n, auto& r) { return fill(n, [&](auto) { return r() % 2 * top; }); }},
      {"sorted", [rank](auto n, auto&) { return fill(n, [&](auto i) { return rank * n + i; }); }},
      {"reverse", [rank](auto n, auto&) { return fill(n, [&](auto i) { return top - (rank * n + i); }); }},
      {"nearly sorted",
       [rank](auto n, auto& r) {
         return fill(n, [&](auto i) { return r() % 100 == 0 ? r() : (rank * n + i) << 40; });
       }},
      {"staggered",
       [rank, size](auto n, auto& r) {
         const auto place = rank < size / 2 ? 2 * rank + 1 : 2 * rank - size;
         return fill(n, [&](auto) { return (place % size) * (top / size) + r() / size; });
       }},
      {"duplicates of powers of two",
       [](auto n, auto&) { return fill(n, [](auto i) { return std::bit_width(i); }); }},
      {"lowest and highest keys",
       [](auto n, auto& r) { return fill(n, [&](auto) { return r() % 3 == 0 ? 0 : top - r() % 2; }); }},
      {"dense with one far key",
       [rank](auto n, auto&) { return fill(n, [&](auto i) { return i == 0 ? top - rank : i; }); }},
  };
}

TEST(DistributedSort, GivesEqualPartsOfTheSortedWhole) {
  for (const auto& input : inputs()) {
    for (const std::size_t n : {1U, 2U, 100U, 4096U, 30'000U}) {
      SCOPED_TRACE(input.name + " of " + std::to_string(n));
      base::RandomStream random(17, static_cast<std::uint64_t>(world().rank()));
      expect_sorted(input.make(n, random));
    }
  }
}

TEST(DistributedSort, TakesAnyDivisionOverRanks) {
  const auto rank = static_cast<std::size_t>(world().rank());
  const auto last = static_cast<std::size_t>(world().size() - 1);
  for (const auto& input : inputs()) {
    SCOPED_TRACE(input.name);
    base::RandomStream random(18, rank);
    expect_sorted(input.make(rank == 0 ? 20'000 : 0, random));
    expect_sorted(input.make(rank == last ? 20'000 : 0, random));
    expect_sorted(input.make(rank % 2 == 0 ? 5'000 : 0, random));
    expect_sorted(input.make(rank * 3'000 + rank % 3, random));
  }
}

TEST(DistributedSort, TakesFewerValuesThanRanks) {
  for (std::size_t holders = 0; holders <= static_cast<std::size_t>(world().size()); ++holders) {
    const auto rank = static_cast<std::size_t>(world().rank());
    expect_sorted(std::vector<std::uint64_t>(rank < holders ? 1 : 0, 100 - rank));
  }
}

TEST(DistributedSort, MovesKeysOneByOneIfTheExchangeIsThatSmall) {
  base::RandomStream random(19, static_cast<std::uint64_t>(world().rank()));
  expect_sorted(fill(500, [&](auto) { return random(); }), 1);
}

template <class T>
void expect_sorted_bits(const std::vector<T>& special) {
  base::RandomStream random(20, static_cast<std::uint64_t>(world().rank()));
  std::vector<T> values(9'000);
  for (auto& value : values) {
    const auto bits = random();
    std::memcpy(&value, &bits, sizeof value);
    if (bits % 5 == 0) value = special[random() % special.size()];
  }
  expect_sorted(values);
}

TEST(DistributedSort, TakesAllTypes) {
  expect_sorted_bits<std::uint32_t>({0, 1, std::numeric_limits<std::uint32_t>::max()});
  expect_sorted_bits<std::int32_t>({0, -1, std::numeric_limits<std::int32_t>::min()});
  expect_sorted_bits<std::int64_t>({0, -1, std::numeric_limits<std::int64_t>::min()});
  const auto infinity = std::numeric_limits<double>::infinity();
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  expect_sorted_bits<double>({0.0, -0.0, infinity, -infinity, nan, -nan});
  expect_sorted_bits<float>({0.0F, -0.0F, std::numeric_limits<float>::infinity(),
                             -std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN(),
                             -std::numeric_limits<float>::quiet_NaN()});
}

TEST(DistributedSort, KeepsTheBitsOfNaNs) {
  std::vector<std::uint64_t> bits{0x7FF0'0000'0000'0001, 0xFFF0'0000'0000'0001, 0xFFFF'FFFF'FFFF'FFFF,
                                  0x8000'0000'0000'0000, 0xFFF0'0000'0000'0000, 0x0000'0000'0000'0001};
  std::vector<double> values;
  for (const auto pattern : bits) values.push_back(std::bit_cast<double>(pattern));

  (void)sort(surd_test_session->self(), values);

  EXPECT_EQ(std::bit_cast<std::uint64_t>(values[0]), 0xFFF0'0000'0000'0000) << "-infinity comes first";
  std::vector<std::uint64_t> kept;
  for (const auto value : values) kept.push_back(std::bit_cast<std::uint64_t>(value));
  EXPECT_TRUE(std::is_permutation(kept.begin(), kept.end(), bits.begin(), bits.end()));
}

}  // namespace
}  // namespace surd::ranks
