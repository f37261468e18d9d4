#include "surd/sweep/memo.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::Array;
using sweep::Memo;
using sweep::MemoWriter;
using sweep::Outcome;
using sweep::Status;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Outcome> outcomes_of_all_kinds() {
  const auto inf = std::numeric_limits<double>::infinity();
  std::vector<Outcome> all{
      success({{"b", true}, {"i", std::numeric_limits<std::int64_t>::min()}, {"x", -0.0}, {"t", "one"}},
              2e-3),
      success({{"b", false}, {"i", std::int64_t{7}}, {"x", std::nan("7")}, {"t", ""}}, 1e-6),
      success({{"b", false}, {"i", std::int64_t{-1}}, {"x", -inf}, {"t", std::string("a\0b", 3)}}),
      failure("diverged"),
      failure("", Status::timed_out),
      failure("signal 11", Status::killed),
      success({{"a", Array({2, 3}, {1, 2, inf, std::nan(""), 5, 6})}, {"n", 3}}),
      success({{"a", Array({2, 3}, {6, 5, 4, 3, 2, 1})}, {"n", 4}}),
      success({{"a", Array({3, 2}, {6, 5, 4, 3, 2, 1})}, {"n", 4}}),
      success({{"a", Array({0, 5}, {})}}),
      success({{"a", Array(std::vector<std::uint64_t>{}, {1.5})}}),
      success({}),
      success({{"long", std::string(1 << 20, 'x')}, {"short", "y"}}),
      success({{"long", std::string(1 << 20, 'z')}, {"short", ""}}),
      failure("not JSON", Status::bad_output),
  };
  all[3].attempts = 3;
  all[4].capture = sweep::Capture{-1, 9, std::uint64_t{1} << 40, "out", std::string(1000, 'e')};
  all[7].attempts = std::numeric_limits<std::uint32_t>::max();
  all[7].capture = sweep::Capture{};
  return all;
}

TEST(Memo, GivesBackEveryKindOfOutcomeToTheLastBit) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  const auto all = outcomes_of_all_kinds();
  MemoWriter writer(disk, "memo", definition, origin());
  for (std::size_t i = 0; i < all.size(); ++i) writer.add(3 * i, all[i]);
  writer.close();

  const Memo memo(disk, "memo", definition);
  const auto contents = read_all(memo);

  ASSERT_EQ(contents.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(contents.at(3 * i), exact(all[i])) << i;
  EXPECT_THAT(elements(memo.failed()), ElementsAre(9, 12, 15, 42));
  EXPECT_EQ(memo.done().size(), all.size() - 4);
  EXPECT_EQ(memo.statistics().points, all.size());
  EXPECT_THAT(memo.damage(), IsEmpty());
}

TEST(Memo, OfNothingIsEmptyAndLeavesNoFile) {
  RecordingFileSystem disk;
  const auto definition = line(100);

  MemoWriter writer(disk, "memo", definition, origin());
  writer.flush();
  writer.close();
  const Memo memo(disk, "memo", definition);

  EXPECT_TRUE(memo.done().empty());
  EXPECT_EQ(writer.records(), 0U);
  EXPECT_THAT(disk.content(), IsEmpty());
}

TEST(Memo, KeepsRunsOfPointsInOneBlock) {
  RecordingFileSystem disk;
  const auto definition = line(10'000);
  MemoWriter writer(disk, "memo", definition, origin(), {.flush_seconds = 1e9});

  for (std::uint64_t p = 0; p < 10'000; ++p) writer.add(p, success({{"x", static_cast<double>(p)}}));
  writer.close();

  EXPECT_EQ(writer.points(), 10'000U);
  EXPECT_EQ(writer.records(), 7U);  // origin, definition and schema twice, one block
  EXPECT_LT(writer.bytes(), 10'000U * 8 + 1000);
  EXPECT_EQ(elements(Memo(disk, "memo", definition).done()).size(), 10'000U);
}

TEST(Memo, WriterWritesAtOnceWhatTookLongOrWaitedLong) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  MemoWriter writer(disk, "memo", definition, origin(), {.flush_seconds = 0.02, .sync_seconds = 1e9});

  writer.add(0, success({{"x", 1.0}}, 0.001));
  const auto before = writer.points();
  writer.add(1, success({{"x", 1.0}}, 0.021));
  const auto after_long = writer.points();
  writer.add(2, success({{"x", 1.0}}, 0.001));
  std::this_thread::sleep_for(std::chrono::milliseconds(25));
  writer.add(3, success({{"x", 1.0}}, 0.001));

  EXPECT_EQ(before, 0U);
  EXPECT_EQ(after_long, 2U);
  EXPECT_EQ(writer.points(), 4U);
}

TEST(Memo, WriterFlushesByBytesAndSyncsByTime) {
  RecordingFileSystem disk;
  const auto definition = line(100'000);
  MemoWriter writer(disk, "memo", definition, origin(),
                    {.flush_bytes = 1000, .flush_seconds = 1e9, .sync_seconds = 0});

  for (std::uint64_t p = 0; p < 1000; ++p) writer.add(p, success({{"x", 1.0}}));
  const auto log = disk.log();
  const auto syncs = std::ranges::count(log, Operation::Kind::sync, &Operation::kind);

  EXPECT_GE(writer.records(), 6U + 11U);
  EXPECT_LE(writer.records(), 6U + 16U);
  EXPECT_EQ(static_cast<std::uint64_t>(syncs) + 6, writer.records());
}

TEST(Memo, WriterRefusesWhatCannotBeStored) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  MemoWriter writer(disk, "memo", definition, origin());

  EXPECT_THROW(writer.add(0, success({{"a", Array({2, 2}, {1, 2, 3})}})), base::UsageError);
  EXPECT_THROW(writer.add(0, success({{"a", 1.0}, {"a", 2.0}})), base::UsageError);
  EXPECT_EQ(
      sweep::why_unstorable({{"a", Array({~0ULL, ~0ULL, 2}, {1})}}),
      "result \"a\": an array of shape [18446744073709551615, 18446744073709551615, 2] cannot hold 1 values");
}

TEST(Memo, MixesFailuresAndResultsOfAnySchemaInAnyOrder) {
  RecordingFileSystem disk;
  const auto definition = line(5000);
  Contents expected;
  base::RandomStream random(1, 2);
  MemoWriter writer(disk, "memo", definition, origin());
  for (std::uint64_t n = 0; n < 5000; ++n) {
    const auto p = (n * 1237) % 5000;
    auto outcome = success({{"x", random.uniform()}}, random.uniform() * 1e-3);
    if (random.below(4) == 0) outcome = failure(fmt::format("failure {}", p));
    if (random.below(50) == 0)
      outcome = success({{"y", "text"}, {"z", Array(std::vector<double>(random.below(3)))}});
    if (random.below(10) == 0) outcome.attempts = static_cast<std::uint32_t>(random.below(5));
    if (random.below(10) == 0) outcome.capture = sweep::Capture{1, 2, 3, "out", "err"};
    if (random.below(100) == 0) writer.flush();
    writer.add(p, outcome);
    expected[p] = exact(outcome);
  }
  writer.close();

  EXPECT_EQ(read_all(Memo(disk, "memo", definition)), expected);
}

TEST(Memo, FirstSuccessCountsAndFailuresGiveWay) {
  RecordingFileSystem disk;
  const auto definition = line(10);
  const auto write = [&](const char* run, std::vector<std::pair<std::uint64_t, Outcome>> outcomes) {
    MemoWriter writer(disk, "memo", definition, origin(run));
    for (const auto& [p, outcome] : outcomes) writer.add(p, outcome);
    writer.close();
  };
  write("b", {{0, failure("late")}, {1, success({{"x", 2}})}, {2, failure("first")}, {2, failure("second")}});
  write(
      "a",
      {{0, success({{"x", 1}})}, {1, failure("early")}, {1, success({{"x", 1}})}, {1, success({{"x", 9}})}});

  const Memo memo(disk, "memo", definition);
  const auto contents = read_all(memo);
  const auto history = memo.history(1);

  EXPECT_THAT(elements(memo.done()), ElementsAre(0, 1));
  EXPECT_THAT(elements(memo.failed()), ElementsAre(2));
  EXPECT_EQ(contents.at(0), exact(success({{"x", 1}})));
  EXPECT_EQ(contents.at(1), exact(success({{"x", 1}})));
  EXPECT_EQ(contents.at(2), exact(failure("second")));
  ASSERT_EQ(history.size(), 4U);
  EXPECT_EQ(history[0].first.message, "early");
  EXPECT_EQ(history[2].first.values, (sweep::Values{{"x", 9}}));
  EXPECT_EQ(history[3].second.run, "b");
  EXPECT_EQ(history[3].second.host, "node1");
}

TEST(Memo, RefreshSeesWhatWasAppendedAndNewSegmentsAndForgetsRemovedOnes) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  Memo memo(disk, "memo", definition);
  MemoWriter first(disk, "memo", definition, origin("a"));
  MemoWriter second(disk, "memo", definition, origin("b"));
  std::vector<std::uint64_t> sizes;
  for (std::uint64_t p = 0; p < 40; p += 2) {
    first.add(p, success({{"x", 1}}));
    first.flush();
    second.add(p + 1, p == 8 ? failure("no") : success({{"x", 2}}));
    if (p % 4 == 0) second.flush();
    memo.refresh();
    sizes.push_back(memo.done().size() + memo.failed().size());
    EXPECT_EQ(memo.done(), Memo(disk, "memo", definition).done());
  }
  EXPECT_THAT(std::vector(sizes.begin(), sizes.begin() + 4), ElementsAre(2, 3, 6, 7));
  EXPECT_THAT(elements(memo.failed()), ElementsAre(9));
  const auto records = memo.statistics().records;
  memo.refresh();
  EXPECT_EQ(memo.statistics().records, records);

  disk.remove("memo/a-0.log");
  memo.refresh();

  EXPECT_EQ(memo.done().size(), 38U);
  EXPECT_EQ(memo.statistics().segments, 1U);
}

TEST(Memo, TwoWritersOfOneNameUseTwoFiles) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  for (std::uint64_t p = 0; p < 3; ++p) {
    MemoWriter writer(disk, "memo", definition, origin("a"));
    writer.add(p, success({}));
    writer.close();
  }

  EXPECT_EQ(Memo(disk, "memo", definition).done().size(), 3U);
  EXPECT_EQ(disk.list("memo"), (std::vector<std::string>{"a-0.2.log", "a-0.3.log", "a-0.log"}));
}

TEST(Memo, PartsShareTheSegmentsEvenlyWhateverElseAppears) {
  RecordingFileSystem disk;
  const auto definition = line(1000);
  for (int rank = 0; rank < 8; ++rank) {
    MemoWriter writer(disk, "memo", definition, origin("a", rank));
    writer.add(static_cast<std::uint64_t>(rank), success({{"x", rank}}));
    writer.close();
  }
  const Memo memo(disk, "memo", definition);
  Contents all;
  for (int part = 0; part < 4; ++part) {
    const auto contents = read_all(memo, part, 4);
    EXPECT_EQ(std::distance(contents.begin(), contents.lower_bound(8)), 2);
    all.insert(contents.begin(), contents.end());
    MemoWriter later(disk, "memo", definition, origin("A", part));
    later.add(900, success({{"x", 0}}));
    later.close();
  }

  all.erase(900);
  auto expected = read_all(memo);
  expected.erase(900);
  EXPECT_EQ(all, expected);
}

TEST(Memo, CountsOtherVersionsAndKeepsThemOnlyIfAsked) {
  RecordingFileSystem disk;
  const auto grid = R"({"axes": {"i": {"range": 10}}})";
  const auto old = define(grid, "old");
  const auto now = define(grid, "new");
  MemoWriter before(disk, "memo", old, origin("a"));
  for (std::uint64_t p = 0; p < 6; ++p) before.add(p, p == 5 ? failure("old") : success({{"x", "old"}}));
  before.close();
  MemoWriter after(disk, "memo", now, origin("b"));
  after.add(0, success({{"x", "new"}}));
  after.close();

  const Memo strict(disk, "memo", now);
  const Memo lenient(disk, "memo", now, {.keep_other_versions = true});

  EXPECT_THAT(elements(strict.done()), ElementsAre(0));
  EXPECT_THAT(strict.statistics().other_versions, ElementsAre(testing::Pair("old", 5)));
  EXPECT_EQ(strict.statistics().unrelated_points, 0U);
  EXPECT_TRUE(strict.failed().empty());
  EXPECT_THAT(elements(lenient.done()), ElementsAre(0, 1, 2, 3, 4));
  EXPECT_THAT(elements(lenient.failed()), ElementsAre(5));
  EXPECT_EQ(read_all(lenient).at(0), exact(success({{"x", "new"}})));
  EXPECT_EQ(read_all(lenient).at(1), exact(success({{"x", "old"}})));
  EXPECT_EQ(read_all(strict).size(), 1U);
  EXPECT_EQ(strict.history(0).size(), 1U);
}

TEST(Memo, VisitsWantedPointsWhileScanning) {
  RecordingFileSystem disk;
  const auto stored = define(R"({"axes": {"i": {"range": 10}}})");
  const auto wanted = define(R"({"axes": {"i": {"range": [5, 20]}}})");
  MemoWriter writer(disk, "memo", stored, origin("a"));
  for (std::uint64_t p = 0; p < 10; ++p) writer.add(p, success({{"x", static_cast<double>(p)}}, 0.25));
  writer.close();
  Contents seen;
  double seconds = 0;

  const Memo memo(disk, "memo", wanted, {.visit = [&](const sweep::Block& block) {
                    ASSERT_EQ(block.columns().size(), 1U);
                    EXPECT_EQ(block.columns()[0].values.size(), 8 * block.size());
                    for (std::size_t i = 0; i < block.size(); ++i) {
                      seen[block.position(i)] = exact(block.outcome(i));
                      seconds += block.seconds(i);
                    }
                  }});

  EXPECT_EQ(seen, read_all(memo));
  EXPECT_EQ(seen.size(), 5U);
  EXPECT_EQ(seen.at(0), exact(success({{"x", 5.0}})));
  EXPECT_DOUBLE_EQ(seconds, 1.25);
  EXPECT_EQ(memo.statistics().unrelated_points, 5U);
}

}  // namespace
}  // namespace surd::test
