// Memo and leases on a disk that several nodes share, and see late.
#include <cmath>
#include <optional>

#include <gtest/gtest.h>

#include "support/shared_disk.hpp"
#include "surd/sweep/lease.hpp"
#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::PointSet;

constexpr std::uint64_t all_points = 400;
constexpr sweep::MemoWriterOptions often{.flush_bytes = 64, .flush_seconds = 1e9, .sync_seconds = 1e9};

sweep::Outcome outcome_of(std::uint64_t position) {
  return success({{"root", std::sqrt(static_cast<double>(position))},
                  {"square", static_cast<std::int64_t>(position * position)}});
}

Contents expected() {
  Contents contents;
  for (std::uint64_t p = 0; p < all_points; ++p) contents[p] = exact(outcome_of(p));
  return contents;
}

/// What a node sees that has never looked before.
Contents seen_anew(const SharedDisk& disk, const sweep::Definition& definition) {
  SharedDisk copy(disk);
  NodeFiles files(copy);
  return read_all(sweep::Memo(files, "memo", definition));
}

TEST(MemoOnASharedDisk, IsSeenAsPartOfWhatWasWrittenAndInTheEndAsAllOfIt) {
  const auto definition = line(all_points);
  SharedDisk disk;
  NodeFiles a(disk, {.seed = 1});
  NodeFiles b(disk, {.seed = 2});
  NodeFiles reader(disk, {.lag = 50, .seed = 3});
  a.make_directories("memo");
  sweep::Memo memo(reader, "memo", definition);
  {
    sweep::MemoWriter of_a(a, "memo", definition, origin("run", 0), often);
    sweep::MemoWriter of_b(b, "memo", definition, origin("run", 1), often);
    for (std::uint64_t p = 0; p < all_points; ++p) {
      (p % 2 == 0 ? of_a : of_b).add(p, outcome_of(p));
      const auto before = memo.done().size();
      memo.refresh();
      ASSERT_GE(memo.done().size(), before);
      PointSet unwritten(sweep::Run{p + 1, all_points - p - 1});
      unwritten &= memo.done();
      ASSERT_TRUE(unwritten.empty());
      for (const auto& damage : memo.damage()) ASSERT_TRUE(damage.tail);
    }
    EXPECT_GT(memo.done().size(), all_points / 4);
    of_a.close();
    of_b.close();
  }
  for (int calls = 0; calls < 200; ++calls) (void)reader.list("memo");
  memo.refresh();

  EXPECT_EQ(memo.done().size(), all_points);
  EXPECT_EQ(read_all(memo), expected());
}

/// A job of one rank on a node of its own.
struct Job {
  Job(SharedDisk& disk, const sweep::Definition& wanted, std::uint64_t number, const double& now)
      : definition(wanted),
        files(disk, {.lag = 30, .seed = number}),
        memo(files, "memo", wanted),
        leases(files, "leases", wanted, fmt::format("job{}", number), 0.02, [&now] { return now; }),
        writer(std::in_place, files, "memo", wanted, origin(fmt::format("run{}", number)), often) {}

  /// Claims some points, computes them. False once it sees all of them stored.
  bool step() {
    leases.beat();
    memo.refresh();
    auto missing = PointSet(sweep::Run{0, all_points});
    missing -= memo.done();
    missing -= mine;
    if (missing.empty()) {
      if (writer) writer->close();
      writer.reset();
      leases.release();
      return false;
    }
    missing -= leases.others();
    PointSet wanted;
    if (const auto run = missing.next_run(first, 10)) {
      wanted.add(*run);
    } else if (const auto earlier = missing.next_run(0, 10)) {
      wanted.add(*earlier);
    }
    compute(leases.claim(wanted));
    return true;
  }

  void compute(const PointSet& claim) {
    if (claim.empty()) return writer->sync();  // others may wait for what is here
    for (auto run = claim.next_run(0); run; run = claim.next_run(run->end())) {
      for (auto p = run->first; p < run->end(); ++p, ++computed) writer->add(p, outcome_of(p));
    }
    mine |= claim;
  }

  const sweep::Definition& definition;
  NodeFiles files;
  sweep::Memo memo;
  sweep::Leases leases;
  std::optional<sweep::MemoWriter> writer;
  std::uint64_t first = 0;  ///< Where it begins to look for work.
  PointSet mine;
  std::uint64_t computed = 0;
};

TEST(MemoOnASharedDisk, IsFilledByTwoNodesThatSeeEachOtherLate) {
  const auto definition = line(all_points);
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SharedDisk disk;
    double now = 0;
    Job a(disk, definition, 2 * seed, now);
    Job b(disk, definition, 2 * seed + 1, now);
    base::RandomStream choice(seed, 0);
    bool more_a = true;
    bool more_b = true;
    for (int steps = 0; more_a || more_b; ++steps) {
      ASSERT_LT(steps, 2000) << seed;
      now += 1e-4;
      auto& turn = choice.below(2) == 0 ? a : b;
      auto& more = &turn == &a ? more_a : more_b;
      if (more) more = turn.step();
    }

    EXPECT_EQ(seen_anew(disk, definition), expected());
    EXPECT_LE(a.computed + b.computed, 2 * all_points);
  }
}

TEST(MemoOnASharedDisk, IsFilledByOneNodeIfTheOtherDies) {
  const auto definition = line(all_points);
  for (std::uint64_t steps_of_a = 1; steps_of_a < 20; steps_of_a += 2) {
    SharedDisk disk;
    double now = 0;
    Job a(disk, definition, 1, now);
    Job b(disk, definition, 2, now);
    for (std::uint64_t step = 0; step < steps_of_a; ++step) {
      a.step();
      b.step();
      now += 1e-4;
    }
    a.files.die();
    for (int steps = 0; b.step(); ++steps) {
      ASSERT_LT(steps, 2000);
      now += 1e-3;  // until the lease of the dead is stale
    }

    EXPECT_EQ(seen_anew(disk, definition), expected());
  }
}

}  // namespace
}  // namespace surd::test
