// Points evaluated by commands: every status, what is captured, retried, given up.
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "command_points.hpp"
#include "surd/base/error.hpp"

namespace surd::sweep {
namespace {

namespace fs = std::filesystem;
using base::Json;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;

/// A job whose command is a line of shell, with more keys.
std::string shell_job(const std::string& line, const Json& more = Json::object()) {
  Json job{{"command", line}, {"shell", true}};
  job.update(more);
  return job.dump();
}

Outcome run_shell(const std::string& line, const Json& more = Json::object()) {
  return CommandJob(shell_job(line, more)).run();
}

fs::path fresh_directory(const char* name) {
  const auto path =
      fs::temp_directory_path() / (std::string("surd-") + name + "-" + std::to_string(::getpid()));
  fs::remove_all(path);
  fs::create_directories(path);
  return path;
}

TEST(Command, GivesTheFieldsItPrints) {
  CommandJob job(
      R"j({"command": ["awk", "BEGIN {{ print \"log\"; print \"{{\\\"y\\\": \" {x} * 2 \"}}\" }}"]})j");

  const auto first = job.run(0);
  const auto second = job.run(1);

  EXPECT_EQ(first.status, Status::ok) << first.message;
  EXPECT_EQ(first.values, (Values{{"y", 3}}));
  EXPECT_EQ(first.message, "");
  EXPECT_EQ(first.attempts, 1U);
  EXPECT_GT(first.seconds, 0);
  EXPECT_EQ(first.capture.value().output, "log\n{\"y\": 3}\n");
  EXPECT_EQ(second.values, (Values{{"y", 4}}));
  EXPECT_EQ(second.capture.value().output, "log\n{\"y\": 4}\n");
}

TEST(Command, FailsByItsExitStatus) {
  const auto outcome = run_shell("echo '{{\"y\": 1}}'; echo one >&2; echo 'no convergence' >&2; exit 3");

  EXPECT_EQ(outcome.status, Status::failed);
  EXPECT_EQ(outcome.message, "exited with status 3; stderr ends: one\\nno convergence");
  EXPECT_TRUE(outcome.values.empty());
  EXPECT_EQ(outcome.capture.value().exit_code, 3);
  EXPECT_EQ(outcome.capture.value().errors, "one\nno convergence\n");
}

TEST(Command, IsKilledBySignals) {
  const auto crash = run_shell("kill -SEGV $$");
  const auto memory = run_shell("kill -KILL $$");

  EXPECT_EQ(crash.status, Status::killed);
  EXPECT_THAT(crash.message, StartsWith("killed by SIGSEGV"));
  EXPECT_EQ(crash.capture.value().signal, SIGSEGV);
  EXPECT_EQ(memory.status, Status::killed);
  EXPECT_EQ(memory.message, "killed by SIGKILL; the kernel does that when memory runs out");
}

TEST(Command, TimesOut) {
  const auto outcome = run_shell("echo begun; sleep 1000", {{"timeout", "950ms"}});

  EXPECT_EQ(outcome.status, Status::timed_out);
  EXPECT_EQ(outcome.message, "timed out after 950 ms");
  EXPECT_EQ(outcome.capture.value().output, "begun\n");
  EXPECT_LT(outcome.seconds - 0.95, 1.85);
}

TEST(Command, PrintsGarbage) {
  const auto garbage = run_shell("head -c 100000 /dev/zero | tr '\\0' '\\377'");
  const auto nothing = run_shell("true");

  EXPECT_EQ(garbage.status, Status::bad_output);
  EXPECT_THAT(garbage.message, HasSubstr(": \"\\xff\\xff"));
  EXPECT_THAT(garbage.message, testing::EndsWith("\\xff\"..."));
  EXPECT_LT(garbage.message.size(), 1000U);
  EXPECT_EQ(nothing.status, Status::bad_output);
  EXPECT_EQ(nothing.message, "expected a JSON object, found nothing");
}

TEST(Command, MayPrintALotButNotTooMuch) {
  const auto lines = run_shell("seq 1 100000; echo '{{\"y\": 1}}'", {{"capture", 100}});
  const auto flood = run_shell("head -c 17000000 /dev/zero; echo; echo '{{\"y\": 1}}'");

  EXPECT_EQ(lines.status, Status::ok) << lines.message;
  EXPECT_THAT(lines.capture.value().output, StartsWith("1\n2\n3\n"));
  EXPECT_THAT(lines.capture.value().output, HasSubstr("\n... 588804 bytes left out ...\n"));
  EXPECT_THAT(lines.capture.value().output, testing::EndsWith("\n100000\n{\"y\": 1}\n"));
  EXPECT_EQ(flood.status, Status::bad_output);
  EXPECT_EQ(flood.message, "printed 16.2 MiB; the limit is 16.0 MiB");
}

TEST(Command, CapturesNothingIfAskedTo) {
  const auto outcome = run_shell("echo '{{\"y\": 1}}'; echo err >&2", {{"capture", 0}});

  EXPECT_EQ(outcome.status, Status::ok);
  auto capture = outcome.capture.value();
  capture.peak_bytes = 0;  // known only where it is above this process's own
  EXPECT_EQ(capture, Capture{});
}

TEST(Command, MayReportNothingButItsSuccess) {
  const auto outcome = run_shell("echo anything", {{"parse", "none"}});

  EXPECT_EQ(outcome.status, Status::ok);
  EXPECT_TRUE(outcome.values.empty());
  EXPECT_EQ(outcome.capture.value().output, "anything\n");
}

TEST(Command, IsParsedInEveryFormat) {
  EXPECT_EQ(run_shell("echo a,b; echo 1,x", {{"parse", "csv"}}).values, (Values{{"a", 1}, {"b", "x"}}));
  EXPECT_EQ(run_shell("echo E=1; echo E=2.5", {{"parse", {{"regex", "E=(?<e>.*)"}}}}).values,
            (Values{{"e", 2.5}}));
}

TEST(Command, WritesResultsToAFile) {
  const auto json =
      run_shell("echo '{{\"y\": {x}}}' >{scratch}/out.json", {{"parse", {{"json", "{scratch}/out.json"}}}});
  const auto relative =
      run_shell("echo E=7 >log; pwd",
                {{"parse", {{"regex", "E=(?<e>.*)"}, {"file", "log"}}}, {"directory", "scratch"}});
  const auto missing = run_shell("true", {{"parse", {{"csv", "{scratch}/out.csv"}}}});
  const auto directory = run_shell("mkdir {scratch}/d", {{"parse", {{"csv", "{scratch}/d"}}}});

  EXPECT_EQ(json.values, (Values{{"y", 1.5}})) << json.message;
  EXPECT_EQ(relative.values, (Values{{"e", 7}})) << relative.message;
  EXPECT_EQ(missing.status, Status::bad_output);
  EXPECT_THAT(missing.message,
              MatchesRegex("cannot read the results from .*/out.csv: No such file or directory"));
  EXPECT_THAT(directory.message, HasSubstr("no regular file"));
}

TEST(Command, IsNotTakenToHaveWrittenAnOldFile) {
  const auto path = fresh_directory("old") / "out.json";
  std::ofstream(path) << R"({"y": 1})";

  const auto old = run_shell("true", {{"parse", {{"json", path.string()}}}});
  const auto rewritten =
      run_shell("echo '{{\"y\": 2}}' >" + path.string(), {{"parse", {{"json", path.string()}}}});

  EXPECT_EQ(old.status, Status::bad_output);
  EXPECT_THAT(old.message, HasSubstr("older than this run"));
  EXPECT_EQ(rewritten.values, (Values{{"y", 2}})) << rewritten.message;
  fs::remove_all(path.parent_path());
}

TEST(Command, HasAFreshScratchDirectoryForEachAttempt) {
  const auto root = fresh_directory("scratch");
  {
    CommandJob job(shell_job("ls {scratch}; touch {scratch}/x; echo '{{\"y\": 1}}'", {{"retries", 1}}),
                   root.string());

    for (const std::uint64_t position : {0U, 1U, 0U}) {
      EXPECT_EQ(job.run(position).capture.value().output, "{\"y\": 1}\n");
    }
  }
  EXPECT_TRUE(fs::is_empty(root));
  fs::remove_all(root);
}

TEST(Command, IsTriedAgainAsOftenAsAllowed) {
  const auto count = (fresh_directory("retries") / "count").string();
  const auto third_time = "echo x >>" + count + "; test $(wc -l <" + count + ") -ge 3 && echo '{{\"y\": 1}}'";

  const auto lucky = run_shell(third_time, {{"retries", 5}});
  fs::remove(count);
  const auto unlucky = run_shell(third_time, {{"retries", 1}});

  EXPECT_EQ(lucky.status, Status::ok);
  EXPECT_EQ(lucky.attempts, 3U);
  EXPECT_EQ(unlucky.status, Status::failed);
  EXPECT_EQ(unlucky.attempts, 2U);
  fs::remove_all(fs::path(count).parent_path());
}

TEST(Command, SeesItsPointAndNoLauncher) {
  ::setenv("OMPI_COMM_WORLD_RANK", "3", 1);
  ::setenv("PMIX_RANK", "3", 1);
  CommandJob job(shell_job(
      R"(echo "point=$SURD_POINT seed=$SURD_SEED t=$OMP_NUM_THREADS m=$MODE"; env | grep -c -E '^(OMPI_C|PMI)')",
      {{"parse", "none"},
       {"params", {{"threads", 4}}},
       {"env", {{"OMP_NUM_THREADS", "{threads}"}, {"MODE", "x={x} {{}}"}}}}));
  ::unsetenv("OMPI_COMM_WORLD_RANK");
  ::unsetenv("PMIX_RANK");

  const auto output = job.run(0).capture.value().output;

  const auto seed = std::to_string(job.context().random()() >> 1);
  EXPECT_EQ(output, "point=" + job.point().identity().hex() + " seed=" + seed + " t=4 m=x=1.5 {}\n0\n");
}

TEST(Command, ThatDoesNotExistStopsTheJobBeforeItBegins) {
  EXPECT_THROW(CommandJob(R"({"command": ["no-such-program-anywhere"]})"), base::UsageError);
  EXPECT_THROW(CommandJob(R"({"command": ["./no-such-program"]})"), base::UsageError);
}

TEST(Command, ThatCannotRunAtOnePointFailsThere) {
  const auto directory = fresh_directory("exec");
  const auto write = [&](const char* name, const char* text, fs::perms perms) {
    std::ofstream(directory / name) << text;
    fs::permissions(directory / name, perms);
  };
  write("plain", "echo hello\n", fs::perms::owner_all);
  write("orphan", "#!/no/such/interpreter\n", fs::perms::owner_all);
  write("data", "", fs::perms::owner_read);
  const Json names{"plain", "orphan", "data", "missing"};
  CommandJob job(
      Json{{"command", {directory.string() + "/{name}"}}, {"axes", {{"name", names}}}, {"chunk", 4}}.dump());

  const auto expect = [&](std::uint64_t position, const std::string& end) {
    const auto outcome = job.run(position);
    EXPECT_EQ(outcome.status, Status::failed);
    EXPECT_EQ(outcome.message, "cannot run '" + (directory / names[position]).string() + "': " + end);
    EXPECT_FALSE(outcome.capture.has_value());
  };
  expect(0, "Exec format error (a script needs a first line such as #!/bin/sh)");
  expect(1, "No such file or directory (the interpreter its first line names)");
  expect(2, "Permission denied");
  expect(3, "No such file or directory");
  fs::remove_all(directory);
}

TEST(Command, IsAbandonedIfItFailsWhileTheJobIsBeingStopped) {
  CommandJob failing(shell_job("exit 1", {{"retries", 3}}));
  failing.stop = true;
  EXPECT_THROW(failing.run(), Abandoned);

  CommandJob fine(shell_job("echo '{{\"y\": 1}}'"));
  fine.stop = true;
  EXPECT_EQ(fine.run().status, Status::ok);

  // As when a scheduler signals the command a moment before it signals us.
  CommandJob signalled(shell_job("kill -TERM $$"));
  std::thread late([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    signalled.stop = true;
  });
  EXPECT_THROW(signalled.run(), Abandoned);
  late.join();
}

}  // namespace
}  // namespace surd::sweep
