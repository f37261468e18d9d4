#include "surd/batch/survey.hpp"

#include <chrono>
#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "surd/base/random.hpp"
#include "surd/batch/timeline.hpp"
#include "surd/memory/limits.hpp"

namespace {

using surd::batch::Job;
using surd::batch::VersionChange;

/// A work directory that goes with the test.
class SurveyTest : public testing::Test {
 protected:
  SurveyTest() {
    work_.root = std::filesystem::temp_directory_path() / ("surd-survey-" + std::to_string(getpid()));
    work_.memo = work_.root / "memo";
  }
  ~SurveyTest() override { std::filesystem::remove_all(work_.root); }

  static Job job(const std::string& keys, const std::string& version = "1") {
    const auto body = [](const surd::sweep::Point&, surd::sweep::Context&) { return surd::sweep::Values{}; };
    const std::vector functions = {surd::sweep::function("f", body, {.version = version})};
    return surd::batch::parse_job("kind: sweep\nname: s\nfunction: f\n" + keys, "job.yaml", {}, functions);
  }

  void store(const Job& job, const surd::sweep::PointSet& points, surd::sweep::Status status,
             const std::string& run) {
    surd::sweep::MemoWriter writer(files_, work_.memo, *job.definition, {run, 0, "host", "test"});
    surd::sweep::Outcome outcome;
    outcome.status = status;
    outcome.seconds = 2;
    if (status == surd::sweep::Status::ok) outcome.values = {{"x", 1.0}};
    for (auto at = points.next_run(0); at; at = points.next_run(at->end())) {
      for (auto position = at->first; position < at->end(); ++position) writer.add(position, outcome);
    }
    writer.close();
  }

  surd::storage::FileSystem& files_ = surd::storage::local_file_system();
  surd::batch::WorkDirectory work_;
};

TEST_F(SurveyTest, CountsPointsAndChunksAsAScanOfAllWould) {
  const auto job = SurveyTest::job(
      "axes: {a: {range: 40}, b: {range: 30}}\nchunk: {a: 7, b: 4}\nwhere: 'a < 30 or b % 2 == 0'\n");
  const auto& grid = job.definition->grid;
  surd::base::RandomStream random(1, 1);
  surd::sweep::PointSet done;
  surd::sweep::PointSet failed;
  for (int i = 0; i < 12; ++i) done.add({random.below(1000), 1 + random.below(120)});
  for (int i = 0; i < 40; ++i) failed.add(random.below(grid.size()));
  store(job, done, surd::sweep::Status::ok, "20260101T000000-0000000a");
  store(job, failed, surd::sweep::Status::failed, "20260101T000001-0000000b");

  const auto survey = surd::batch::survey(files_, work_, job);

  const auto excluded = grid.excluded();
  std::uint64_t expected_done = 0;
  std::uint64_t expected_failed = 0;
  std::uint64_t complete = 0;
  std::uint64_t partial = 0;
  for (std::uint64_t chunk = 0; chunk < grid.chunk_count(); ++chunk) {
    std::uint64_t settled = 0;
    for (auto at = grid.chunk_begin(chunk); at < grid.chunk_begin(chunk + 1); ++at) {
      const bool out = excluded.contains(at);
      expected_done += !out && done.contains(at) ? 1U : 0U;
      expected_failed += !out && !done.contains(at) && failed.contains(at) ? 1U : 0U;
      settled += out || done.contains(at) || failed.contains(at) ? 1U : 0U;
    }
    const auto size = grid.chunk_begin(chunk + 1) - grid.chunk_begin(chunk);
    complete += settled == size ? 1U : 0U;
    partial += settled > 0 && settled < size ? 1U : 0U;
  }
  EXPECT_EQ(survey.total, grid.size() - excluded.size());
  EXPECT_EQ(survey.done, expected_done);
  EXPECT_EQ(survey.failed, expected_failed);
  EXPECT_EQ(survey.complete_chunks, complete);
  EXPECT_EQ(survey.partial_chunks, partial);
  EXPECT_EQ(survey.missing_chunks(), grid.chunk_count() - complete - partial);
  EXPECT_DOUBLE_EQ(survey.point_seconds, 2);
  EXPECT_GT(complete, 0U);
  EXPECT_GT(survey.missing_chunks(), 0U);
}

TEST_F(SurveyTest, RefusesToGuessWhatANewVersionMeans) {
  const std::string axes = "axes: {a: {range: 10}}\n";
  store(job(axes), surd::sweep::PointSet({0, 4}), surd::sweep::Status::ok, "20260101T000000-0000000a");
  auto newer = job(axes, "2");

  const auto survey = surd::batch::survey(files_, work_, newer);

  EXPECT_EQ(survey.done, 0U);
  EXPECT_EQ(survey.other_points(), 4U);
  EXPECT_THAT(version_refusal(survey, newer),
              testing::AllOf(testing::HasSubstr("4 of version '1'"), testing::HasSubstr("is version '2'"),
                             testing::HasSubstr("--version-change new"),
                             testing::HasSubstr("--version-change keep")));
  newer.on_version_change = VersionChange::fresh;
  EXPECT_EQ(version_refusal(survey, newer), "");
  newer.on_version_change = VersionChange::keep;
  EXPECT_EQ(version_refusal(survey, newer), "");
  EXPECT_EQ(surd::batch::survey(files_, work_, newer).done, 4U);
  newer.on_version_change = VersionChange::error;
  store(newer, surd::sweep::PointSet({0, 10}), surd::sweep::Status::ok, "20260101T000001-0000000b");
  EXPECT_EQ(version_refusal(surd::batch::survey(files_, work_, newer), newer), "") << "nothing is missing";
}

TEST_F(SurveyTest, OfABillionPointsTakesNeitherTimeNorMemory) {
  const auto job = SurveyTest::job("axes: {a: {range: 100000}, b: {range: 10000}}\n");
  store(job, surd::sweep::PointSet({500'000, 100'000}), surd::sweep::Status::ok, "20260101T000000-0000000a");
  const auto start = std::chrono::steady_clock::now();
  const auto before = surd::memory::usage().resident;
  surd::memory::reset_peak();

  const auto survey = surd::batch::survey(files_, work_, job);

  const auto seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_EQ(survey.missing(), 999'900'000U);
  EXPECT_LT(seconds, 2);
  EXPECT_LT(surd::memory::usage().peak_resident, before + (std::uint64_t{50} << 20));
}

TEST(Timeline, HalvesItsResolutionWhenFull) {
  surd::batch::Timeline timeline;
  surd::ranks::SweepState state;
  state.ranks.resize(3);

  for (int i = 0; i < 36'000; ++i) {
    state.seconds = 0.1 * i;
    state.done = static_cast<std::uint64_t>(i);
    timeline.add(state);
    ASSERT_LE(timeline.samples(), 512U);
  }

  const auto json = timeline.describe();
  EXPECT_GT(timeline.samples(), 128U);
  EXPECT_EQ(json["seconds"][0], 0.0);
  EXPECT_GT(json["seconds"].back().get<double>(), 3500);
  EXPECT_EQ(json["ranks"].size(), 3U);
  EXPECT_EQ(json["ranks"][2]["busy"].size(), json["seconds"].size());
}

TEST(Timeline, StaysSmallOnThousandsOfRanks) {
  surd::batch::Timeline timeline;
  surd::ranks::SweepState state;
  state.ranks.resize(4096);

  for (int i = 0; i < 200; ++i) {
    state.seconds = i;
    timeline.add(state);
  }

  EXPECT_LE(timeline.samples(), 32U);
}

}  // namespace
