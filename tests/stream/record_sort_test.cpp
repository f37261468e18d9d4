#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "scratch_test_folder.hpp"
#include "surd/base/random.hpp"

namespace surd::stream {
namespace {

constexpr std::uint64_t MiB = 1 << 20;

/// Records of 16 bytes: a key below `keys`, and the number of the record.
std::string records(std::size_t count, std::uint64_t keys, std::uint64_t first) {
  base::RandomStream random(7, first);
  std::string bytes;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::array<std::uint64_t, 2> record{random.below(keys), first + i};
    bytes.append(reinterpret_cast<const char*>(record.data()), sizeof record);
  }
  return bytes;
}

std::string sorted(const std::string& bytes) {
  std::vector<std::array<std::uint64_t, 2>> all(bytes.size() / 16);
  std::memcpy(all.data(), bytes.data(), bytes.size());
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a[0] < b[0]; });
  return {reinterpret_cast<const char*>(all.data()), bytes.size()};
}

RecordSort sort_of(const ScratchTestFolder& folder, std::vector<std::string> inputs) {
  RecordSort sort;
  sort.inputs = std::move(inputs);
  sort.format.record_bytes = 16;
  sort.format.key.push_back({.type = external::FieldType::u64, .offset = 0, .bytes = 8});
  sort.output = folder.path() / "out.bin";
  return sort;
}

TEST(RecordSort, EqualsAStableSortForAnyOrderOfUnits) {
  const ScratchTestFolder folder;
  std::vector<std::string> inputs;
  std::string all;
  for (const std::size_t count :
       std::array<std::size_t, 10>{300'000, 1, 0, 12'500, 12'501, 30'000, 25'000, 2, 3, 100'001}) {
    const auto content = records(count, 1000, all.size() / 16);
    inputs.push_back(folder.write(std::to_string(inputs.size()) + ".bin", content));
    all += content;
  }
  const auto sort = sort_of(folder, inputs);
  CompileOptions options;
  options.memory_bytes = 8 * MiB;
  const Cut cut{.unit_bytes = 200'000, .memory_bytes = 8 * MiB, .partitions = 16};

  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const auto job = compile(sort, options, cut, storage::local_file_system());
    const auto summary = run_scattered(*job, folder.path(), options.memory_bytes, seed);

    EXPECT_EQ(summary.rows, all.size() / 16);
    EXPECT_EQ(summary.bytes, all.size());
    ASSERT_TRUE(folder.read("out.bin") == sorted(all)) << "seed " << seed;
  }
}

TEST(RecordSort, TakesGlobsAndEachFileOnce) {
  const ScratchTestFolder folder;
  const auto a = records(100, 50, 0);
  const auto b = records(70, 50, 100);
  const auto first = folder.write("a.bin", a);
  (void)folder.write("b.bin", b);
  const auto sort = sort_of(folder, {first, folder.path() / "?.bin"});
  CompileOptions options;
  options.memory_bytes = 8 * MiB;
  const auto job = compile(sort, options, storage::local_file_system());

  EXPECT_EQ(run_scattered(*job, folder.path(), options.memory_bytes, 1).rows, 170U);
  EXPECT_EQ(folder.read("out.bin"), sorted(a + b));
}

TEST(RecordSort, TakesNothingAndOneRecord) {
  const ScratchTestFolder folder;
  CompileOptions options;
  options.memory_bytes = 8 * MiB;
  for (const std::size_t count : {0U, 1U}) {
    const auto content = records(count, 10, 0);
    const auto job =
        compile(sort_of(folder, {folder.write("a.bin", content)}), options, storage::local_file_system());

    EXPECT_EQ(run_here(*job, storage::local_file_system(), folder.path(), 8 * MiB).rows, count);
    EXPECT_EQ(folder.read("out.bin"), content);
  }
}

TEST(RecordSort, RefusesPartsOfRecordsAndLessMemoryThanItWasBegunWith) {
  const ScratchTestFolder folder;
  CompileOptions options;
  options.memory_bytes = 8 * MiB;
  auto& files = storage::local_file_system();
  const auto torn = sort_of(folder, {folder.write("torn.bin", "12345678901234567")});
  const auto whole = sort_of(folder, {folder.write("whole.bin", "1234567890123456")});

  EXPECT_THROW(static_cast<void>(compile(torn, options, files)), base::UsageError);
  (void)folder.write("packed.bin.gz", "1234567890123456");
  const auto packed = sort_of(folder, {folder.path() / "packed*"});
  EXPECT_THROW(static_cast<void>(compile(packed, options, files)), base::UsageError);
  const Cut cut{.unit_bytes = 1 * MiB, .memory_bytes = 16 * MiB, .partitions = 16};
  EXPECT_THROW(static_cast<void>(compile(whole, options, cut, files)), base::UsageError);
  EXPECT_EQ(parse_cut(to_text(cut)), cut);
}

TEST(RecordSort, MergesLongRecordsInAsManyPassesAsTheyTake) {
  const ScratchTestFolder folder;
  std::string bytes;
  for (std::uint64_t i = 0; i < 60; ++i) {
    std::string record(1 * MiB, static_cast<char>('a' + i));
    const auto key = i * 37 % 60;
    std::memcpy(record.data(), &key, sizeof key);
    bytes += record;
  }
  auto sort = sort_of(folder, {folder.write("a.bin", bytes)});
  sort.format.record_bytes = 1 * MiB;
  auto& files = storage::local_file_system();
  CompileOptions options;
  options.memory_bytes = 4 * MiB;
  EXPECT_THROW(static_cast<void>(compile(sort, options, files)), base::UsageError);
  options.memory_bytes = plan(sort, {.memory_bytes = 8 * MiB}, files).least_memory;
  EXPECT_LE(options.memory_bytes, 8 * MiB);

  const auto job = compile(sort, options, files);

  EXPECT_EQ(run_scattered(*job, folder.path(), options.memory_bytes, 1).rows, 60U);
  const auto result = folder.read("out.bin");
  ASSERT_EQ(result.size(), bytes.size());
  for (std::uint64_t i = 0; i < 60; ++i) {
    std::uint64_t key = 0;
    std::memcpy(&key, result.data() + i * MiB, sizeof key);
    ASSERT_EQ(key, i);
    ASSERT_EQ(result.substr(i * MiB + 8, MiB - 8), bytes.substr(i * 13 % 60 * MiB + 8, MiB - 8)) << i;
  }
}

}  // namespace
}  // namespace surd::stream
