// The outputs of data jobs of one rank: under their temporary names, while they are renamed, and after a
// loss.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data_job_disk.hpp"
#include "support/crash_states.hpp"
#include "surd/ranks/epochs.hpp"

namespace surd::ranks {
namespace {

using namespace test;

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
  std::size_t left_at_the_end = 0;
  const auto resume = [&](test::RecordingFileSystem& crashed, const test::CrashPoint& at) {
    SCOPED_TRACE(at.text());
    const auto report = verify_epochs(crashed, "disk/work");
    ASSERT_TRUE(report.sound());
    if (report.finished) {
      EXPECT_EQ(report.released.size(), crashed.list("disk/work/spill").size());
      left_at_the_end += report.released.size();
    }
    ASSERT_TRUE(run(crashed, GetParam(), "second").complete);
    expect_result(crashed);
    EXPECT_THAT(crashed.list("disk/work/spill"), testing::IsEmpty());
  };
  EXPECT_GT(test::for_each_crash_state(disk_, {.states = 400}, resume), 250U);
  EXPECT_GT(left_at_the_end, 0U) << "no crash came between the end and the removal of spill files";
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
