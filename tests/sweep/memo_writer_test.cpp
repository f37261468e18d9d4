#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"
#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::Array;
using sweep::Memo;
using sweep::MemoWriter;

TEST(MemoWriter, KeepsRunsOfPointsInOneBlock) {
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

TEST(MemoWriter, WritesAtOnceWhatTookLongOrWaitedLong) {
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

TEST(MemoWriter, FlushesByBytesAndSyncsByTime) {
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

TEST(MemoWriter, RefusesWhatCannotBeStored) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  MemoWriter writer(disk, "memo", definition, origin());

  EXPECT_THROW(writer.add(0, success({{"a", Array({2, 2}, {1, 2, 3})}})), base::UsageError);
  EXPECT_THROW(writer.add(0, success({{"a", 1.0}, {"a", 2.0}})), base::UsageError);
  EXPECT_EQ(
      sweep::why_unstorable({{"a", Array({~0ULL, ~0ULL, 2}, {1})}}),
      "result \"a\": an array of shape [18446744073709551615, 18446744073709551615, 2] cannot hold 1 values");
}

TEST(MemoWriter, MixesFailuresAndResultsOfAnySchemaInAnyOrder) {
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

TEST(MemoWriter, UsesAnotherFileIfItsNameIsTaken) {
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

}  // namespace
}  // namespace surd::test
