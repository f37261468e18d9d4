// The outputs of data jobs of one rank: under their temporary names, while they are renamed, and after a
// loss.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/crash_states.hpp"
#include "support/rank_main.hpp"
#include "support/recording_file_system.hpp"
#include "surd/base/error.hpp"
#include "surd/ranks/data_job.hpp"
#include "surd/stream/compile.hpp"
#include "surd/stream/pipeline.hpp"

namespace surd::ranks {
namespace {

constexpr std::uint64_t memory_bytes = 8 << 20;
constexpr int rows = 300;
const storage::Path out = "disk/out.csv";
const storage::Path quarantine = "disk/out.csv.bad.csv";

enum class Kind {
  adopt,  ///< The pieces of the output lie in their spill file as they are to be.
  copy,   ///< They do not, since bad rows lie there, too.
  sort    ///< As copy, but through a sort.
};

std::string input(Kind kind) {
  std::string text = "a,b\n";
  for (int i = 0; i < rows; ++i) {
    const bool bad = kind != Kind::adopt && i % 50 == 17;
    text += std::to_string(i * 7919 % rows) + (bad ? "\n" : ",x\n");
  }
  return text;
}

/// A disk that holds the input, as if from before.
test::RecordingFileSystem fresh_disk(Kind kind) {
  test::DiskContent content;
  content.directories = {"disk"};
  content.names["disk/in.csv"] = 0;
  content.files = {input(kind)};
  return test::RecordingFileSystem(std::move(content));
}

DataJobResult run(storage::FileSystem& files, Kind kind, const std::string& name,
                  const std::atomic<bool>& stop = false) {
  stream::Query query;
  query.input.paths = {"disk/in.csv"};
  query.input.on_bad_row = table::OnBadRow::quarantine;
  query.steps = {stream::derive("c", "a + 1")};
  if (kind == Kind::sort) query.steps.push_back(stream::sort({stream::ascending("a")}));
  table::OutputSpec output;
  output.path = out;
  const stream::CompileOptions compiling{.memory_bytes = memory_bytes};
  const stream::Cut cut{.unit_bytes = 500, .memory_bytes = memory_bytes, .partitions = 16};
  const auto job = stream::compile(query, output, compiling, cut, files);
  const DataJobOptions options{.work = "disk/work",
                               .run = name,
                               .scratch = "disk",
                               .memory_bytes = memory_bytes,
                               .epoch_bytes = 500,
                               .stale_seconds = 0.1};
  return run_data_job(*surd_test_session, *job, files, options, stop, {});
}

std::string read(storage::FileSystem& files, const storage::Path& path) {
  return storage::read_file(files, path);
}

std::vector<std::string> parts(storage::FileSystem& files) {
  auto names = files.list("disk");
  std::erase_if(names, [](const auto& name) { return !name.ends_with(".part"); });
  return names;
}

/// Number of operations before the first of a kind on a path with this ending.
std::size_t first(const test::RecordingFileSystem& disk, test::Operation::Kind kind,
                  std::string_view ending) {
  const auto log = disk.log();
  const auto found = std::ranges::find_if(log, [&](const auto& operation) {
    return operation.kind == kind && (operation.path.ends_with(ending) || operation.to.ends_with(ending));
  });
  EXPECT_NE(found, log.end());
  return static_cast<std::size_t>(found - log.begin());
}

class DataJobOutput : public testing::TestWithParam<Kind> {
 protected:
  DataJobOutput() : disk_(fresh_disk(GetParam())) {
    EXPECT_TRUE(run(disk_, GetParam(), "first").complete);
    expected_ = read(disk_, out);
    if (quarantines()) expected_quarantine_ = read(disk_, quarantine);
  }

  static bool quarantines() { return GetParam() != Kind::adopt; }

  void expect_result(storage::FileSystem& files) {
    EXPECT_EQ(read(files, out), expected_);
    EXPECT_EQ(quarantines() ? read(files, quarantine) : "", expected_quarantine_);
    EXPECT_THAT(parts(files), testing::IsEmpty());
  }

  test::RecordingFileSystem disk_;
  std::string expected_;
  std::string expected_quarantine_;
};

TEST_P(DataJobOutput, IsRightAfterACrashAtAnyOperation) {
  if (GetParam() == Kind::adopt) (void)first(disk_, test::Operation::Kind::link, ".part");
  const auto resume = [&](test::RecordingFileSystem& crashed, const test::CrashPoint& at) {
    SCOPED_TRACE(at.text());
    ASSERT_TRUE(run(crashed, GetParam(), "second").complete);
    expect_result(crashed);
  };
  EXPECT_GT(test::for_each_crash_state(disk_, {.states = 400}, resume), 250U);
}

TEST_P(DataJobOutput, IsMadeAnewIfItsPartIsLost) {
  const auto begin = first(disk_, test::Operation::Kind::sync, ".part");
  const auto end = first(disk_, test::Operation::Kind::rename, "out.csv");
  for (auto operations = begin; operations <= end; ++operations) {
    for (const bool cut : {false, true}) {
      test::RecordingFileSystem crashed(disk_.killed_after(operations));
      SCOPED_TRACE(operations);
      for (const auto& name : parts(crashed)) {
        const auto part = storage::Path("disk") / name;
        const auto content = read(crashed, part);
        crashed.remove(part);
        if (cut) crashed.create(part)->append(std::as_bytes(std::span(content)).first(content.size() / 2));
      }

      EXPECT_TRUE(run(crashed, GetParam(), "second").complete);

      expect_result(crashed);
    }
  }
}

TEST_P(DataJobOutput, StaysRightIfTheRunAfterALossIsKilledToo) {
  test::RecordingFileSystem lost(disk_.killed_after(first(disk_, test::Operation::Kind::rename, "out.csv")));
  for (const auto& name : parts(lost)) lost.remove(storage::Path("disk") / name);
  ASSERT_TRUE(run(lost, GetParam(), "second").complete);
  const auto resume = [&](test::RecordingFileSystem& crashed, const test::CrashPoint& at) {
    SCOPED_TRACE(at.text());
    ASSERT_TRUE(run(crashed, GetParam(), "third").complete);
    expect_result(crashed);
  };
  EXPECT_GT(test::for_each_crash_state(lost, {.states = 100, .seed = 2}, resume), 60U);
}

TEST_P(DataJobOutput, IsNotTakenForAnOlderFileOfItsSize) {
  test::RecordingFileSystem lost(disk_.killed_after(first(disk_, test::Operation::Kind::rename, "out.csv")));
  for (const auto& name : parts(lost)) lost.remove(storage::Path("disk") / name);
  const std::string older(expected_.size(), 'o');
  lost.create(out)->append(std::as_bytes(std::span(older)));

  EXPECT_TRUE(run(lost, GetParam(), "second").complete);

  expect_result(lost);
}

TEST_P(DataJobOutput, IsNotMadeAgainIfOnlyTheRecordOfItsEndIsMissing) {
  test::RecordingFileSystem killed(
      disk_.killed_after(first(disk_, test::Operation::Kind::rename, "out.csv") + 1));

  const auto result = run(killed, GetParam(), "second");

  EXPECT_TRUE(result.complete);
  EXPECT_GT(result.state.units_resumed, 0U);
  EXPECT_EQ(result.phases.size(), 0U) << "stages that were not complete";
  expect_result(killed);
}

std::string name_of(const testing::TestParamInfo<Kind>& job) {
  if (job.param == Kind::adopt) return "adopt";
  return job.param == Kind::copy ? "copy" : "sort";
}

INSTANTIATE_TEST_SUITE_P(Jobs, DataJobOutput, testing::Values(Kind::adopt, Kind::copy, Kind::sort), name_of);

}  // namespace
}  // namespace surd::ranks
