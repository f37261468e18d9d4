// The first n records of an order.
#include "surd/external/top_n.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"

namespace {

using namespace surd;
using Record = std::pair<std::string, std::string>;

std::span<const std::byte> bytes(const std::string& text) { return std::as_bytes(std::span(text)); }

std::vector<Record> random_records(std::size_t count, std::size_t rest_bytes, std::uint64_t keys) {
  base::RandomStream random(count, keys);
  std::vector<Record> records;
  for (std::size_t i = 0; i < count; ++i) {
    records.emplace_back("key" + std::to_string(random.below(keys)),
                         std::to_string(i) + std::string(random.below(rest_bytes), '.'));
  }
  return records;
}

void expect_first(const std::vector<Record>& records, std::uint64_t n, std::uint64_t memory, bool sorts) {
  memory::Budget budget(memory);
  external::TopN top(external::RecordFormat{}, n, budget, memory, storage::local_file_system(),
                     std::filesystem::temp_directory_path());
  for (const auto& [key, rest] : records) top.push(bytes(key), bytes(rest));
  EXPECT_EQ(top.sorts(), sorts);
  auto expected = records;
  std::ranges::stable_sort(expected, {}, &Record::first);
  expected.resize(std::min<std::size_t>(expected.size(), n));

  const auto stream = std::move(top).finish();

  std::size_t i = 0;
  for (auto block = stream->next(); !block.empty(); block = stream->next()) {
    while (!block.empty()) {
      ASSERT_LT(i, expected.size());
      const auto size = external::record_size(external::RecordFormat{}, block.data());
      const std::string held(reinterpret_cast<const char*>(block.data()) + 8, size - 8);
      ASSERT_EQ(held, expected[i].first + expected[i].second);
      block = block.subspan(size);
      ++i;
    }
  }
  EXPECT_EQ(i, expected.size());
}

TEST(TopN, GivesTheFirstOfAStableSort) {
  for (const std::uint64_t n : {0U, 1U, 10U, 1000U}) {
    expect_first(random_records(50'000, 30, 5000), n, 1 << 20, false);
  }
  expect_first(random_records(50'000, 30, 1), 100, 1 << 20, false);
  expect_first(random_records(90, 30, 5), 100, 1 << 20, false);
}

TEST(TopN, SortsWhereTheRecordsDoNotFit) {
  expect_first(random_records(100'000, 200, 100'000), 60'000, 4 << 20, true);
  expect_first(random_records(100'000, 200, 7), 100'000, 4 << 20, true);
}

}  // namespace
