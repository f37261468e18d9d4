// A data job that goes on, on another node, from what a node left that died or whose processes died; on a
// disk that each sees late.
#include <gtest/gtest.h>

#include <stdexcept>

#include "data_job_support.hpp"
#include "support/rank_main.hpp"
#include "support/shared_disk.hpp"
#include "surd/base/error.hpp"
#include "surd/ranks/data_job.hpp"
#include "surd/ranks/detail/epoch_log.hpp"

namespace surd::ranks {
namespace {

const test::ToyShape shape{.blocks = 30, .residues = 40, .numbers = 50, .name = "toy"};

/// Ends a run from inside, as a kill would.
class Killed : public std::runtime_error {
 public:
  Killed() : std::runtime_error("killed") {}
};

enum class End { process_dies, node_dies };

struct Ended {
  bool complete = false;
  std::uint64_t resumed = 0;
};

/// Runs the job on `node` until the last-th commit; `look` is called at every unit.
Ended run(test::NodeFiles& node, const std::string& name, std::size_t last, End end,
          const std::function<void()>& look = {}) {
  std::size_t commits = 0;
  test::ToyHooks hooks;
  hooks.before_commit = [&] {
    if (++commits != last) return;
    if (end == End::node_dies) node.die();
    throw Killed();
  };
  if (look) hooks.unit = [&](std::size_t, std::uint64_t) { look(); };
  const std::atomic<bool> stop{false};
  const test::ToyJob job(shape, hooks, "disk/out");
  const DataJobOptions options{.work = "disk/work",
                               .run = name,
                               .scratch = "disk",
                               .memory_bytes = 1 << 20,
                               .epoch_bytes = 2000,
                               .stale_seconds = 0.1};
  try {
    const auto result = run_data_job(*surd_test_session, job, node, options, stop, {});
    return {result.complete, result.state.units_resumed};
  } catch (const Killed&) {
    return {};
  }
}

/// What a curious user or an earlier run asks on a node: it believes the answers for a while.
void look_around(test::NodeFiles& node) {
  for (const char* directory : {"disk/work", "disk/work/epochs", "disk/work/spill"}) {
    for (const auto& name : node.list(directory)) (void)node.file_size(storage::Path(directory) / name);
  }
  (void)node.file_size("disk/out");
}

std::string output(const test::SharedDisk& disk) { return disk.content().at("disk/out"); }

TEST(EpochsOnASharedDisk, CountOneOfTwoRunsThatTookTheSameNumber) {
  test::RecordingFileSystem disk;
  disk.make_directories(detail::epochs_directory("work"));
  for (const auto* name : {"a", "b"}) {
    for (int rank = 0; rank < 2; ++rank) {
      detail::EpochLog log(disk, "work", {1, name, rank, "job"});
      detail::Commit commit;
      commit.artifacts = {{static_cast<std::uint64_t>(rank), static_cast<std::uint64_t>(rank) + 1, name}};
      log.append(commit);
    }
  }

  const auto epochs = detail::read_epochs(disk, "work", "job");

  EXPECT_EQ(epochs.runs, (detail::RunNames{{1, "a"}}));
  ASSERT_EQ(epochs.commits.size(), 2U);
  for (const auto& commit : epochs.commits) EXPECT_EQ(commit.artifacts.at(0).content, "a");
}

class DataJobOnASharedDisk : public testing::TestWithParam<End> {};

TEST_P(DataJobOnASharedDisk, GoesOnOnAnotherNode) {
  std::uint64_t resumed = 0;
  for (std::size_t last = 1; last < 56; last += 3) {
    test::SharedDisk disk;
    test::NodeFiles a(disk, {.lag = 100, .seed = 2 * last});
    test::NodeFiles b(disk, {.lag = 100, .seed = 2 * last + 1});
    a.make_directories("disk");
    ASSERT_FALSE(run(a, "first", last, GetParam(), [&] { look_around(b); }).complete);

    const auto second = run(b, "second", 0, GetParam());

    ASSERT_TRUE(second.complete) << last;
    ASSERT_EQ(output(disk), test::toy_result(shape)) << last;
    resumed += second.resumed;
  }
  EXPECT_GT(resumed, 100U);
}

TEST_P(DataJobOnASharedDisk, GoesOnThoughASecondRunDidNotSeeTheFirst) {
  for (std::size_t last = 5; last < 56; last += 5) {
    test::SharedDisk disk;
    test::NodeFiles a(disk, {.lag = 0, .seed = 1});
    test::NodeFiles b(disk, {.lag = 1'000'000, .seed = last});
    test::NodeFiles c(disk, {.lag = 0, .seed = 3});
    a.make_directories("disk");
    look_around(b);  // nothing is there, it will believe
    ASSERT_FALSE(run(a, "first", last, GetParam()).complete);
    ASSERT_FALSE(run(b, "second", 60 - last, GetParam()).complete);

    ASSERT_TRUE(run(c, "third", 0, GetParam()).complete) << last;
    ASSERT_EQ(output(disk), test::toy_result(shape)) << last;
  }
}

INSTANTIATE_TEST_SUITE_P(WhoseEnd, DataJobOnASharedDisk, testing::Values(End::process_dies, End::node_dies),
                         [](const auto& whose) {
                           return whose.param == End::node_dies ? "NodeDies" : "ProcessDies";
                         });

}  // namespace
}  // namespace surd::ranks
