#include <cstring>
#include <vector>

#include <gtest/gtest.h>
#include <hwy/highway.h>
#include <xxhash.h>

#include "surd/base/random.hpp"
#include "surd/external/record.hpp"

namespace {

std::uint64_t by_xxhash(std::span<const std::uint64_t> words) {
  std::uint64_t sum = 0;
  for (const auto& word : words) sum += XXH3_64bits(&word, sizeof word);
  return sum;
}

TEST(Checksum, OfNumbersIsTheSumOfTheirHashesOnEveryInstructionSet) {
  const surd::external::RecordFormat format{8, {{surd::external::FieldType::u64, 0, 8, false}}};
  std::vector<std::uint64_t> words{
      0, 1, ~std::uint64_t{0}, std::uint64_t{1} << 63, 0xFFFFFFFF, 0xFFFFFFFF00000000};
  surd::base::RandomStream random(7, 0);
  while (words.size() < 1000) words.push_back(random());
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (const std::size_t first : {0UL, 1UL, 3UL}) {
      for (const std::size_t count :
           {0UL, 1UL, 2UL, 3UL, 7UL, 8UL, 9UL, 15UL, 16UL, 17UL, 63UL, 64UL, 997UL}) {
        const auto some = std::span(words).subspan(first, count);
        EXPECT_EQ(surd::external::checksum(format, std::as_bytes(some)), by_xxhash(some))
            << count << " from " << first << ", " << hwy::TargetName(target);
      }
    }
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

}  // namespace
