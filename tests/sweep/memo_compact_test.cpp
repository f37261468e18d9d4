#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/crash_states.hpp"
#include "surd/base/random.hpp"
#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::Memo;
using sweep::MemoWriter;
using testing::ElementsAre;
using testing::IsEmpty;

TEST(MemoCompact, KeepsWinnersFailuresWithoutSuccessAndWhoComputedThem) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  base::RandomStream random(3, 4);
  for (const char* run : {"a", "b", "c"}) {
    for (int rank = 0; rank < 2; ++rank) {
      MemoWriter writer(disk, "memo", definition, origin(run, rank), {.flush_bytes = 40});
      for (int n = 0; n < 60; ++n) {
        const auto p = random.below(100);
        writer.add(p, p % 10 == 0 ? failure(run) : success({{"x", static_cast<double>(p)}}, 0.01));
      }
      writer.close();
    }
  }
  const Memo before(disk, "memo", definition);
  const auto contents = read_all(before);
  std::map<std::uint64_t, std::string> first;
  for (const auto p : elements(before.done())) first[p] = before.history(p).front().second.run;

  const auto [bytes_before, bytes_after] = compact_memo(disk, "memo", definition, origin("d"));
  const Memo after(disk, "memo", definition);

  EXPECT_THAT(disk.list("memo"), ElementsAre("d-0.log"));
  EXPECT_LT(bytes_after, bytes_before / 3);
  EXPECT_EQ(bytes_after, *disk.file_size("memo/d-0.log"));
  EXPECT_EQ(read_all(after), contents);
  EXPECT_EQ(after.done(), before.done());
  EXPECT_EQ(after.failed(), before.failed());
  for (const auto p : elements(before.done())) {
    const auto history = after.history(p);
    ASSERT_EQ(history.size(), 1U);
    EXPECT_EQ(history[0].second.run, first[p]);
    EXPECT_NEAR(history[0].first.seconds, 0.01, 1e-6);
  }
  for (const auto p : elements(before.failed())) EXPECT_EQ(after.history(p).size(), before.history(p).size());
}

TEST(MemoCompact, IsIdempotentAndLeavesNothingOfNothing) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  EXPECT_EQ(compact_memo(disk, "memo", definition, origin("a")),
            std::pair(std::uint64_t{0}, std::uint64_t{0}));
  MemoWriter writer(disk, "memo", definition, origin("b"));
  for (std::uint64_t p = 0; p < 50; ++p) writer.add(p, success({{"x", 1}}));
  writer.close();

  compact_memo(disk, "memo", definition, origin("c"));
  const auto once = disk.content();
  compact_memo(disk, "memo", definition, origin("c"));
  const auto twice = disk.content();

  ASSERT_EQ(once.size(), 1U);
  ASSERT_EQ(twice.size(), 1U);
  EXPECT_EQ(once.begin()->second, twice.begin()->second);
}

TEST(MemoCompact, KeepsOtherSubjectsAndDropsOtherVersionsOfWantedPoints) {
  RecordingFileSystem disk;
  const auto grid = R"({"axes": {"i": {"range": 10}}})";
  const auto wanted = define(grid, "2");
  const auto stale = define(R"({"axes": {"i": {"range": 20}}})", "1");
  const auto other = define(grid, "2", {{"p", std::int64_t{1}}});
  for (const auto* definition : {&wanted, &stale, &other}) {
    MemoWriter writer(disk, "memo", *definition, origin());
    for (std::uint64_t p = 0; p < definition->grid.size(); ++p) writer.add(p, success({{"x", 1.5}}));
    writer.close();
  }

  compact_memo(disk, "memo", wanted, origin("z"));

  EXPECT_EQ(Memo(disk, "memo", wanted).done().size(), 10U);
  EXPECT_THAT(Memo(disk, "memo", wanted).statistics().other_versions, IsEmpty());
  EXPECT_EQ(Memo(disk, "memo", other).done().size(), 10U);
  EXPECT_EQ(Memo(disk, "memo", stale).done().size(), 10U);
}

TEST(MemoCompact, LosesNothingWhereverItCrashes) {
  RecordingFileSystem disk;
  const auto definition = line(40);
  const auto other = define(R"({"axes": {"j": {"range": 5}}})");
  for (int rank = 0; rank < 3; ++rank) {
    const auto& subject = rank == 2 ? other : definition;
    MemoWriter writer(disk, "memo", subject, origin("a", rank), {.flush_bytes = 50});
    for (std::uint64_t p = 0; p < subject.grid.size(); ++p) {
      writer.add(p, p % 7 == 3 ? failure("no") : success({{"x", static_cast<double>(p)}}));
    }
    writer.close();
  }
  const auto contents = read_all(Memo(disk, "memo", definition));
  const auto others = read_all(Memo(disk, "memo", other));
  RecordingFileSystem durable(disk.killed_after(disk.operations()));
  compact_memo(durable, "memo", definition, origin("b"));

  const auto states =
      for_each_crash_state(durable, {.states = 2000}, [&](RecordingFileSystem& crashed, const auto& at) {
        SCOPED_TRACE(at.text());
        EXPECT_EQ(read_all(Memo(crashed, "memo", definition)), contents);
        EXPECT_EQ(read_all(Memo(crashed, "memo", other)), others);
        compact_memo(crashed, "memo", definition, origin("c"));
        EXPECT_EQ(crashed.list("memo").size(), 1U);
        EXPECT_EQ(read_all(Memo(crashed, "memo", definition)), contents);
      });

  EXPECT_GT(states, 30U);
}

}  // namespace
}  // namespace surd::test
