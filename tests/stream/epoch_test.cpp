// A kill costs what was read since the last commit: at most an epoch, or half of what memory holds.
#include <gtest/gtest.h>

#include <algorithm>

#include "scratch_test_folder.hpp"
#include "surd/base/random.hpp"
#include "surd/stream/compile.hpp"
#include "surd/stream/detail/local_run.hpp"

namespace surd::stream {
namespace {

constexpr std::uint64_t MiB = 1 << 20;
constexpr std::uint64_t memory_bytes = 8 * MiB;
constexpr Cut cut{.unit_bytes = MiB / 2, .memory_bytes = memory_bytes, .partitions = 16};

class EpochTest : public testing::Test {
 protected:
  /// Most bytes between two commits of one of the job's stages, all done by one worker.
  std::uint64_t most_between_commits(const DataJob& job, std::uint64_t epoch_bytes, std::size_t which = 0) {
    auto& files = storage::local_file_system();
    memory::Budget budget(memory_bytes);
    memory::Pressure pressure(memory_bytes);
    storage::AsyncIo io;
    detail::LocalSpills spills(files, folder_.path());
    Worker worker{files, spills, budget, pressure, io, folder_.path(), {}, {}};
    worker.epoch_bytes = epoch_bytes;
    std::uint64_t most = 0;
    std::vector<std::vector<Artifact>> artifacts;
    for (std::size_t k = 0; k <= which; ++k) {
      std::vector<Artifact> made;
      const auto stage = job.stage(k, artifacts);
      most = 0;
      stage->run(0, stage->units(), worker, [&](const Artifact& artifact) {
        std::uint64_t bytes = 0;
        for (auto unit = artifact.first; unit < artifact.last; ++unit) bytes += stage->unit_bytes(unit);
        most = std::max(most, bytes);
        made.push_back(artifact);
      });
      spills.own().flush(io);
      artifacts.push_back(std::move(made));
    }
    return most;
  }

  void expect_commits(const DataJob& job) {
    EXPECT_LE(most_between_commits(job, MiB), 3 * MiB);
    EXPECT_GT(most_between_commits(job, UINT64_MAX), 8 * MiB) << "seldom, so that short runs are few";
  }

  ScratchTestFolder folder_;
};

TEST_F(EpochTest, BoundsWhatASortOfRecordsMayLose) {
  RecordSort sort;
  sort.inputs = {folder_.write("in.bin", std::string(80 * MiB, 'r'))};
  sort.format.record_bytes = 16;
  sort.format.key.push_back({.type = external::FieldType::u64, .offset = 0, .bytes = 8});
  sort.output = folder_.path() / "out.bin";
  CompileOptions options;
  options.memory_bytes = memory_bytes;

  const auto job = compile(sort, options, cut, storage::local_file_system());
  expect_commits(*job);
  const auto merge = job->stages() - 1;
  EXPECT_LE(most_between_commits(*job, 2 * MiB, merge), 4 * MiB);
  EXPECT_LE(most_between_commits(*job, UINT64_MAX, merge), 33 * MiB);
  EXPECT_GE(most_between_commits(*job, UINT64_MAX, merge), 31 * MiB)
      << "seldom, since each waits for the disk";
}

TEST_F(EpochTest, BoundsWhatSortsAndGroupsOfRowsMayLose) {
  std::string text = "k,v\n";
  base::RandomStream random(5, 0);
  while (text.size() < 12 * MiB) text += std::to_string(random.below(1'000'000)) + ",some text\n";
  Query query;
  query.input.paths = {folder_.write("in.csv", text).string()};
  table::OutputSpec output;
  output.path = folder_.path() / "out.csv";
  CompileOptions options;
  options.memory_bytes = memory_bytes;

  for (const char* steps :
       {R"([{"sort": ["k"]}])", R"([{"group": {"by": ["k"], "n": "count", "order": "any"}}])"}) {
    SCOPED_TRACE(steps);
    const auto document = base::Json::parse(steps);
    query.steps = parse_steps(base::Spec(document, "steps"));
    expect_commits(*compile(query, output, options, cut, storage::local_file_system()));
  }
}

}  // namespace
}  // namespace surd::stream
