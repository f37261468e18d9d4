// Random damage below right checksums, for five seconds; fuzz_memo.cpp does it guided by coverage.
#include <chrono>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"
#include "sweep/memo_attack.hpp"

namespace surd::test {
namespace {

void mutate(std::string& payload, base::RandomStream& random) {
  for (auto changes = 1 + random.below(4); changes > 0; --changes) {
    const auto at = payload.empty() ? 0 : random.below(payload.size());
    switch (random.below(5)) {
      case 0:
        if (!payload.empty()) payload[at] = static_cast<char>(random());
        break;
      case 1:
        if (!payload.empty()) payload[at] = static_cast<char>(payload[at] ^ (1 << random.below(8)));
        break;
      case 2:
        payload.insert(at, std::string(1 + random.below(9), random.below(2) == 0 ? '\xFF' : '\0'));
        break;
      case 3:
        payload.erase(at, random.below(9));
        break;
      default:
        payload.resize(at);
    }
  }
}

TEST(MemoFuzz, NothingStoredCanBreakAReader) {
  const auto sample = sample_records();
  base::RandomStream random(2026, 1);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  constexpr std::size_t least_rounds = 501;  // however slow a sanitizer makes them
  std::size_t rounds = 0;
  for (; rounds < least_rounds || std::chrono::steady_clock::now() < end; ++rounds) {
    auto records = sample;
    for (auto n = 1 + random.below(3); n > 0; --n)
      mutate(records[random.below(records.size())].second, random);
    if (random.below(4) == 0)
      std::swap(records[random.below(records.size())], records[random.below(records.size())]);
    if (random.below(4) == 0)
      records[random.below(records.size())].first = static_cast<std::uint8_t>(random.below(6));
    SCOPED_TRACE(rounds);
    ASSERT_NO_THROW(read_in_every_way(forge(records)));
  }
  EXPECT_GT(rounds, 500U);
}

}  // namespace
}  // namespace surd::test
