#include "surd/stream/detail/merge_pass.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "scratch_test_folder.hpp"
#include "surd/base/random.hpp"
#include "surd/external/sort.hpp"
#include "surd/stream/detail/local_run.hpp"

namespace surd::stream::detail {
namespace {

constexpr std::uint64_t memory_bytes = 4 << 20;

/// A key, and where it stood.
struct Record {
  std::uint64_t key;
  std::uint64_t position;
};

class MergePassTest : public testing::Test {
 protected:
  /// `count` runs of some records each, as the artifacts of a first stage.
  std::vector<Artifact> form_runs(std::size_t count) {
    spills_.begin(0);
    base::RandomStream random(3, 0);
    std::vector<Artifact> artifacts;
    for (std::size_t i = 0; i < count; ++i) {
      external::RunBuilder builder(format_, budget_, memory_bytes / 4, spills_.own(), 0, io_);
      for (auto left = 1 + random.below(500); left > 0; --left) {
        const auto& record = records_.emplace_back(Record{random.below(100), records_.size()});
        builder.push(std::as_bytes(std::span(&record, 1)));
      }
      UnitOutput output;
      output.runs = builder.finish();
      spills_.own().flush(io_);
      artifacts.push_back({i, i + 1, encode(output)});
    }
    return artifacts;
  }

  std::vector<Artifact> pass(const std::vector<external::Run>& runs, std::uint64_t stage,
                             std::uint64_t fan_in, std::size_t merges_after) {
    spills_.begin(stage);
    const auto merging = merge_pass_stage(
        format_, runs, {.fan_in = fan_in, .passes_after = merges_after - 1, .last_runs = fan_in},
        memory_bytes);
    std::vector<Artifact> artifacts;
    const auto commit = [&](Artifact artifact) {
      spills_.own().flush(io_);
      artifacts.push_back(std::move(artifact));
    };
    for (auto unit = merging->units(); unit > 0; --unit) merging->run(unit - 1, unit, worker_, commit);
    std::reverse(artifacts.begin(), artifacts.end());
    return artifacts;
  }

  std::vector<Record> merged(std::vector<external::Run> runs) {
    OpenFiles files(spills_);
    std::vector<external::RunRange> ranges;
    for (auto& run : runs) {
      run.file = files.index(run.file);
      ranges.push_back(external::whole(run));
    }
    const auto stream =
        external::merge_runs(format_, files.list(), std::move(ranges), budget_, memory_bytes / 2, io_);
    std::vector<Record> result;
    for (auto block = stream->next(); !block.empty(); block = stream->next()) {
      const auto before = result.size();
      result.resize(before + block.size() / sizeof(Record));
      std::memcpy(result.data() + before, block.data(), block.size());
    }
    return result;
  }

  external::RecordFormat format_{
      .record_bytes = sizeof(Record),
      .key = {{.type = external::FieldType::u64, .offset = 0, .bytes = 8, .descending = false}}};
  ScratchTestFolder folder_;
  storage::FileSystem& files_ = storage::local_file_system();
  memory::Budget budget_{memory_bytes};
  memory::Pressure pressure_{memory_bytes};
  storage::AsyncIo io_;
  LocalSpills spills_{files_, folder_.path()};
  Worker worker_{files_, spills_, budget_, pressure_, io_, folder_.path(), {}, {}};
  std::vector<Record> records_;
};

TEST_F(MergePassTest, MakesFewEnoughRunsInStableOrder) {
  std::vector<std::vector<Artifact>> before{form_runs(20)};

  before.push_back(pass(last_runs(before, {0}), 1, 3, 2));
  EXPECT_EQ(last_runs(before, {0, 1}).size(), 7U);  // nine are few enough; three at once
  before.push_back(pass(last_runs(before, {0, 1}), 2, 3, 1));
  const auto runs = last_runs(before, {0, 1, 2});
  EXPECT_EQ(runs.size(), 3U);

  const auto result = merged(runs);
  std::ranges::stable_sort(records_, {}, &Record::key);
  ASSERT_EQ(result.size(), records_.size());
  for (std::size_t i = 0; i < result.size(); ++i) ASSERT_EQ(result[i].position, records_[i].position) << i;
}

TEST_F(MergePassTest, LeavesFewRunsAsTheyAre) {
  std::vector<std::vector<Artifact>> before{form_runs(3)};

  before.push_back(pass(last_runs(before, {0}), 1, 3, 1));

  EXPECT_TRUE(before.back().empty());
  EXPECT_EQ(last_runs(before, {0, 1}).size(), 3U);
}

TEST(MergePasses, AreAsManyAsRunsDemand) {
  EXPECT_EQ(merge_passes_for(10, 10), 0U);
  EXPECT_EQ(merge_passes_for(11, 10), 1U);
  EXPECT_EQ(merge_passes_for(26, 10), 2U);  // with some to spare
}

}  // namespace
}  // namespace surd::stream::detail
