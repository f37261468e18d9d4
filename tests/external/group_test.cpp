// Group-by against std::map.
#include "surd/external/group.hpp"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>

#include <gtest/gtest.h>

#include "group_run.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"
#include "surd/base/random.hpp"

namespace {

using namespace surd;
namespace test = ::test;  // not surd::test
using external::Aggregate;
using external::AggregateSpec;
using external::ValueType;
using test::Row;
using test::Setting;

constexpr std::uint64_t mebi = std::uint64_t{1} << 20;

/// `nulls`: one value in so many is null.
std::vector<Row> random_rows(std::size_t n, std::uint64_t groups, std::uint64_t nulls, bool zipf = false) {
  base::RandomStream random(n, groups);
  std::vector<Row> rows(n);
  const auto present = [&] { return nulls == 0 || random.below(nulls) != 0; };
  for (auto& row : rows) {
    const auto key =
        zipf ? static_cast<std::uint64_t>(std::exp(random.uniform() * std::log(static_cast<double>(groups))))
             : random.below(groups);
    row.key = test::key_of(key * 0x9E37'79B9'7F4A'7C15U);
    if (present()) row.integer = static_cast<std::int64_t>(random()) >> 24;
    if (present()) row.number = std::ldexp(random.normal(), static_cast<int>(random.below(20)));
    if (present()) row.text = std::string(random.below(20), 'a') + static_cast<char>('a' + random.below(26));
  }
  return rows;
}

const AggregateSpec count_rows{Aggregate::count, ValueType::int64, false, nullptr};
const AggregateSpec sum_integers{Aggregate::sum, ValueType::int64, true, nullptr};

AggregateSpec of(Aggregate aggregate, ValueType type) { return {aggregate, type, true, nullptr}; }

TEST(Group, MatchesAMapForAllAggregates) {
  for (const std::uint64_t groups : {1U, 7U, 500U, 30'000U}) {
    for (const std::uint64_t nulls : {0U, 3U}) {
      const auto rows = random_rows(30'000, groups, nulls);
      test::expect_equal(test::group(rows, test::all_aggregates(), {}),
                         test::expected_groups(rows, test::all_aggregates()));
    }
  }
}

TEST(Group, SumsUpLongRunsOfOneKey) {
  for (const std::uint64_t nulls : {0U, 3U}) {
    auto rows = random_rows(160'000, 1, nulls);
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i].key = test::key_of(i < 100'000 ? 7 : i / 5000);
    test::expect_equal(test::group(rows, test::all_aggregates(), {}),
                       test::expected_groups(rows, test::all_aggregates()));
  }
}

TEST(Group, MatchesAMapForByteKeys) {
  auto rows = random_rows(30'000, 700, 5);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto& key = rows[i].key;
    key.resize(static_cast<unsigned char>(key[0]) % 9, 'x');  // short keys, the empty one among them
    if (key.size() == 3) key += std::string(200, static_cast<char>(key[0] & 3));
  }
  rows[77].key = std::string(1 << 20, 'k');
  rows[78].key = std::string(1 << 20, 'k') + '\0';
  rows[20'000].key = rows[77].key;
  const auto expected = test::expected_groups(rows, test::all_aggregates());

  test::expect_equal(test::group(rows, test::all_aggregates(), {.memory = 16 * mebi, .integer_keys = false}),
                     expected);
}

TEST(Group, TellsEveryHostileKeyFromAllOthers) {
  std::vector<Row> rows;
  for (const std::uint64_t key :
       {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 63}) {
    for (int i = 0; i < 3000; ++i) rows.push_back({test::key_of(key), 1, 0.5, {}});
  }
  test::expect_equal(test::group(rows, {count_rows, sum_integers}, {}),
                     test::expected_groups(rows, {count_rows, sum_integers}));
}

TEST(Group, KeepsNumbersOfEverySize) {
  std::vector<Row> rows;
  for (int repeat = 0; repeat < 3; ++repeat) {
    for (unsigned bits = 0; bits < 64; ++bits) {
      for (const std::uint64_t near : {~std::uint64_t{0}, std::uint64_t{0}, std::uint64_t{1}}) {
        for (const bool negative : {false, true}) {
          const auto size = (std::uint64_t{1} << bits) + near;
          const auto number = negative ? std::uint64_t{0} - size : size;
          const auto value = static_cast<std::int64_t>(number);
          rows.push_back({test::key_of(number), value >> repeat, static_cast<double>(value), {}});
          if (repeat == 1) rows.back().integer.reset();
        }
      }
    }
  }
  const auto integers = [](Aggregate aggregate) { return of(aggregate, ValueType::int64); };
  const auto numbers = [](Aggregate aggregate) { return of(aggregate, ValueType::float64); };
  const std::vector<std::vector<AggregateSpec>> cases{
      {},
      {integers(Aggregate::max)},
      {numbers(Aggregate::min)},
      {count_rows, integers(Aggregate::first)},
      {integers(Aggregate::mean), numbers(Aggregate::last), integers(Aggregate::min)},
      {numbers(Aggregate::variance), integers(Aggregate::last), numbers(Aggregate::sum), count_rows}};
  for (const auto& specs : cases) {
    for (const Setting& setting :
         {Setting{}, Setting{.memory = mebi, .partitions = 1, .units = 5, .batch = 7}}) {
      test::expect_equal(test::group(rows, specs, setting), test::expected_groups(rows, specs));
    }
  }
}

/// Of what a builder writes for `rows` rows with keys and values below these limits, per row.
double written_per_row(std::size_t rows, std::uint64_t keys, std::uint64_t values) {
  base::RandomStream random(keys, values);
  std::vector<std::uint64_t> key(rows);
  std::vector<std::int64_t> value(rows);
  for (auto& k : key) k = random.below(keys);
  for (auto& v : value)
    v = static_cast<std::int64_t>(random.below(values)) - static_cast<std::int64_t>(values / 2);
  storage::AsyncIo io;
  auto spill =
      external::SpillFile::scratch(storage::local_file_system(), std::filesystem::temp_directory_path());
  memory::Budget budget(8 * mebi);
  const external::GroupFormat format{8, {sum_integers}};
  external::GroupBuilder builder(format, 16, budget, 8 * mebi, spill, 0, io);
  const external::Values values_in{ValueType::int64, value, {}, {}, {}};
  builder.push({rows, 0, key, {}, {&values_in, 1}});
  std::uint64_t bytes = 0;
  for (const auto& partition : builder.finish()) bytes += partition.bytes();
  return static_cast<double>(bytes) / static_cast<double>(rows);
}

TEST(Group, WritesSmallNumbersInFewBytes) {
  EXPECT_LE(written_per_row(1'000'000, 25'000'000, 1000), 8);
  EXPECT_LE(written_per_row(1'000'000, std::uint64_t{1} << 62, std::uint64_t{1} << 62), 17);
}

/// Records written of `rows` rows, of which the i-th has the key key_of(i), some at a time.
std::uint64_t records_written(std::uint64_t rows, std::uint64_t at_a_time,
                              const std::function<std::uint64_t(std::uint64_t)>& key_of) {
  storage::AsyncIo io;
  auto spill =
      external::SpillFile::scratch(storage::local_file_system(), std::filesystem::temp_directory_path());
  memory::Budget budget(8 * mebi);
  external::GroupBuilder builder({8, {count_rows}}, 16, budget, 8 * mebi, spill, 0, io);
  const external::Values none{};
  for (std::uint64_t row = 0; row < rows; row += at_a_time) {
    std::vector<std::uint64_t> keys(at_a_time);
    for (std::uint64_t i = 0; i < at_a_time; ++i) keys[i] = key_of(row + i);
    builder.push({at_a_time, row, keys, {}, {&none, 1}});
  }
  std::uint64_t written = 0;
  for (const auto& partition : builder.finish()) written += partition.records;
  return written;
}

/// However few rows come at a time, and in whatever turns.
TEST(Group, HoldsKeysThatComeOften) {
  const auto seven_and_others = [](std::uint64_t every) {
    return [=](std::uint64_t row) { return row % every == 0 ? 1000 + row : 7; };
  };
  for (const std::uint64_t at_a_time : {1U, 4U, 1000U, 4096U}) {
    EXPECT_LE(records_written(32'000, at_a_time, [](auto row) { return row % 100; }), 2500U) << at_a_time;
    EXPECT_LE(records_written(32'000, at_a_time, seven_and_others(2)), 17'000U) << at_a_time;
    EXPECT_LE(records_written(32'000, at_a_time, seven_and_others(4)), 9000U) << at_a_time;
  }
}

TEST(Group, GivesNothingForNothing) {
  EXPECT_TRUE(test::group({}, {count_rows}, {}).empty());
  EXPECT_TRUE(test::group({}, {}, {.integer_keys = false}).empty());
}

TEST(Group, TakesBooleansAsNumbers) {
  auto rows = random_rows(20'000, 900, 3);
  for (auto& row : rows) {
    if (row.integer) row.integer = *row.integer & 1;
  }
  std::vector<AggregateSpec> booleans;
  std::vector<AggregateSpec> numbers;
  for (const auto aggregate : {Aggregate::count, Aggregate::sum, Aggregate::min, Aggregate::max,
                               Aggregate::mean, Aggregate::first, Aggregate::last, Aggregate::median}) {
    booleans.push_back(of(aggregate, ValueType::boolean));
    numbers.push_back(of(aggregate, ValueType::int64));
  }
  EXPECT_EQ(test::group(rows, booleans, {.memory = 16 * mebi}),
            test::group(rows, numbers, {.memory = 16 * mebi}));
}

TEST(Group, FindsDistinctKeys) {
  const auto rows = random_rows(50'000, 4000, 0, true);
  test::expect_equal(test::group(rows, {}, {}), test::expected_groups(rows, {}));
}

TEST(Group, IsTheSameForAnyMemoryPartitionsAndUnits) {
  const auto rows = random_rows(60'000, 20'000, 4, true);
  auto specs = test::all_aggregates();
  specs.push_back(of(Aggregate::first, ValueType::text));
  for (const bool integer_keys : {true, false}) {
    const auto expected = test::group(rows, specs, {.memory = 32 * mebi, .integer_keys = integer_keys});
    for (const Setting& setting :
         {Setting{.memory = mebi / 2, .partitions = 16},
          Setting{.memory = mebi, .partitions = 64, .units = 7, .batch = 333},
          Setting{.memory = 8 * mebi, .partitions = 1024, .units = 3},
          Setting{.memory = 5 * mebi / 4, .partitions = 256},
          Setting{.memory = 4 * mebi, .partitions = 256, .units = 3, .shrink_to = mebi},
          Setting{.memory = 4 * mebi, .partitions = 1, .units = 2, .batch = 100'000},
          Setting{.memory = 2 * mebi, .partitions = 16, .merge_memory = 1 * mebi},
          Setting{.memory = 8 * mebi, .units = 3, .merge_memory = 2 * mebi, .shrink_to = mebi}}) {
      auto other = setting;
      other.integer_keys = integer_keys;
      ASSERT_EQ(test::group(rows, specs, other), expected);
      other.together = true;
      ASSERT_EQ(test::group(rows, specs, other), expected) << "by one merger";
    }
  }
}

TEST(Group, GivesAllOfAPartitionBeforeItFailsToReadTheNext) {
  const auto rows = random_rows(20'000, 8'000, 0);
  const std::vector specs{count_rows, sum_integers};
  const auto expected = test::group(rows, specs, {.together = true});
  const auto partition = [](const std::vector<std::string>& row) {
    std::uint64_t key = 0;
    std::memcpy(&key, row.at(0).data(), sizeof key);
    return external::hash_key(key) >> 60U;
  };

  for (const std::uint32_t unreadable : {1U, 2U, 9U, 15U}) {
    const auto end = std::ranges::find(expected, unreadable, partition);
    ASSERT_NE(end, expected.begin());
    const auto before = test::group(rows, specs, {.together = true, .unreadable = unreadable});
    EXPECT_EQ(before, test::Table(expected.begin(), end)) << unreadable;
  }
}

TEST(Group, SplitsPartitionsThatDoNotFit) {
  const auto rows = random_rows(200'000, 1'000'000, 0);
  const std::vector specs{count_rows, sum_integers};
  const auto expected = test::group(rows, specs, {.memory = 64 * mebi});
  EXPECT_GT(expected.size(), 150'000U);

  EXPECT_EQ(test::group(rows, specs, {.memory = mebi, .partitions = 1}), expected);
  for (const bool together : {false, true}) {
    for (const std::size_t units : {1U, 40U}) {
      const Setting setting{
          .memory = mebi, .partitions = 2, .units = units, .merge_memory = mebi / 2, .together = together};
      EXPECT_EQ(test::group(rows, specs, setting), expected) << units;
    }
  }
}

TEST(Group, TellsWhyAPartitionCannotBeSplit) {
  const auto rows = random_rows(30'000, 1'000'000, 0);
  const std::vector specs{count_rows, sum_integers};
  Setting setting{.memory = mebi, .partitions = 1, .merge_memory = mebi / 4};
  std::size_t writes = 0;
  for (bool done = false; !done;) {
    surd::test::FailingFileSystem full(storage::local_file_system(), {.at = ++writes});
    setting.scratch = &full;
    try {
      test::expect_equal(test::group(rows, specs, setting), test::expected_groups(rows, specs));
      done = true;
    } catch (const base::IoError& error) {
      ASSERT_EQ(error.code(), ENOSPC) << "write " << writes << ": " << error.what();
    }
  }
  EXPECT_GT(writes, 3U);
}

TEST(Group, KeepsTheExtremesOfTexts) {
  const auto rows = random_rows(40'000, 3000, 3);
  const std::vector specs{of(Aggregate::first, ValueType::text), of(Aggregate::last, ValueType::text),
                          of(Aggregate::min, ValueType::text), of(Aggregate::max, ValueType::text),
                          sum_integers};
  test::expect_equal(test::group(rows, specs, {}), test::expected_groups(rows, specs));
}

TEST(Group, KeepsTheFirstRowOfEachKey) {
  const auto rows = random_rows(100'000, 800, 2, true);
  const std::vector specs{of(Aggregate::first, ValueType::text)};
  const auto expected = test::expected_groups(rows, specs);
  test::expect_equal(test::group(rows, specs, {}), expected);
  test::expect_equal(test::group(rows, specs, {.units = 5, .integer_keys = false}), expected);
}

TEST(Group, CountsMediansListsAndDistinctValues) {
  const auto rows = random_rows(20'000, 300, 3);
  std::vector specs{count_rows};
  for (const auto type : {ValueType::int64, ValueType::float64}) {
    specs.push_back(of(Aggregate::median, type));
    specs.push_back(of(Aggregate::list, type));
    specs.push_back(of(Aggregate::count_distinct, type));
    specs.push_back(of(Aggregate::sum, type));
  }
  specs.push_back(of(Aggregate::list, ValueType::text));
  specs.push_back(of(Aggregate::count_distinct, ValueType::text));
  specs.push_back(of(Aggregate::max, ValueType::text));
  const auto expected = test::expected_groups(rows, specs);
  test::expect_equal(test::group(rows, specs, {.memory = 16 * mebi}), expected);
  test::expect_equal(test::group(rows, specs, {.memory = 16 * mebi, .units = 3, .integer_keys = false}),
                     expected);
}

TEST(Group, RefusesAListThatDoesNotFit) {
  std::vector<Row> rows(100'000, {test::key_of(17), 123'456'789'012, {}, {}});
  try {
    (void)test::group(rows, {of(Aggregate::list, ValueType::int64)},
                      {.partitions = 1, .merge_memory = 4 * mebi});
    FAIL() << "no error";
  } catch (const base::UsageError& error) {
    EXPECT_NE(std::string(error.what()).find("list of key 17"), std::string::npos) << error.what();
  }
}

TEST(Group, FindsOverflowOfSumsWhateverTheOrder) {
  const auto most = std::numeric_limits<std::int64_t>::max();
  std::vector<Row> rows{{test::key_of(5), most, {}, {}}, {test::key_of(5), most, {}, {}}};
  EXPECT_THROW((void)test::group(rows, {sum_integers}, {}), base::UsageError);

  rows.push_back({test::key_of(5), -most, {}, {}});
  EXPECT_EQ(test::group(rows, {sum_integers}, {}), (test::Table{{test::key_of(5), std::to_string(most)}}));
}

TEST(Group, CombinesStatesOfTheUsers) {
  const external::UserAggregate product{
      "product",
      8,
      [](std::byte* state) { *reinterpret_cast<double*>(state) = 1; },
      [](std::byte* state, double value) { *reinterpret_cast<double*>(state) *= value; },
      [](std::byte* state, const std::byte* other) {
        double value = 0;
        std::copy_n(other, 8, reinterpret_cast<std::byte*>(&value));
        *reinterpret_cast<double*>(state) *= value;
      },
      [](const std::byte* state) { return *reinterpret_cast<const double*>(state); }};
  for (const bool in_order : {false, true}) {
    std::vector<Row> rows;
    for (std::uint64_t i = 0; i < 6000; ++i) {
      const auto key = in_order ? i / 2000 : i % 3;
      const bool twice = key == 0 && i % (in_order ? 200 : 600) == 0;
      rows.push_back({test::key_of(key), twice ? 2 : 1, {}, {}});
    }
    const auto table =
        test::group(rows, {AggregateSpec{Aggregate::user, ValueType::int64, true, &product}}, {.units = 2});

    ASSERT_EQ(table.size(), 3U);
    for (const auto& row : table) {
      const double want = row[0] == test::key_of(0) ? 1024 : 1;
      EXPECT_EQ(std::stod(row[1].substr(1)), want);
    }
  }
}

TEST(Group, RefusesTextsWhereNumbersAreNeededAndTooLittleMemory) {
  EXPECT_THROW((void)test::group({}, {of(Aggregate::sum, ValueType::text)}, {}), base::UsageError);
  EXPECT_THROW((void)test::group({}, {count_rows}, {.memory = mebi, .partitions = 1024}), base::UsageError);
}

}  // namespace
