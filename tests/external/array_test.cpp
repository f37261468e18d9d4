#include "surd/external/array.hpp"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/peak_memory.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/base/random.hpp"
#include "surd/base/units.hpp"

namespace surd::test {
namespace {

using base::MiB;
using external::Array;
using testing::ElementsAre;

TEST(Array, OfTenHotElementsHoldsAHundred) {
  memory::Budget budget(MiB);
  RecordingFileSystem disk;
  Array<int> array(budget, 10, disk, "");
  for (int i = 0; i < 100; ++i) array.append(i);

  for (int i = 0; i < 100; ++i) EXPECT_EQ(array[static_cast<std::uint64_t>(i)], i);
  EXPECT_LE(array.hot(), 10U);
  EXPECT_GT(array.cold(), 0U);
  EXPECT_EQ(array.hot() + array.cold(), 100U);
  EXPECT_EQ(array.at(-1), 99);
  EXPECT_THAT(array.slice(10, 20), ElementsAre(10, 11, 12, 13, 14, 15, 16, 17, 18, 19));
  EXPECT_THAT(array.slice(-2, 1000), ElementsAre(98, 99));
  EXPECT_TRUE(array.slice(20, 10).empty());
  array.set(-1, -99);
  array.set(0, -1);
  EXPECT_EQ(array[99], -99);
  EXPECT_EQ(array[0], -1);
  EXPECT_THROW((void)array.at(100), base::UsageError);
  EXPECT_THROW((void)array.at(-101), base::UsageError);
  EXPECT_THROW((void)array[100], base::LogicError);
}

TEST(Array, KeepsAThousandOfTenThousandElementsHot) {
  memory::Budget budget(MiB);
  RecordingFileSystem disk;
  Array<std::uint64_t> array(budget, 1000, disk, "");
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    array.append(i * i);
    EXPECT_LE(array.hot(), 1000U);
  }
  std::uint64_t i = 0;
  for (const auto value : array) {
    EXPECT_EQ(value, i * i);
    ++i;
  }
  EXPECT_EQ(i, 10'000U);
}

TEST(Array, ReadsOneBlockForOneElement) {
  memory::Budget budget(MiB);
  RecordingFileSystem disk;
  Array<std::uint64_t> array(budget, 1000, disk, "");
  for (std::uint64_t i = 0; i < 10'000; ++i) array.append(i);
  const auto before = array.blocks_read();

  EXPECT_EQ(array[0], 0U);
  EXPECT_EQ(array.blocks_read(), before + 1);
  EXPECT_EQ(array[1], 1U);
  EXPECT_EQ(array[9999], 9999U);
  EXPECT_EQ(array.blocks_read(), before + 1);
}

TEST(Array, IsAVectorUnderRandomReadsAndWrites) {
  struct Wide {
    std::uint64_t a;
    char b[13];
  };
  memory::Budget budget(MiB);
  RecordingFileSystem disk;
  Array<Wide> array(budget, 64, disk, "");
  std::vector<std::uint64_t> expected;
  base::RandomStream random(7, 1);
  for (int step = 0; step < 20'000; ++step) {
    const auto value = random.below(UINT64_MAX);
    if (expected.empty() || random.below(5) == 0) {
      array.append({value, "x"});
      expected.push_back(value);
    }
    const auto i = static_cast<std::size_t>(random.below(expected.size()));
    if (random.below(2) == 0) {
      array.set(static_cast<std::int64_t>(i), {value, "y"});
      expected[i] = value;
    }
    const auto j = static_cast<std::size_t>(random.below(expected.size()));
    ASSERT_EQ(array[j].a, expected[j]);
  }
}

TEST(Array, MovesAndReportsAFullDisk) {
  memory::Budget budget(MiB);
  RecordingFileSystem disk;
  FailingFileSystem failing(disk, {.at = 4});
  Array<int> first(budget, 10, failing, "");
  first.append(5);
  auto array = std::move(first);
  EXPECT_EQ(array[0], 5);

  EXPECT_THROW(
      {
        for (int i = 0; i < 100; ++i) array.append(i);
      },
      base::IoError);
  EXPECT_THROW(Array<int>(budget, 1, failing, ""), base::UsageError);
  EXPECT_THROW(Array<int>(budget, 1'000'000, failing, ""), base::UsageError);
}

#ifndef __SANITIZE_ADDRESS__  // which has memory of its own
TEST(Array, TakesTheMemoryItWasGivenHoweverLongItIs) {
  constexpr std::uint64_t hot = MiB / 2;
  memory::Budget budget(8 * MiB);
  const auto peak = peak_memory([&] {
    Array<std::uint64_t> array(budget, hot, storage::local_file_system(),
                               std::filesystem::temp_directory_path());
    for (std::uint64_t i = 0; i < 8'000'000; ++i) array.append(i);
    for (std::uint64_t i = 0; i < 8'000'000; i += 1'000'003) EXPECT_EQ(array[i], i);
  });

  EXPECT_LT(peak, 5 * MiB);
  EXPECT_LT(budget.peak(), 5 * MiB);
}
#endif

}  // namespace
}  // namespace surd::test
