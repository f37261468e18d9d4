#include "surd/ranks/data_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <thread>

#include "data_job_support.hpp"
#include "support/rank_main.hpp"
#include "surd/memory/limits.hpp"
#include "surd/mpi/fatal.hpp"

namespace surd::ranks {
namespace {

const mpi::Communicator& world() { return surd_test_session->world(); }

/// A directory that all ranks see, and runs of a toy job in it.
class DataJob : public testing::Test {
 protected:
  DataJob() {
    auto name = (std::filesystem::temp_directory_path() / "surd-test-XXXXXX").string();
    if (world().is_root() && ::mkdtemp(name.data()) == nullptr) mpi::end_job("no directory for the test");
    directory_ = world().broadcast_text(name);
  }
  ~DataJob() override {
    world().barrier();
    if (world().is_root()) std::filesystem::remove_all(directory_);
    world().barrier();
  }

  DataJobResult run(std::uint64_t epoch_bytes = 0) {
    stop_ = false;
    const test::ToyJob job(shape_, hooks_, directory_ / "out");
    const DataJobOptions options{.work = directory_ / "work",
                                 .run = fmt::format("run{}", ++runs_),
                                 .scratch = directory_,
                                 .memory_bytes = 1 << 20,
                                 .epoch_bytes = epoch_bytes};
    return run_data_job(*surd_test_session, job, storage::local_file_system(), options, stop_, observe_);
  }

  std::string output() { return storage::read_file(storage::local_file_system(), directory_ / "out"); }
  std::size_t files_in(const std::string& name) {
    world().barrier();
    const auto count = storage::local_file_system().list(directory_ / "work" / name).size();
    world().barrier();
    return count;
  }
  std::uint64_t units_done(std::size_t stage) { return world().sum(hooks_.units[stage].load()); }
  void forget_units() {
    for (auto& units : hooks_.units) units = 0;
  }

  std::filesystem::path directory_;
  test::ToyShape shape_;
  test::ToyHooks hooks_;
  std::atomic<bool> stop_{false};
  std::function<void(const DataJobState&)> observe_;
  int runs_ = 0;
};

TEST_F(DataJob, GivesTheSerialResultOnAnyRanks) {
  shape_.blocks = 400;

  const auto result = run();

  EXPECT_TRUE(result.complete);
  EXPECT_EQ(result.summary.rows, shape_.residues);
  EXPECT_EQ(output(), test::toy_result(shape_));
  EXPECT_EQ(units_done(0), shape_.blocks);
  EXPECT_EQ(units_done(1) + units_done(2), 2 * shape_.residues);
}

TEST_F(DataJob, SyncsNothingIfItIsOverBeforeAnEpochIs) {
  const auto result = run();

  EXPECT_EQ(result.epochs, 0U);
  EXPECT_EQ(files_in("spill"), 0U);
  EXPECT_EQ(files_in("epochs"), 1U) << "that it is finished is all there is to know";
}

TEST_F(DataJob, TakesEmptyStages) {
  shape_.blocks = 0;

  EXPECT_TRUE(run().complete);

  EXPECT_EQ(output(), test::toy_result(shape_));
}

TEST_F(DataJob, BeginsAStageWithoutWhatTheOneBeforeHasFreed) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "sanitizers keep freed memory on purpose";
#endif
  std::vector<std::string> pins;  // above what is freed, so that malloc does not give it back by itself
  std::uint64_t freed = 0;
  std::uint64_t left = 0;
  hooks_.unit = [&](std::size_t stage, std::uint64_t) {
    if (stage == 0 && pins.empty()) {
      const auto before = memory::usage().resident;
      std::vector<std::string> blocks(16'384);
      for (auto& block : blocks) block.assign(4000, 'x');
      pins.assign(64, std::string(4000, 'p'));
      blocks.clear();
      freed = memory::usage().resident - before;
      left = before;
    } else if (stage == 1 && !pins.empty() && freed > 0) {
      left = memory::usage().resident - std::min(left, memory::usage().resident);
      EXPECT_GT(freed, std::uint64_t{32} << 20) << "malloc gave it back by itself: this shows nothing";
      EXPECT_LT(left, std::uint64_t{8} << 20);
      freed = 0;
    }
  };

  EXPECT_TRUE(run().complete);
}

TEST_F(DataJob, ShowsItsProgress) {
  std::vector<DataJobState> seen;
  observe_ = [&](const DataJobState& state) { seen.push_back(state); };

  const auto result = run();

  if (!world().is_root()) return;
  ASSERT_FALSE(seen.empty());
  EXPECT_EQ(seen.back().stages, 3U);
  EXPECT_EQ(seen.back().units_done, shape_.residues);
  EXPECT_EQ(seen.back().bytes, seen.back().total_bytes);
  EXPECT_EQ(seen.back().rows, shape_.blocks + 2 * shape_.residues);
  EXPECT_EQ(result.phases.size(), 3U);
}

TEST_F(DataJob, GoesOnWhereItWasStoppedAtAnyCommit) {
  for (std::uint64_t at = 1; at < 60; at += 3) {
    shape_.name = fmt::format("toy {}", at);
    std::uint64_t commits = 0;
    bool armed = true;
    hooks_.before_commit = [&] {
      if (armed && world().rank() == world().size() / 2 && ++commits == at) stop_ = true;
    };
    forget_units();

    const auto first = run(1000);
    armed = false;
    const auto done = units_done(0) + units_done(1) + units_done(2);
    const auto second = first.complete ? first : run(1000);

    EXPECT_TRUE(second.complete);
    EXPECT_EQ(output(), test::toy_result(shape_));
    // What a rank had not committed when it left is the one unit between two commits.
    const auto lost = units_done(0) + units_done(1) + units_done(2) - shape_.blocks - 2 * shape_.residues;
    EXPECT_LE(lost, static_cast<std::uint64_t>(world().size())) << "stopped at commit " << at;
    if (!world().is_root() || first.complete) continue;
    EXPECT_GE(second.state.units_resumed + lost, done);
  }
}

TEST_F(DataJob, DoesNothingIfItIsFinished) {
  EXPECT_TRUE(run().complete);
  forget_units();

  const auto again = run();

  EXPECT_TRUE(again.complete);
  EXPECT_EQ(again.summary.rows, shape_.residues);
  EXPECT_EQ(units_done(0), 0U);
}

TEST_F(DataJob, BeginsAnewIfItsOutputIsGone) {
  EXPECT_TRUE(run(500).complete);
  world().barrier();
  if (world().is_root()) std::filesystem::remove(directory_ / "out");
  world().barrier();

  EXPECT_TRUE(run(500).complete);

  EXPECT_EQ(output(), test::toy_result(shape_));
}

TEST_F(DataJob, RefusesTheUnfinishedWorkOfAnotherJob) {
  hooks_.before_commit = [&] { stop_ = true; };
  EXPECT_FALSE(run(1).complete);
  shape_.residues = 18;

  const auto again = [&] { (void)run(1); };

  EXPECT_THAT(again, testing::ThrowsMessage<base::UsageError>(testing::AllOf(
                         testing::HasSubstr("residues: 17"), testing::HasSubstr("residues: 18"),
                         testing::HasSubstr("remove the directory"))));
}

TEST_F(DataJob, MayChangeOnceItIsFinished) {
  EXPECT_TRUE(run(500).complete);
  shape_.residues = 18;

  EXPECT_TRUE(run(500).complete);

  EXPECT_EQ(output(), test::toy_result(shape_));
}

TEST_F(DataJob, ComputesAgainWhatALostSpillFileHeld) {
  hooks_.unit = [&](std::size_t stage, std::uint64_t unit) {
    if (stage == 1 && unit > 3) stop_ = true;
  };
  EXPECT_FALSE(run(100).complete);
  hooks_.unit = nullptr;
  const auto spilled = files_in("spill");
  EXPECT_GT(spilled, 0U);
  world().barrier();
  if (world().is_root()) {
    std::filesystem::remove(*std::filesystem::directory_iterator(directory_ / "work" / "spill"));
  }
  world().barrier();

  EXPECT_TRUE(run(100).complete);

  EXPECT_EQ(output(), test::toy_result(shape_));
}

TEST_F(DataJob, RefusesASecondRunWhileOneIsAtWork) {
  if (world().is_root()) {
    std::filesystem::create_directories(directory_ / "work");
    storage::write_atomically(
        storage::local_file_system(), directory_ / "work" / "running",
        R"({"surd lease":1,"run":"other","host":"nodeX","boot":"b","pid namespace":"p",)"
        R"("pid":77,"start ticks":1,"slurm job":"","beat":0,"settled":false,)"
        R"("definition":"","claim":[]})");
  }
  std::thread other([this] {
    if (!world().is_root()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    auto text = storage::read_file(storage::local_file_system(), directory_ / "work" / "running");
    text.replace(text.find("\"beat\":0"), 8, "\"beat\":1");
    storage::write_atomically(storage::local_file_system(), directory_ / "work" / "running", text);
  });

  const auto second = [&] { (void)run(); };

  EXPECT_THAT(second, testing::ThrowsMessage<base::UsageError>(testing::HasSubstr("process 77 on nodeX")));
  other.join();
}

}  // namespace
}  // namespace surd::ranks
