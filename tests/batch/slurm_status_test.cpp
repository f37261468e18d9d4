#include "surd/batch/slurm_status.hpp"

#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/batch/slurm.hpp"

namespace {

using surd::base::Json;
using testing::HasSubstr;

/// A work directory, and a PATH on which Slurm's commands are what the test says.
class SlurmStatus : public testing::Test {
 protected:
  SlurmStatus() : root_(std::filesystem::temp_directory_path() / ("surd-slurm-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(root_ / "bin");
    work_.root = root_;
    ::setenv("PATH", (root_ / "bin").c_str(), 1);
    ::unsetenv("SLURM_JOB_ID");
  }
  ~SlurmStatus() override {
    ::setenv("PATH", path_.c_str(), 1);
    std::filesystem::remove_all(root_);
  }

  void command(const std::string& name, const std::string& body) {
    const auto path = root_ / "bin" / name;
    std::ofstream(path) << "#!/bin/sh\n" << body << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_all);
  }
  void submitted(const std::string& id, const std::string& when) {
    std::ofstream(root_ / "submit.json") << Json{{"job_id", id}, {"submitted", when}};
  }
  [[nodiscard]] Json status(const Json& last_run, bool writing = false) {
    return slurm_status(surd::storage::local_file_system(), work_, last_run, writing);
  }
  [[nodiscard]] std::string text(const Json& last_run, bool writing = false) {
    return surd::batch::slurm_status_text(status(last_run, writing));
  }

  std::string path_ = std::getenv("PATH");
  std::filesystem::path root_;
  surd::batch::WorkDirectory work_;
};

Json run_of(const std::string& id, const std::string& restarts = "0") {
  return {{"started", "2026-01-02T00:00:00Z"},
          {"slurm",
           {{"job_id", id},
            {"nodes", "n[1-2]"},
            {"partition", "debug"},
            {"restart_count", restarts},
            {"end_time", static_cast<double>(std::time(nullptr)) + 7205}}}};
}

TEST_F(SlurmStatus, IsNullWithoutSlurm) {
  EXPECT_TRUE(status(nullptr).is_null());
  EXPECT_TRUE(status({{"started", "2026-01-02T00:00:00Z"}, {"slurm", nullptr}}).is_null());
}

TEST_F(SlurmStatus, OfARunningJobNeedsNoSqueue) {
  EXPECT_EQ(text(run_of("7", "2"), true), "7: running on n[1-2], restart 2, 2 h 00 min left");
  EXPECT_EQ(text(run_of("7")), "7: squeue does not answer here, last on n[1-2]");
}

TEST_F(SlurmStatus, OfAWaitingJobIsAskedFromTheQueue) {
  submitted("8", "2026-01-03T00:00:00Z");
  command("squeue", "[ \"$*\" = '-h -j 8 -o %T|%r|%N|%L' ] && echo 'PENDING|Priority||1:00:00'");

  EXPECT_EQ(text(nullptr), "8: pending (Priority)");
  EXPECT_EQ(text(run_of("7")), "8: pending (Priority)") << "an older run of another job";
  EXPECT_EQ(text(run_of("8", "1")), "8: pending (Priority), last on n[1-2], restart 1");
}

TEST_F(SlurmStatus, PrefersTheJobThatRanLast) {
  submitted("6", "2026-01-01T00:00:00Z");
  command("squeue", "echo 'RUNNING|None|n2|10:00'");

  EXPECT_EQ(text(run_of("7")), "7: running on n2, 10 min 00 s left");
}

TEST_F(SlurmStatus, TellsWhenTheJobHasLeftTheQueue) {
  command("squeue", "exit 0");
  EXPECT_THAT(text(run_of("7")), HasSubstr("7: not in the queue, last on n[1-2]"));
  command("squeue", "echo 'slurm_load_jobs error: Invalid job id specified' >&2; exit 1");
  EXPECT_THAT(text(run_of("7")), HasSubstr("7: not in the queue"));
  command("squeue", "echo 'Unable to contact slurm controller' >&2; exit 1");
  EXPECT_THAT(text(run_of("7")), HasSubstr("7: squeue does not answer here"));
}

TEST_F(SlurmStatus, CountsTheTasksOfAnArray) {
  submitted("9", "2026-01-01T00:00:00Z");
  command("squeue", "printf 'RUNNING|None|n1|1:00\\nPENDING|Resources||1:00\\nRUNNING|None|n2|1:00\\n'");
  auto run = run_of("11");
  run["slurm"]["array_job_id"] = "9";

  EXPECT_EQ(text(run), "9: 1 pending, 2 running, last on n[1-2]");
  EXPECT_EQ(text(run, true), "9: 1 pending, 2 running, last on n[1-2]") << "the other tasks may be waiting";
}

TEST_F(SlurmStatus, KnowsWhatThePartitionGives) {
  using surd::batch::slurm_partition;
  EXPECT_FALSE(slurm_partition(""));
  command(
      "sinfo",
      "printf "
      "'debug*|2|32|4000|infinite\\ndebug*|2+|16|8000|infinite\\nbig|8|64|16000+|1-00:30:00\\nodd||||\\n'");
  EXPECT_EQ(slurm_partition("")->cores, 32);
  EXPECT_EQ(slurm_partition("")->memory_bytes, 4000U << 20);
  EXPECT_EQ(slurm_partition("")->longest_seconds, 0);
  EXPECT_EQ(slurm_partition("big")->cores, 512);
  EXPECT_EQ(slurm_partition("big")->longest_seconds, 88200);
  EXPECT_FALSE(slurm_partition("odd"));
  EXPECT_FALSE(slurm_partition("none"));
}

TEST_F(SlurmStatus, DescribesTheJobOfThisProcess) {
  EXPECT_TRUE(surd::batch::describe_slurm().is_null());
  ::setenv("SLURM_JOB_ID", "12", 1);
  ::setenv("SLURM_JOB_END_TIME", "4102444800", 1);
  const auto slurm = surd::batch::describe_slurm();
  EXPECT_EQ(slurm["job_id"], "12");
  EXPECT_EQ(slurm["restart_count"], "0");
  EXPECT_EQ(slurm["end_time"], 4102444800.0);
}

}  // namespace
