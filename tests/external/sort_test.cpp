// The whole sort on one rank against std::stable_sort: every input, every kind of record, little memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "sort_support.hpp"
#include "surd/base/error.hpp"

namespace sort_test {
namespace {

using surd::external::FieldType;
using surd::external::plan_sort;
using surd::external::RecordFormat;

RecordFormat scalar(FieldType type, bool descending = false) {
  const auto bytes = static_cast<std::uint32_t>(surd::external::field_bytes(type));
  return {bytes, {{type, 0, bytes, descending}}};
}

/// Sorted right with the least memory, with some more, and without spilling.
void check(const RecordFormat& format, const Bytes& records, std::uint64_t least, const std::string& what) {
  SCOPED_TRACE(what);
  const auto wanted = expected(format, records);
  for (const auto memory : {least, 2 * least + 4321, least + 4 * records.size() + (1 << 20)}) {
    SCOPED_TRACE(memory);
    const auto sorted = sort(format, records, memory);
    EXPECT_TRUE(sorted.records == wanted);
    if (memory > 4 * records.size()) {
      EXPECT_EQ(sorted.runs, 0U);
    }
    if (memory < records.size() / 2) {
      EXPECT_GT(sorted.runs, 1U);
    }
  }
}

void check(const RecordFormat& format, const Bytes& records, const std::string& what) {
  check(format, records, plan_sort(0, format, 1 << 30).least_memory, what);
}

/// A record of `bytes` with `key` at `offset`, the input position behind it, and noise.
Bytes records_with(const std::vector<std::uint64_t>& keys, std::size_t bytes, std::size_t offset) {
  Bytes all(keys.size() * bytes);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    auto* const record = all.data() + i * bytes;
    for (std::size_t b = 0; b < bytes; ++b) record[b] = static_cast<std::byte>(i * 31 + b);
    std::memcpy(record + offset, &keys[i], std::min<std::size_t>(8, bytes - offset));
  }
  return all;
}

TEST(Sort, OrdersNumbersOfEveryDistribution) {
  for (const auto& name : distributions()) {
    for (const auto n : {0U, 1U, 2U, 100U, 100'000U}) {
      check(scalar(FieldType::u64), bytes_of(keys(name, n)), name);
    }
    std::vector<std::uint32_t> narrow;
    for (const auto key : keys(name, 70'000)) narrow.push_back(static_cast<std::uint32_t>(key));
    check(scalar(FieldType::u32), bytes_of(narrow), name);
    check(scalar(FieldType::i32, true), bytes_of(narrow), name + " descending");
  }
}

TEST(Sort, OrdersSignedNumbersAndFloats) {
  surd::base::RandomStream random(1, 2);
  std::vector<double> floats{std::nan(""), -std::nan(""), -0.0, 0.0, INFINITY, -INFINITY, 5e-324, -5e-324};
  std::vector<float> narrow{std::nanf(""), -0.0F, 0.0F, INFINITY, -INFINITY};
  std::vector<std::int64_t> integers{std::numeric_limits<std::int64_t>::min(),
                                     std::numeric_limits<std::int64_t>::max(), 0, -1};
  for (int i = 0; i < 100'000; ++i) {
    floats.push_back(i % 10 == 0 ? floats[random.below(8)] : std::bit_cast<double>(random()));
    narrow.push_back(i % 10 == 0 ? narrow[random.below(5)] : static_cast<float>(random.normal()));
    integers.push_back(static_cast<std::int64_t>(random()));
  }
  for (const bool descending : {false, true}) {
    check(scalar(FieldType::f64, descending), bytes_of(floats), "f64");
    check(scalar(FieldType::f32, descending), bytes_of(narrow), "f32");
    check(scalar(FieldType::i64, descending), bytes_of(integers), "i64");
  }
  const auto sorted = sort(scalar(FieldType::f64), bytes_of(floats), 1 << 20).records;
  std::vector<double> values(floats.size());
  std::memcpy(values.data(), sorted.data(), sorted.size());
  EXPECT_EQ(values.front(), -INFINITY);
  EXPECT_TRUE(std::isnan(values.back()));
  for (std::size_t i = 1; i < values.size(); ++i) ASSERT_FALSE(values[i - 1] > values[i]) << i;
}

TEST(Sort, KeepsEqualRecordsInTheirOrder) {
  for (const auto& name : distributions()) {
    check({12, {{FieldType::u64, 0, 8, false}}}, records_with(keys(name, 30'000), 12, 0), name + " 12 B");
    check({100, {{FieldType::bytes, 3, 10, false}}}, records_with(keys(name, 4'000), 100, 3),
          name + " 100 B");
    check({16, {{FieldType::u16, 4, 2, true}, {FieldType::i64, 8, 8, false}}},
          records_with(keys(name, 20'000), 16, 8), name + " two fields");
  }
  check({100, {{FieldType::bytes, 90, 10, true}, {FieldType::f32, 0, 4, true}, {FieldType::i8, 7, 1, false}}},
        records_with(keys("zipf", 8'000), 100, 88), "three fields");
  check({4, {}}, records_with(keys("uniform", 50'000), 4, 0), "4 bytes");
  check({8, {{FieldType::bytes, 0, 8, true}}}, records_with(keys("zipf", 50'000), 8, 0),
        "8 bytes descending");
  check({5, {{FieldType::u8, 4, 1, false}}}, records_with(keys("uniform", 50'000), 5, 0), "one byte of five");
}

TEST(Sort, TakesRecordsOfAMebibyte) {
  constexpr std::uint32_t size = 1 << 20;
  check({size, {{FieldType::u64, 1000, 8, false}}}, records_with(keys("uniform", 20), size, 1000), "1 MiB");
  check({size, {}}, records_with(keys("reverse", 12), size, size - 8), "all bytes count");
}

Bytes texts(std::size_t n, const std::function<std::string(std::size_t, surd::base::RandomStream&)>& key) {
  surd::base::RandomStream random(3, n);
  Bytes all;
  for (std::size_t i = 0; i < n; ++i) put_record(all, key(i, random), std::to_string(i));
  return all;
}

TEST(Sort, OrdersByteStringsWithSharedPrefixesAndZeros) {
  const RecordFormat format;
  const auto random_text = [](std::size_t most, std::uint64_t letters) {
    return [=](std::size_t, surd::base::RandomStream& random) {
      std::string text(random.below(most + 1), '\0');
      for (auto& c : text) c = static_cast<char>(random.below(letters));
      return text;
    };
  };
  check(format, texts(20'000, random_text(20, 256)), "any bytes");
  check(format, texts(20'000, random_text(30, 2)), "zeros and ones");
  check(format, texts(20'000, random_text(40, 1)), "zeros only");
  check(format, texts(5'000, [](auto, auto&) { return std::string(); }), "empty");
  check(format,
        texts(5'000,
              [](auto i, auto& r) {
                return std::string(100, 'x') + (r.below(9) > 0 ? std::to_string(r.below(i + 1)) : "");
              }),
        "shared prefix of 100 bytes");
  check(format, texts(3'000, [](auto i, auto&) { return std::string(i % 1000, 'a'); }),
        "prefixes of each other");
  check(format,
        texts(20'000, [](auto, auto& r) { return std::string(8, 'p') + static_cast<char>(r.below(3)); }),
        "many ties");
}

TEST(Sort, TakesByteStringsLongerThanABlock) {
  surd::base::RandomStream random(9, 9);
  Bytes all;
  for (int i = 0; i < 60; ++i) {
    const auto size = random.below(4) == 0 ? random.below(1 << 20) : random.below(100);
    put_record(all, std::string(size, static_cast<char>('a' + random.below(2))), std::to_string(i));
  }
  check({}, all, 8 << 20, "up to 1 MiB");
}

TEST(Sort, MergesInSeveralPassesWithLittleMemory) {
  const auto format = scalar(FieldType::u64);
  const auto least = plan_sort(0, format, 1 << 30).least_memory;
  const auto input = bytes_of(keys("uniform", 1'000'000));
  const auto plan = plan_sort(input.size(), format, least);
  EXPECT_GT(plan.merge_passes, 3U);
  EXPECT_GE(plan.fan_in, 2U);

  const auto sorted = sort(format, input, least);

  EXPECT_EQ(sorted.runs, plan.runs - 1);  // the last one is spilled by merge()
  EXPECT_TRUE(sorted.records == expected(format, input));
}

TEST(Sort, FillsALargeBufferByHalvesOnceItWasFull) {
  constexpr std::uint64_t memory_bytes = 18 << 20;
  const auto numbers = keys("uniform", 6'000'000);
  const auto input = bytes_of(numbers);
  auto ordered = numbers;
  std::sort(ordered.begin(), ordered.end());
  const auto plan = plan_sort(input.size(), scalar(FieldType::u64), memory_bytes);
  EXPECT_LT(plan.run_bytes, memory_bytes / 2);

  const auto sorted = sort(scalar(FieldType::u64), input, memory_bytes);

  EXPECT_EQ(sorted.runs, plan.runs - 1);
  EXPECT_TRUE(sorted.records == bytes_of(ordered));
  EXPECT_EQ(sort(scalar(FieldType::u64), {input.begin(), input.begin() + (16 << 20)}, memory_bytes).runs, 0U);
}

TEST(Sort, PlanSaysWhatHappens) {
  const RecordFormat format{100, {{FieldType::bytes, 0, 10, false}}};
  const auto plan = plan_sort(2'000'000'000, format, 64 << 20);
  EXPECT_EQ(plan.merge_passes, 1U);
  EXPECT_GE(plan.fan_in, plan.runs);
  EXPECT_EQ(plan.moved_bytes, 8'000'000'000U);
  EXPECT_EQ(plan_sort(1 << 20, format, 64 << 20).runs, 0U);
  EXPECT_EQ(plan_sort(std::uint64_t{1} << 40, format, 4ULL << 30).merge_passes, 1U);
  EXPECT_GT(plan_sort(std::uint64_t{1} << 40, format, 8 << 20).merge_passes, 1U);
  EXPECT_THROW((void)plan_sort(1, format, plan.least_memory - 1), surd::base::UsageError);
}

TEST(Sort, RefusesWhatItCannotSort) {
  EXPECT_THROW(sort({3, {}}, {}, 1 << 20), surd::base::UsageError);
  EXPECT_THROW(sort({8, {{FieldType::u64, 4, 8, false}}}, {}, 1 << 20), surd::base::UsageError);
  EXPECT_THROW(sort({8, {{FieldType::u32, 0, 8, false}}}, {}, 1 << 20), surd::base::UsageError);
  const Scratch scratch;
  surd::memory::Budget budget(1 << 20);
  surd::external::Sorter sorter({12, {}}, budget, 1 << 20, surd::storage::local_file_system(),
                                scratch.path());
  EXPECT_THROW(sorter.push(Bytes(13)), surd::base::UsageError);
  surd::memory::Budget little(256 << 10);
  surd::external::Sorter texts_sorter({}, little, 256 << 10, surd::storage::local_file_system(),
                                      scratch.path());
  EXPECT_THROW(texts_sorter.push({}, Bytes(900'000)), surd::base::UsageError);
}

}  // namespace
}  // namespace sort_test
