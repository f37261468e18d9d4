#include "surd/batch/submit_script.hpp"

#include <cstdio>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/data_plan.hpp"

namespace {

using surd::base::GiB;
using surd::base::MiB;
using surd::batch::Launcher;
using surd::batch::SubmitFlags;
using surd::batch::SubmitScript;
using testing::HasSubstr;
using testing::Not;

SubmitScript ising() {
  SubmitScript script;
  script.made_by = "surd submit job.yaml --nodes 2";
  script.job_name = "ising";
  script.flags.nodes = 2;
  script.flags.tasks_per_node = 64;
  script.memory_per_rank = GiB;
  script.log_directory = ".surd/ising";
  script.run = {"/opt/surd/bin/surd", "run", "job.yaml"};
  return script;
}

/// What bash makes of the words of an assignment in the script, one a line.
std::string words_by_bash(const std::string& script, const std::string& name) {
  const auto begin = script.find("\n" + name + "=(") + 1;
  const auto line = script.substr(begin, script.find(")\n", begin) + 1 - begin);
  std::string quoted;
  for (const char c : line) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  const auto command = "bash -c '" + quoted + "; printf \"%s\\n\" \"${" + name + "[@]}\"'";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string words;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) words += static_cast<char>(c);
  return words;
}

TEST(SubmitScript, SaysWhatSlurmAndTheSupervisorMustKnow) {
  const auto text = to_text(ising());

  EXPECT_THAT(text, testing::StartsWith("#!/bin/bash\n# Made by: surd submit job.yaml --nodes 2\n"
                                        "#SBATCH --job-name=ising\n"
                                        "#SBATCH --nodes=2\n"
                                        "#SBATCH --ntasks-per-node=64\n"
                                        "#SBATCH --cpus-per-task=1\n"
                                        "#SBATCH --mem=65536M\n"
                                        "#SBATCH --signal=B:USR1@120\n"
                                        "#SBATCH --requeue\n"
                                        "#SBATCH --open-mode=append\n"
                                        "#SBATCH --output=.surd/ising/slurm-%j.out\n"
                                        "\n"
                                        "run=(/opt/surd/bin/surd run job.yaml)\n"
                                        "launch=(srun --mpi=pmix --kill-on-bad-exit=1)\n"
                                        "max_restarts=20\n"));
  EXPECT_THAT(text, HasSubstr("scontrol requeue"));
}

TEST(SubmitScript, NamesWhatWasAskedFor) {
  auto script = ising();
  script.flags.cpus_per_task = 4;
  script.flags.gpus_per_node = 8;
  script.flags.time_seconds = 3661;
  script.flags.partition = "gpu";
  script.flags.account = "me";
  script.flags.array = 3;
  script.flags.max_restarts = 0;
  script.flags.launcher = Launcher::mpirun;
  const auto text = to_text(script);

  for (const char* line :
       {"--cpus-per-task=4\n", "--mem=65536M\n", "--gpus-per-node=8\n", "--time=01:02:00\n",
        "--partition=gpu\n", "--account=me\n", "--array=0-2\n", "--output=.surd/ising/slurm-%A_%a.out\n"}) {
    EXPECT_THAT(text, HasSubstr(std::string("#SBATCH ") + line));
  }
  EXPECT_THAT(text, HasSubstr("\nlaunch=(mpirun --map-by ppr:64:node:PE=4)\nmax_restarts=0\n"));
}

TEST(SubmitScript, KnowsTheLaunchersOfMpich) {
  auto script = ising();
  script.mpi_library = "MPICH 4.0.2";
  EXPECT_THAT(to_text(script), HasSubstr("\nlaunch=(srun --mpi=pmi2 --kill-on-bad-exit=1)\n"));
  script.flags.launcher = Launcher::mpirun;
  EXPECT_THAT(to_text(script), HasSubstr("\nlaunch=(mpiexec.hydra -ppn 64)\n"));
}

TEST(SubmitScript, SaysWhereTheTimeLimitComesFrom) {
  auto script = ising();
  EXPECT_THAT(to_text(script), Not(HasSubstr("# Time:")));
  script.time_basis = "9 points of 2 s each";
  EXPECT_THAT(to_text(script), HasSubstr("\n# Time: 9 points of 2 s each\n#SBATCH --job-name"));
}

TEST(DataTime, IsThatOfAllBytesAtASpeedThatIsAssumed) {
  surd::stream::PipelinePlan stages;
  stages.input_bytes = 4 * GiB;
  stages.scratch_bytes = 6 * GiB;

  const auto few = surd::batch::data_time(stages, 4, 2);
  const auto many = surd::batch::data_time(stages, 64, 2);

  EXPECT_EQ(few.bytes, 20 * GiB);
  EXPECT_DOUBLE_EQ(few.seconds, 20.0 * 1024 / 200);
  EXPECT_DOUBLE_EQ(many.seconds, 20.0 * 1024 / 800);
  EXPECT_THAT(many.basis(), HasSubstr("20.0 GiB to read and write, at 800 MiB/s (assumed: 50"));
}

TEST(SubmitScript, MayGoOnWithFewerNodes) {
  auto script = ising();
  surd::batch::parse_nodes("1-2", script.flags);
  const auto text = to_text(script);
  script.flags.launcher = Launcher::mpirun;

  EXPECT_THAT(text, HasSubstr("#SBATCH --nodes=1-2\n#SBATCH --exclusive\n#SBATCH --cpus-per-task=1\n"
                              "#SBATCH --mem=0\n"));
  EXPECT_THAT(text, HasSubstr("launch=(srun --mpi=pmix --kill-on-bad-exit=1 --ntasks-per-node=64)\n"));
  EXPECT_THAT(to_text(script), HasSubstr("launch=(mpirun --map-by ppr:64:node:PE=1)\n"));
}

TEST(SubmitScript, ReadsNumbersOfNodes) {
  SubmitFlags flags;
  surd::batch::parse_nodes("3-3", flags);
  EXPECT_EQ(flags.nodes, 3);
  EXPECT_EQ(flags.least_nodes, 0);
  for (const char* text : {"", "0", "x", "2-1", "-2", "1-", "1-2-3", "2k"})
    EXPECT_THROW(surd::batch::parse_nodes(text, flags), surd::base::UsageError) << text;
}

TEST(SubmitScript, SignalsEarlyButNotBeforeTheWorkBegins) {
  const auto notice = [](double seconds) {
    auto script = ising();
    script.flags.time_seconds = seconds;
    return to_text(script);
  };

  EXPECT_THAT(notice(60), HasSubstr("--signal=B:USR1@15\n"));
  EXPECT_THAT(notice(600), HasSubstr("--signal=B:USR1@60\n"));
  EXPECT_THAT(notice(86400), HasSubstr("--signal=B:USR1@120\n"));
}

TEST(SubmitScript, QuotesForSbatchAndForBash) {
  auto script = ising();
  script.made_by = "surd submit 'two\nlines'";
  script.job_name = "the \"best\" \\ job";
  script.log_directory = "100% of it's/work";
  script.run = {"/opt/my tools/surd", "run", "it's.yaml", "--set", "where=\"$HOME\" < `2`\n", ""};
  const auto text = to_text(script);

  EXPECT_THAT(text, HasSubstr("# Made by: surd submit 'two lines'\n"));
  EXPECT_THAT(text, HasSubstr(R"(--job-name="the \"best\" \\ job")"));
  EXPECT_THAT(text, HasSubstr("--output=\"100%% of it's/work/slurm-%j.out\"\n"));
  EXPECT_EQ(words_by_bash(text, "run"),
            "/opt/my tools/surd\nrun\nit's.yaml\n--set\nwhere=\"$HOME\" < `2`\n\n\n");
}

TEST(SubmitScript, HandsOtherOptionsToSbatch) {
  auto script = ising();
  script.flags.sbatch_options = {"--constraint", "a b", "--exclusive", "-q", "long"};
  EXPECT_THAT(to_text(script),
              HasSubstr("#SBATCH --constraint \"a b\"\n#SBATCH --exclusive\n#SBATCH -q long\n\n"));

  script.flags.sbatch_options = {"--mem=9G", "--mem-bind=local"};
  EXPECT_THAT(to_text(script), Not(HasSubstr("--mem=65536M")));
  script.flags.sbatch_options = {"--mem-bind=local"};
  EXPECT_THAT(to_text(script), HasSubstr("--mem=65536M"));
  script.flags.sbatch_options = {"--exclusive"};
  EXPECT_THAT(to_text(script), AllOf(HasSubstr("--mem=0"), Not(HasSubstr("--mem=6"))));
}

TEST(SubmitScript, RefusesWhatNoLineCanHold) {
  auto script = ising();
  script.flags.partition = "a\n#SBATCH --mem=0";
  EXPECT_THROW((void)to_text(script), surd::base::UsageError);

  script = ising();
  script.log_directory = "back\\slash";
  EXPECT_THROW((void)to_text(script), surd::base::UsageError);

  script = ising();
  script.flags.sbatch_options = {"run.sh"};
  EXPECT_THROW((void)to_text(script), surd::base::UsageError);
}

TEST(SubmitScript, RefusesOptionsThatUndoIt) {
  for (const char* word : {"--array=0-3", "--arr", "-a0-3", "-a", "--signal=USR1@60", "--no-requeue"}) {
    auto script = ising();
    script.flags.sbatch_options = {"--exclusive", word};
    EXPECT_THROW((void)to_text(script), surd::base::UsageError) << word;
  }
  auto script = ising();
  script.flags.sbatch_options = {"--account=me", "-A", "me", "--nodelist=n1", "--signal=B:USR1@25"};
  EXPECT_THAT(to_text(script), HasSubstr("#SBATCH --nodelist=n1\n#SBATCH --signal=B:USR1@25\n"));
}

TEST(SubmitScript, AsksForMoreThanTheBudget) {
  EXPECT_EQ(surd::batch::memory_per_rank(16 * MiB, 0), (16 + 4 + 256) * MiB);
  EXPECT_EQ(surd::batch::memory_per_rank(64 * MiB, GiB), (64 + 16 + 256 + 1024) * MiB);
}

TEST(TimeLimit, IsReadAsSbatchDoes) {
  using surd::batch::parse_time_limit;
  EXPECT_EQ(parse_time_limit("90"), 5400);
  EXPECT_EQ(parse_time_limit("90:30"), 5430);
  EXPECT_EQ(parse_time_limit("2:00:00"), 7200);
  EXPECT_EQ(parse_time_limit("1-12"), 129'600);
  EXPECT_EQ(parse_time_limit("1-12:30"), 131'400);
  EXPECT_EQ(parse_time_limit("1-12:30:15"), 131'415);
  EXPECT_EQ(parse_time_limit("2h30m"), 9000);
  for (const char* wrong : {"", "0", "soon", "-5", "1-", "1-2:3:4:5", "-"}) {
    EXPECT_THROW((void)parse_time_limit(wrong), surd::base::UsageError) << wrong;
  }
}

TEST(TimeLimit, IsWrittenInWholeMinutes) {
  using surd::batch::format_time_limit;
  EXPECT_EQ(format_time_limit(1), "00:01:00");
  EXPECT_EQ(format_time_limit(3600), "01:00:00");
  EXPECT_EQ(format_time_limit(86'399), "1-00:00:00");
  EXPECT_EQ(format_time_limit(131'415), "1-12:31:00");
}

}  // namespace
