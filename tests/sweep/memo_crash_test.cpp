#include <set>

#include <gtest/gtest.h>

#include "support/crash_states.hpp"
#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::Memo;
using sweep::MemoWriter;

constexpr std::uint64_t points = 60;

sweep::Outcome result_of(std::uint64_t position) {
  if (position % 9 == 4) return failure(fmt::format("failure at {}", position));
  return success({{"x", static_cast<double>(position) / 3}, {"n", position}});
}

/// What the disk must hold from a number of operations on.
struct Acknowledged {
  std::size_t operations;
  bool synced;
  std::set<std::uint64_t> positions;
};

/// Two ranks that take turns, flush every 3 points and sync every 9.
std::vector<Acknowledged> sweep_with_two_writers(RecordingFileSystem& disk,
                                                 const sweep::Definition& definition) {
  std::vector<Acknowledged> acknowledged;
  std::vector<MemoWriter> writers;
  std::vector<std::set<std::uint64_t>> written(2);
  for (int rank = 0; rank < 2; ++rank) writers.emplace_back(disk, "memo", definition, origin("a", rank));
  for (std::uint64_t p = 0; p < points; ++p) {
    const auto rank = p % 2;
    writers[rank].add(p, result_of(p));
    written[rank].insert(p);
    if (written[rank].size() % 3 != 0) continue;
    const bool synced = written[rank].size() % 9 == 0;
    if (synced) {
      writers[rank].sync();
    } else {
      writers[rank].flush();
    }
    acknowledged.push_back({disk.operations(), synced, written[rank]});
  }
  for (auto& writer : writers) writer.close();
  return acknowledged;
}

void complete(RecordingFileSystem& disk, const sweep::Definition& definition) {
  const Memo memo(disk, "memo", definition);
  MemoWriter writer(disk, "memo", definition, origin("b"));
  for (std::uint64_t p = 0; p < points; ++p) {
    if (!memo.done().contains(p) && !memo.failed().contains(p)) writer.add(p, result_of(p));
  }
  writer.close();
}

TEST(MemoCrash, LosesNothingAcknowledgedHoldsNothingWrongAndCompletes) {
  const auto definition = line(points, 7);
  RecordingFileSystem disk;
  const auto acknowledged = sweep_with_two_writers(disk, definition);
  Contents expected;
  for (std::uint64_t p = 0; p < points; ++p) expected[p] = exact(result_of(p));
  ASSERT_EQ(read_all(Memo(disk, "memo", definition)), expected);

  const auto states =
      for_each_crash_state(disk, {.states = 10'000}, [&](auto& crashed, const CrashPoint& at) {
        SCOPED_TRACE(at.text());
        const auto contents = read_all(Memo(crashed, "memo", definition));
        for (const auto& [position, outcome] : contents) ASSERT_EQ(outcome, expected.at(position));
        for (const auto& known : acknowledged) {
          if (known.operations > at.operations || (at.power_lost && !known.synced)) continue;
          for (const auto position : known.positions) ASSERT_TRUE(contents.contains(position)) << position;
        }

        complete(crashed, definition);
        ASSERT_EQ(read_all(Memo(crashed, "memo", definition)), expected);
      });

  EXPECT_GE(states, 10'000U);
}

}  // namespace
}  // namespace surd::test
