// Cutting the merged order of runs, and merging the parts.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include <fmt/format.h>

#include "sort_support.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"

namespace sort_test {
namespace {

using surd::external::FieldType;
using surd::external::RecordFormat;
using surd::external::RunRange;

std::vector<Bytes> cut_input(const RecordFormat& format, const Bytes& records,
                             const std::vector<double>& ends) {
  std::vector<std::size_t> starts;
  for (std::size_t at = 0; at < records.size();
       at += surd::external::record_size(format, records.data() + at)) {
    starts.push_back(at);
  }
  std::vector<Bytes> parts;
  std::size_t begin = 0;
  for (const auto end : ends) {
    const auto last = static_cast<std::size_t>(end * static_cast<double>(starts.size()));
    const auto stop = last >= starts.size() ? records.size() : starts[last];
    parts.emplace_back(records.begin() + static_cast<std::ptrdiff_t>(begin),
                       records.begin() + static_cast<std::ptrdiff_t>(stop));
    begin = stop;
  }
  return parts;
}

/// Splits runs of `records` at the cuts, merges part by part, and compares the whole.
void check(Runs& made, const Bytes& records) {
  const auto& format = made.format;
  std::uint64_t total = 0;
  for (const auto& run : made.runs) total += run.records;
  std::vector<std::uint64_t> cuts{
      0, 0, total / 7, total / 3, std::min(total, total / 3 + 1), total / 2, total - total / 100, total};
  std::sort(cuts.begin(), cuts.end());

  const auto positions = split_runs(format, made.files, made.runs, cuts, made.budget);

  ASSERT_EQ(positions.size(), cuts.size());
  // With hardly any memory, single keys are read until the cut is found.
  surd::memory::Budget least(least_split_memory(made.runs));
  const auto same = split_runs(format, made.files, made.runs, cuts, least, 1);
  EXPECT_EQ(least.used(), 0U);
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    for (std::size_t run = 0; run < made.runs.size(); ++run) {
      ASSERT_EQ(same[i][run].records, positions[i][run].records);
      ASSERT_EQ(same[i][run].bytes, positions[i][run].bytes);
    }
  }
  Bytes all;
  for (std::size_t i = 1; i < cuts.size(); ++i) {
    std::vector<RunRange> ranges;
    std::uint64_t count = 0;
    for (std::size_t run = 0; run < made.runs.size(); ++run) {
      const auto& from = positions[i - 1][run];
      const auto& to = positions[i][run];
      ranges.push_back(
          {made.runs[run], from.records, from.bytes, to.records - from.records, to.bytes - from.bytes});
      count += to.records - from.records;
    }
    ASSERT_EQ(count, cuts[i] - cuts[i - 1]);
    const auto stream = merge_runs(format, made.files, ranges, made.budget, 16 << 20, made.io);
    const auto part = collect(*stream);
    all.insert(all.end(), part.begin(), part.end());
  }
  EXPECT_TRUE(all == expected(format, records));
}

void check(const RecordFormat& format, const Bytes& records, const std::string& what) {
  SCOPED_TRACE(what);
  Runs made(format, cut_input(format, records, {0.1, 0.1, 0.4, 0.41, 0.7, 0.95, 1.0, 1.0}));
  check(made, records);
}

TEST(SplitRuns, CutsNumbersOfEveryDistribution) {
  for (const auto& name : distributions()) {
    for (const auto n : {0U, 1U, 3U, 50'000U}) {
      check({8, {{FieldType::u64, 0, 8, false}}}, bytes_of(keys(name, n)), name);
    }
  }
}

TEST(SplitRuns, CutsStablyThroughEqualKeys) {
  for (const auto& name : {"equal", "two", "zipf", "uniform"}) {
    Bytes fixed;
    Bytes texts;
    const auto all = keys(name, 20'000);
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::array<std::uint64_t, 5> record{all[i] % 1000, i, i, i, i};
      const auto bytes = std::as_bytes(std::span(record));
      fixed.insert(fixed.end(), bytes.begin(), bytes.end());
      put_record(texts, std::string(100, 'k') + std::to_string(all[i]), std::to_string(i));
    }
    check({40, {{FieldType::u64, 0, 8, true}}}, fixed, name + std::string(" fixed"));
    check({}, texts, name + std::string(" texts"));
  }
}

TEST(SplitRuns, FindsWhatASlowDiskWasGivenBeforeItsMemoryWasUsedAgain) {
  using namespace std::chrono_literals;
  surd::test::FailingFileSystem slow(surd::storage::local_file_system(), {.at = SIZE_MAX, .delay = 2ms});
  const RecordFormat number{8, {{FieldType::u64, 0, 8, false}}};
  for (const auto& [count, memory_bytes] :
       {std::pair(3'800'000U, 18U << 20), std::pair(600'000U, 1U << 20)}) {
    const auto input = bytes_of(keys("uniform", count));
    Runs made(number, input, memory_bytes, slow);
    EXPECT_GE(made.runs.size(), 3U);
    check(made, input);
  }
  Bytes pairs;
  Bytes texts;
  for (const auto key : keys("uniform", 200'000)) {
    const auto pair = bytes_of(std::vector{key % 100'000, key});
    pairs.insert(pairs.end(), pair.begin(), pair.end());
    put_record(texts, std::to_string(key % 100'000), std::to_string(key));
  }
  for (const auto& [format, input] :
       {std::pair(RecordFormat{16, number.key}, pairs), std::pair(RecordFormat{}, texts)}) {
    Runs made(format, input, 1 << 20, slow);
    EXPECT_GE(made.runs.size(), 3U);
    check(made, input);
  }
}

TEST(SplitRuns, TellsApartKeysThatBeginAlike) {
  surd::base::RandomStream random(4, 4);
  const std::vector<std::string> starts{std::string(100, 'a'), std::string(300, 'a'), std::string(300, 'b'),
                                        std::string(128, '\0'), ""};
  Bytes texts;
  for (std::size_t i = 0; i < 30'000; ++i) {
    const auto end = random.below(8) == 0 ? std::string(random.below(9), '\0') : std::to_string(random());
    put_record(texts, starts[random.below(starts.size())] + end, std::to_string(i));
  }
  check({}, texts, "several shared beginnings");
}

TEST(SplitRuns, CutsThroughLongKeysOfWhichTheIndexTellsNothing) {
  surd::base::RandomStream random(5, 5);
  for (const std::size_t bytes : {129U, 3000U, 70'000U}) {
    const std::string start(bytes, 'k');
    Bytes equal;
    Bytes late;
    Bytes fixed;
    for (std::size_t i = 0; i < 8'000'000 / (bytes + 1000); ++i) {
      put_record(equal, start, std::string(random.below(100), 'r'));
      put_record(late, start + std::to_string(random.below(300)), std::to_string(i));
      const auto end = std::to_string(1000 + random.below(300)) + std::string(random.below(3), '+');
      const auto number = bytes_of(std::vector<std::uint64_t>{i});
      const auto record = start.substr(0, 600) + end.substr(0, 4) + std::string(4, '-');
      const auto key = std::as_bytes(std::span(record)).first(std::min<std::size_t>(bytes, 600) + 4);
      fixed.insert(fixed.end(), key.begin(), key.end());
      fixed.insert(fixed.end(), number.begin(), number.end());
    }
    const auto fixed_key = static_cast<std::uint32_t>(std::min<std::size_t>(bytes, 600) + 4);
    check({}, equal, fmt::format("equal keys of {} bytes", bytes));
    check({}, late, fmt::format("keys that differ after {} bytes", bytes));
    check({fixed_key + 8, {{FieldType::bytes, 0, fixed_key, false}}}, fixed, fmt::format("fixed, {}", bytes));
  }
}

TEST(SplitRuns, RefusesCutsOutOfOrderOrRange) {
  Runs made({8, {}}, {bytes_of(keys("uniform", 10))});
  EXPECT_THROW((void)split_runs(made.format, made.files, made.runs, {11}, made.budget),
               surd::base::UsageError);
  EXPECT_THROW((void)split_runs(made.format, made.files, made.runs, {5, 4}, made.budget),
               surd::base::UsageError);
}

TEST(Runs, SurviveEncodingAndSayWhatTheyHold) {
  const auto input = bytes_of(keys("uniform", 30'000));
  Runs made({8, {{FieldType::u64, 0, 8, false}}}, {input});
  ASSERT_EQ(made.runs.size(), 1U);
  EXPECT_EQ(made.runs[0].records, 30'000U);
  EXPECT_EQ(made.runs[0].checksum, checksum(made.format, input));
  surd::base::ByteWriter writer;
  put_run(writer, made.runs[0]);
  surd::base::ByteReader reader(writer.bytes());
  const auto copy = surd::external::get_run(reader);
  const auto stream = merge_runs(made.format, made.files, {whole(copy)}, made.budget, 1 << 20, made.io);
  EXPECT_TRUE(collect(*stream) == expected(made.format, input));
}

TEST(Runs, OutOfOrderAreReported) {
  for (const RecordFormat& format :
       {RecordFormat{8, {{FieldType::u64, 0, 8, false}}}, RecordFormat{24, {}}}) {
    Runs made(format, {Bytes(480'000)});
    const auto wrong = bytes_of(keys("reverse", 60'000));
    auto run = made.runs[0];
    run.offset = made.spill.append_now(made.io, wrong);
    run.bytes = wrong.size();
    run.records = wrong.size() / format.record_bytes;
    made.spill.flush(made.io);
    const auto stream =
        merge_runs(format, made.files, {whole(run), whole(made.runs[0])}, made.budget, 1 << 20, made.io);
    EXPECT_THROW((void)collect(*stream), surd::base::FormatError);
  }
}

TEST(RunBuilder, ShrinksUnderPressureAndGoesOn) {
  const auto input = bytes_of(keys("uniform", 300'000));
  Runs made({8, {{FieldType::u64, 0, 8, false}}}, {});
  surd::external::RunBuilder builder(made.format, made.budget, 2 << 20, made.spill, 0, made.io);
  builder.push(std::span(input).first(1'000'000));
  builder.shrink(200 << 10);
  EXPECT_LE(made.budget.used(), 200U << 10);
  builder.push(std::span(input).subspan(1'000'000));
  const auto runs = builder.finish();
  EXPECT_GT(runs.size(), 6U);
  made.spill.flush(made.io);
  const auto merged =
      merge_to_run(made.format, made.files, runs, made.budget, 1 << 20, made.spill, 0, made.io);
  made.spill.flush(made.io);
  EXPECT_EQ(merged.records, 300'000U);
  const auto stream = merge_runs(made.format, made.files, {whole(merged)}, made.budget, 1 << 20, made.io);
  EXPECT_TRUE(collect(*stream) == expected(made.format, input));
}

}  // namespace
}  // namespace sort_test
