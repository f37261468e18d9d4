#include "surd/external/map.hpp"

#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "support/peak_memory.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"
#include "surd/base/random.hpp"
#include "surd/base/units.hpp"

namespace surd::test {
namespace {

using base::KiB;
using base::MiB;
using external::Map;
using external::TypedMap;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(Map, OfFiftyThousandKeysHoldsThemAllInLittleMemory) {
  memory::Budget budget(64 * KiB);
  RecordingFileSystem disk;
  TypedMap<std::uint64_t, std::uint64_t> map(budget, 64 * KiB, disk, "");
  for (std::uint64_t i = 0; i < 50'000; ++i) map.set(i, i * i);

  EXPECT_EQ(map.size(), 50'000U);
  for (std::uint64_t i = 0; i < 50'000; ++i) ASSERT_EQ(map.get(i), i * i) << i;
  EXPECT_FALSE(map.contains(50'000));
  EXPECT_GT(map.bytes().pages_read(), 10'000U);
  map.set(3, 33);
  EXPECT_EQ(map.get(3), 33U);
  EXPECT_EQ(map.size(), 50'000U);
  for (std::uint64_t i = 100; i < 50'000; ++i) EXPECT_TRUE(map.erase(i));
  EXPECT_FALSE(map.erase(100));
  const auto before = map.bytes().scratch_bytes();
  map.compact();
  EXPECT_LT(map.bytes().scratch_bytes(), before / 100);
  EXPECT_EQ(map.size(), 100U);
  std::uint64_t sum = 0;
  map.each(
      [&](std::uint64_t key, std::uint64_t value) { sum += value == (key == 3 ? 33 : key * key) ? 1U : 0U; });
  EXPECT_EQ(sum, 100U);
  EXPECT_EQ(budget.used(), budget.peak());
}

std::string random_text(base::RandomStream& random, std::uint64_t most) {
  std::string text(static_cast<std::size_t>(random.below(most + 1)), '\0');
  for (auto& c : text) c = static_cast<char>(random.below(256));
  return text;
}

TEST(Map, IsTheStandardOneUnderRandomChanges) {
  memory::Budget budget(128 * KiB);
  RecordingFileSystem disk;
  Map map(budget, 128 * KiB, disk, "");
  std::map<std::string, std::string> expected;
  base::RandomStream random(3, 1);
  for (int step = 0; step < 30'000; ++step) {
    auto key = std::to_string(random.below(4000));
    if (key.size() == 2) key += std::string(500, 'k');
    switch (random.below(8)) {
      case 0:
        EXPECT_EQ(map.erase(bytes_of(key)), expected.erase(key) > 0);
        break;
      case 1:
      case 2:
      case 3:
      case 4: {
        const auto value = random_text(random, random.below(50) == 0 ? 16 * KiB : 200);
        map.set(bytes_of(key), bytes_of(value));
        expected[key] = value;
        break;
      }
      default: {
        const auto value = map.get(bytes_of(key));
        const auto found = expected.find(key);
        ASSERT_EQ(value.has_value(), found != expected.end()) << key;
        ASSERT_EQ(value ? text_of(*value) : "", value ? found->second : "") << key;
      }
    }
    if (step % 10'000 == 9'999) map.compact();
    ASSERT_EQ(map.size(), expected.size());
  }
  std::map<std::string, std::string> visited;
  map.each([&](Map::Bytes key, Map::Bytes value) { visited[text_of(key)] = text_of(value); });
  EXPECT_EQ(visited, expected);
}

TEST(Map, TakesEmptyKeysAndValuesAndThoseOfTheGreatestSize) {
  memory::Budget budget(64 * KiB);
  RecordingFileSystem disk;
  Map map(budget, 64 * KiB, disk, "");
  const std::string long_key(512, 'k');
  const std::string long_value(8 * KiB, 'v');
  map.set({}, bytes_of(long_value));
  map.set(bytes_of(long_key), {});
  map.set(bytes_of("copy"), *map.get({}));
  map.set({}, *map.get({}));

  EXPECT_EQ(text_of(*map.get({})), long_value);
  EXPECT_EQ(text_of(*map.get(bytes_of("copy"))), long_value);
  EXPECT_EQ(text_of(*map.get(bytes_of(long_key))), "");
  EXPECT_THROW(map.set(bytes_of(long_key + "k"), {}), base::UsageError);
  EXPECT_THROW(map.set({}, bytes_of(long_value + "v")), base::UsageError);
  EXPECT_THROW(Map(budget, 63 * KiB, disk, ""), base::UsageError);
}

TEST(Map, ReportsAFullDisk) {
  for (const std::size_t at : {1U, 2U, 3U, 10U, 100U}) {
    memory::Budget budget(64 * KiB);
    RecordingFileSystem disk;
    FailingFileSystem failing(disk, {.at = at});
    TypedMap<std::uint64_t, std::uint64_t> map(budget, 64 * KiB, failing, "");
    EXPECT_THROW(
        {
          for (std::uint64_t i = 0; i < 50'000; ++i) map.set(i, i);
        },
        base::IoError);
  }
}

#ifndef __SANITIZE_ADDRESS__  // which has memory of its own
TEST(Map, TakesTheMemoryItWasGivenHoweverManyKeysThereAre) {
  memory::Budget budget(4 * MiB);
  const auto peak = peak_memory([&] {
    TypedMap<std::uint64_t, std::uint64_t> map(budget, 4 * MiB, storage::local_file_system(),
                                               std::filesystem::temp_directory_path());
    for (std::uint64_t i = 0; i < 600'000; ++i) map.set(i, i);
    for (std::uint64_t i = 0; i < 600'000; i += 1009) EXPECT_EQ(map.get(i), i);
    map.compact();
    EXPECT_EQ(map.get(599'999), 599'999U);
  });

  EXPECT_LT(peak, 5 * MiB);
}
#endif

}  // namespace
}  // namespace surd::test
