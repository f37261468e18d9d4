#include "surd/batch/command_line.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/batch/slurm.hpp"
#include "surd/batch/time_left.hpp"

namespace {

using surd::batch::ParsedLine;
using testing::HasSubstr;

ParsedLine parse(std::vector<const char*> words) {
  words.insert(words.begin(), "/usr/bin/surd");
  return surd::batch::parse_command_line(static_cast<int>(words.size()), words.data());
}

TEST(CommandLine, OfRunIsReadInFull) {
  const auto parsed = parse({"run", "--set", "axes.L=[8, 16]", "job.yaml", "--set=seed=3", "--work", "w",
                             "--memory", "64MiB", "--ranks-per-point", "2", "--version-change", "keep",
                             "--time-left", "02:00", "--retry-failed", "--quiet"});

  ASSERT_TRUE(parsed.line) << parsed.error;
  const auto& line = *parsed.line;
  EXPECT_EQ(line.verb, "run");
  EXPECT_EQ(line.file, "job.yaml");
  EXPECT_THAT(line.settings, testing::ElementsAre("axes.L=[8, 16]", "seed=3"));
  EXPECT_EQ(line.work, "w");
  EXPECT_EQ(line.memory_bytes, std::uint64_t{64} << 20);
  EXPECT_EQ(line.ranks_per_point, 2);
  EXPECT_EQ(line.on_version_change, surd::batch::VersionChange::keep);
  EXPECT_EQ(line.time_left_seconds, 120);
  EXPECT_TRUE(line.retry_failed && line.quiet);
  EXPECT_THAT(line.text, HasSubstr("run --set 'axes.L=[8, 16]' job.yaml"));
}

TEST(CommandLine, OfSubmitIsReadInFull) {
  const auto parsed = parse({"submit",
                             "job.yaml",
                             "--nodes",
                             "2",
                             "--tasks-per-node=64",
                             "--cpus-per-task",
                             "4",
                             "--gpus-per-node",
                             "8",
                             "--time",
                             "90",
                             "-p",
                             "debug",
                             "-A",
                             "me",
                             "--array",
                             "3",
                             "--launcher",
                             "mpirun",
                             "--max-restarts",
                             "0",
                             "--memory",
                             "1GiB",
                             "--dry-run",
                             "--",
                             "--constraint",
                             "a b"});

  ASSERT_TRUE(parsed.line) << parsed.error;
  const auto& flags = parsed.line->submit;
  EXPECT_EQ(flags.nodes, 2);
  EXPECT_EQ(flags.tasks_per_node, 64);
  EXPECT_EQ(flags.cpus_per_task, 4);
  EXPECT_EQ(flags.gpus_per_node, 8);
  EXPECT_EQ(flags.time_seconds, 5400);
  EXPECT_EQ(flags.partition, "debug");
  EXPECT_EQ(flags.account, "me");
  EXPECT_EQ(flags.array, 3);
  EXPECT_EQ(flags.max_restarts, 0);
  EXPECT_EQ(flags.launcher, surd::batch::Launcher::mpirun);
  EXPECT_TRUE(flags.dry_run);
  EXPECT_THAT(flags.sbatch_options, testing::ElementsAre("--constraint", "a b"));
  EXPECT_EQ(parsed.line->memory_bytes, std::uint64_t{1} << 30);
}

TEST(CommandLine, OfSubmitNamesItsMistakes) {
  EXPECT_THAT(parse({"submit", "j", "--nodes", "0"}).error, HasSubstr("--nodes"));
  EXPECT_THAT(parse({"submit", "j", "--time", "never"}).error, HasSubstr("'never' is not a duration"));
  EXPECT_THAT(parse({"submit", "j", "--launcher", "aprun"}).error, HasSubstr("--launcher"));
  EXPECT_THAT(parse({"submit", "j", "--partitoin", "x"}).error, HasSubstr("did you mean '--partition'?"));
  EXPECT_THAT(parse({"submit", "j", "more"}).error, HasSubstr("unknown argument 'more'"));
  EXPECT_THAT(parse({"submit", "--", "--exclusive"}).error, HasSubstr("JOB is required"));
}

TEST(CommandLine, KeepsWhatTheShellWouldTakeApart) {
  const auto parsed = parse({"run", "it's.yaml", "--set", "where=a < 2"});

  EXPECT_EQ(parsed.line->text, R"(/usr/bin/surd run 'it'\''s.yaml' --set 'where=a < 2')");
}

TEST(CommandLine, LeavesUnsaidChoicesToTheJob) {
  const auto parsed = parse({"run", "job.yaml"});

  ASSERT_TRUE(parsed.line);
  EXPECT_FALSE(parsed.line->memory_bytes || parsed.line->ranks_per_point || parsed.line->on_version_change);
  EXPECT_EQ(parse({"run", "job.yaml", "--memory", "sqrt"}).line->memory_bytes, 0U);
}

TEST(CommandLine, HelpsWithEveryVerb) {
  const auto help = parse({"--help"}).output;

  for (const char* verb : {"run", "plan", "status", "verify", "export", "show", "report", "compact",
                           "inspect", "doctor", "submit"}) {
    EXPECT_THAT(help, HasSubstr(std::string("\n  ") + verb + " "));
    const auto parsed = parse({verb, "--help"});
    EXPECT_THAT(parsed.output, HasSubstr(std::string("surd ") + verb)) << verb;
    EXPECT_TRUE(parsed.error.empty()) << verb;
    EXPECT_FALSE(parsed.line) << verb;
  }
  EXPECT_THAT(help, HasSubstr("75 interrupted"));
  EXPECT_EQ(parse({}).output, help);
  EXPECT_THAT(parse({"--version"}).output, testing::StartsWith("surd 0."));
}

TEST(CommandLine, NamesEachMistakeAndTheNearestWord) {
  const auto error = [](std::vector<const char*> words) {
    const auto parsed = parse(std::move(words));
    EXPECT_FALSE(parsed.line);
    return parsed.error;
  };

  EXPECT_EQ(error({"rnu", "job.yaml"}), "unknown verb 'rnu'; did you mean 'run'? (see surd --help)");
  EXPECT_THAT(error({"run", "j", "--memroy=3GiB"}),
              HasSubstr("unknown option '--memroy=3GiB'; did you mean '--memory'?"));
  EXPECT_THAT(error({"plan", "j", "extra"}), HasSubstr("unknown argument 'extra'"));
  EXPECT_THAT(error({"-x", "run", "j"}), HasSubstr("-x"));
  EXPECT_THAT(error({"run"}), HasSubstr("JOB is required"));
  EXPECT_THAT(error({"show", "j"}), HasSubstr("POINT is required"));
  EXPECT_THAT(error({"run", "j", "--set"}), HasSubstr("--set"));
  EXPECT_THAT(error({"run", "j", "--memory", "lots"}), HasSubstr("'lots' is not a size"));
  EXPECT_THAT(error({"run", "j", "--time-left", "soon"}), HasSubstr("'soon' is not a duration"));
  EXPECT_THAT(error({"run", "j", "--ranks-per-point", "0"}), HasSubstr("--ranks-per-point"));
  EXPECT_THAT(error({"run", "j", "--version-change", "x"}), HasSubstr("choices are error, new, keep"));
}

TEST(TimeLeft, UnderstandsWhatSqueueSays) {
  EXPECT_EQ(surd::batch::parse_squeue("1-02:03:04\n"), 93'784);
  EXPECT_EQ(surd::batch::parse_squeue("4:05\n"), 245);
  for (const char* unknown : {"", "\n", "UNLIMITED\n", "INVALID\n", "NOT_SET\n", "-\n", "17\n"}) {
    EXPECT_EQ(surd::batch::parse_squeue(unknown), 0) << unknown;
  }
}

TEST(TimeLeft, IsTheLeastOfWhatIsKnown) {
  surd::batch::Job job;
  surd::batch::CommandLine line;

  EXPECT_EQ(time_left_seconds(job, line), 0);
  job.time_limit_seconds = 60;
  EXPECT_EQ(time_left_seconds(job, line), 60);
  line.time_left_seconds = 30;
  EXPECT_EQ(time_left_seconds(job, line), 30);
}

}  // namespace
