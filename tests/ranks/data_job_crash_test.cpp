// A data job of one rank on disks that crash, lose power and fill up, at every operation.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "data_job_support.hpp"
#include "support/crash_states.hpp"
#include "support/rank_main.hpp"
#include "support/unreliable_file_system.hpp"
#include "surd/base/error.hpp"
#include "surd/ranks/data_job.hpp"

namespace surd::ranks {
namespace {

constexpr std::uint64_t epoch_bytes = 2000;
/// Most units of one epoch and the commit that ends it.
constexpr std::uint64_t epoch_units = epoch_bytes / 100 + 2;

const test::ToyShape shape{.blocks = 30, .residues = 40, .numbers = 50, .name = "toy"};
constexpr std::uint64_t all_units = 30 + 2 * 40;

DataJobResult run(storage::FileSystem& files, test::ToyHooks& hooks, const std::string& name) {
  const std::atomic<bool> stop{false};
  const test::ToyJob job(shape, hooks, "disk/out");
  const DataJobOptions options{.work = "disk/work",
                               .run = name,
                               .scratch = "disk",
                               .memory_bytes = 1 << 20,
                               .epoch_bytes = epoch_bytes,
                               .stale_seconds = 0.1};
  return run_data_job(*surd_test_session, job, files, options, stop, {});
}

std::uint64_t units(const test::ToyHooks& hooks) {
  return hooks.units[0].load() + hooks.units[1].load() + hooks.units[2].load();
}

void expect_result(test::RecordingFileSystem& disk) {
  EXPECT_EQ(storage::read_file(disk, "disk/out"), test::toy_result(shape));
}

TEST(DataJobCrash, LosesAtMostAnEpochWhateverTheDiskKept) {
  test::RecordingFileSystem disk;
  test::ToyHooks hooks;
  std::vector<std::pair<std::size_t, std::uint64_t>> known;  // operations, and units done by then
  hooks.before_commit = [&] { known.emplace_back(disk.operations(), units(hooks)); };
  const auto first = run(disk, hooks, "first");
  ASSERT_TRUE(first.complete);
  ASSERT_GT(first.epochs, 4U);

  const auto resume = [&](test::RecordingFileSystem& crashed, const test::CrashPoint& at) {
    SCOPED_TRACE(at.text());
    std::uint64_t before = 0;
    for (const auto& [operations, done] : known) before = operations <= at.operations ? done : before;
    test::ToyHooks again;
    ASSERT_TRUE(run(crashed, again, "second").complete);
    expect_result(crashed);
    const auto repeated = units(again) + before - std::min(all_units, units(again) + before);
    const std::uint64_t epochs = at.power_lost ? 2 : 1;  // one of them may have been about to be synced
    ASSERT_LE(repeated, epochs * epoch_units);
  };
  EXPECT_GT(test::for_each_crash_state(disk, {.states = 500}, resume), 300U);
}

TEST(DataJobCrash, SurvivesACrashOfTheResumeToo) {
  test::RecordingFileSystem disk;
  test::ToyHooks hooks;
  ASSERT_TRUE(run(disk, hooks, "first").complete);
  const auto operations = disk.operations();
  for (const auto share : {3U, 5U, 8U}) {
    test::RecordingFileSystem crashed(disk.killed_after(operations * share / 10, 7));
    ASSERT_TRUE(run(crashed, hooks, "second").complete);
    const auto thrice = [&](test::RecordingFileSystem& twice, const test::CrashPoint& at) {
      SCOPED_TRACE(at.text());
      ASSERT_TRUE(run(twice, hooks, "third").complete);
      expect_result(twice);
    };
    EXPECT_GT(test::for_each_crash_state(crashed, {.states = 60, .seed = share}, thrice), 30U);
  }
}

TEST(DataJobCrash, SaysThatTheDiskIsFullAndGoesOnOnceItIsNot) {
  std::size_t failures = 0;
  for (std::size_t k = 1;; ++k) {
    test::RecordingFileSystem disk;
    test::FailingFileSystem failing(disk, {.at = k});
    test::ToyHooks hooks;
    bool failed = false;
    try {
      (void)run(failing, hooks, "first");
    } catch (const base::IoError& e) {
      failed = true;
      EXPECT_EQ(e.code(), ENOSPC) << e.what();
    }
    if (failing.operations() < k) break;
    failures += failed ? 1 : 0;
    EXPECT_TRUE(run(disk, hooks, "second").complete);
    expect_result(disk);
  }
  EXPECT_GT(failures, 40U);
}

}  // namespace
}  // namespace surd::ranks
