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
        {.step = "sort", .format = format_, .memory_bytes = memory_bytes, .last_bytes = memory_bytes / 2},
        runs, {.fan_in = fan_in, .passes_after = merges_after - 1, .last_runs = fan_in});
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

TEST_F(MergePassTest, MergesAsManyRunsAsThereAreInOneLastPass) {
  std::vector<std::vector<Artifact>> before{form_runs(50)};

  before.push_back(pass(last_runs(before, {0}), 1, 2, 1));  // five levels
  const auto runs = last_runs(before, {0, 1});
  EXPECT_EQ(runs.size(), 2U);

  const auto result = merged(runs);
  std::ranges::stable_sort(records_, {}, &Record::key);
  ASSERT_EQ(result.size(), records_.size());
  for (std::size_t i = 0; i < result.size(); ++i) ASSERT_EQ(result[i].position, records_[i].position) << i;
}

TEST(MergePasses, AreAsManyAsRunsDemand) {
  EXPECT_TRUE(plan_passes(10, 10).spare);
  EXPECT_FALSE(plan_passes(11, 10).spare);
  EXPECT_EQ(plan_passes(11, 10).passes, 1U);
  EXPECT_EQ(plan_passes(26, 10).passes, 2U);  // with some to spare
}

TEST(MergePasses, TakeFewerRunsAtOnceWhereRecordsAreLong) {
  const Merging merging{.step = "sort by k",
                        .format = {.record_bytes = 0, .key = {}},
                        .memory_bytes = 8 << 20,
                        .last_bytes = 2 << 20};
  const auto limits = [&](std::uint64_t longest) {
    return limits_for(merging, std::vector<external::Run>(40, {.records = 1, .longest_bytes = longest}), 0);
  };

  EXPECT_GT(limits(100).last_runs, 40U);
  EXPECT_LT(limits(200 << 10).last_runs, 10U);
  EXPECT_GE(limits(1 << 20).fan_in, 2U);
  EXPECT_EQ(limits(1 << 20).last_runs, 1U);
  try {
    static_cast<void>(limits(2 << 20));
    FAIL() << "no error";
  } catch (const base::UsageError& e) {
    EXPECT_STREQ(e.what(),
                 "sort by k: merging rows of up to 2.00 MiB takes at least --memory 13MiB, not 8.00 MiB");
  }
}

}  // namespace
}  // namespace surd::stream::detail
