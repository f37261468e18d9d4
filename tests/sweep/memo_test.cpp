#include "surd/sweep/memo.hpp"

#include <cmath>
#include <limits>

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
