// Programs run to their end: how they ended, what they printed, what is left of them.
#include "surd/sweep/detail/process.hpp"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace surd::sweep::detail {
namespace {

struct Run {
  Ending ending;
  BoundedText output{1 << 20, 1 << 10};
  BoundedText errors{1 << 20, 1 << 10};
};

struct Wish {
  double timeout_seconds = 0;
  bool capture = true;
  bool use_pidfd = true;
  const char* directory = nullptr;
  std::atomic<pid_t>* group = nullptr;
};

Run run_program(std::vector<std::string> words, const Wish& wish = {}) {
  Run result;
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  Launch launch;
  launch.program = words[0].c_str();
  launch.arguments = arguments.data();
  launch.environment = environ;
  launch.directory = wish.directory;
  launch.group = wish.group;
  Supervision supervision;
  supervision.timeout_seconds = wish.timeout_seconds;
  supervision.use_pidfd = wish.use_pidfd;
  if (wish.capture) {
    supervision.output = &result.output;
    supervision.errors = &result.errors;
  }
  result.ending = run(launch, supervision);
  return result;
}

Run run_shell(const std::string& line, const Wish& wish = {}) {
  return run_program({"/bin/sh", "-c", line}, wish);
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Everything here must hold with a pidfd and without, as on old kernels.
class Process : public testing::TestWithParam<bool> {
 protected:
  Wish wish() const { return {.use_pidfd = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(, Process, testing::Bool(),
                         [](const auto& instance) { return instance.param ? "WithPidfd" : "WithoutPidfd"; });

TEST_P(Process, TellsExitStatusAndOutputsApart) {
  const auto run = run_shell("echo out; echo err >&2; exit 3", wish());

  EXPECT_EQ(run.ending.failed, nullptr);
  EXPECT_EQ(run.ending.exit_code, 3);
  EXPECT_EQ(run.ending.signal, 0);
  EXPECT_EQ(run.output.whole(), "out\n");
  EXPECT_EQ(run.errors.whole(), "err\n");
}

TEST_P(Process, TellsTheSignalThatKilled) {
  const auto run = run_shell("kill -SEGV $$", wish());

  EXPECT_EQ(run.ending.signal, SIGSEGV);
}

TEST_P(Process, CollectsMoreThanAPipeHolds) {
  const auto run = run_shell("seq 1 100000; seq 1 50000 >&2", wish());

  EXPECT_EQ(run.output.total(), 588895U);
  EXPECT_TRUE(run.output.whole().ends_with("\n99999\n100000\n"));
  EXPECT_TRUE(run.errors.whole().ends_with("\n49999\n50000\n"));
}

TEST_P(Process, IsNotHeldUpByAGrandchildThatKeepsThePipes) {
  const auto begin = std::chrono::steady_clock::now();

  const auto run = run_shell("sleep 1000 & echo $!", wish());

  EXPECT_LT(seconds_since(begin), 5);
  const auto grandchild = static_cast<pid_t>(std::stol(run.output.whole()));
  for (int i = 0; i < 500 && ::kill(grandchild, 0) == 0; ++i) ::usleep(1000);
  EXPECT_NE(std::filesystem::exists("/proc/" + std::to_string(grandchild) + "/cwd"), true);
}

TEST_P(Process, GoesOnAfterThePipesAreClosed) {
  const auto run = run_shell("exec >&- 2>&-; sleep 0.2; exit 4", wish());

  EXPECT_EQ(run.ending.exit_code, 4);
  EXPECT_GE(run.ending.seconds, 0.2);
}

TEST_P(Process, EndsOneThatTakesTooLong) {
  auto limited = wish();
  limited.timeout_seconds = 1;

  const auto run = run_shell("echo begun; trap 'echo asked; exit 0' TERM; sleep 1000 & wait", limited);

  EXPECT_TRUE(run.ending.timed_out);
  EXPECT_FALSE(run.ending.forced);
  EXPECT_EQ(run.output.whole(), "begun\nasked\n");
  EXPECT_LT(run.ending.seconds - limited.timeout_seconds, 1.4);
}

TEST_P(Process, KillsOneThatIgnoresTheRequestToEnd) {
  auto limited = wish();
  limited.timeout_seconds = 1;

  const auto run = run_shell("trap '' TERM; while :; do sleep 1000; done", limited);

  EXPECT_TRUE(run.ending.timed_out);
  EXPECT_TRUE(run.ending.forced);
  EXPECT_EQ(run.ending.signal, SIGKILL);
  EXPECT_GE(run.ending.seconds - limited.timeout_seconds, 1.9);
  EXPECT_LT(run.ending.seconds - limited.timeout_seconds, 4.9);
}

TEST_P(Process, EndsAStoppedOne) {
  auto limited = wish();
  limited.timeout_seconds = 0.1;

  const auto run = run_shell("kill -STOP $$", limited);

  EXPECT_TRUE(run.ending.timed_out);
  EXPECT_EQ(run.ending.signal, SIGTERM);
}

TEST_P(Process, NamesWhatCouldNotBeExecuted) {
  const auto missing = run_program({"/no/such/program"}, wish());
  const auto no_program = run_program({"/etc/passwd"}, wish());
  auto elsewhere = wish();
  elsewhere.directory = "/no/such/directory";
  const auto no_directory = run_program({"/bin/true"}, elsewhere);

  EXPECT_STREQ(missing.ending.failed, "execve");
  EXPECT_EQ(missing.ending.code, ENOENT);
  EXPECT_STREQ(no_program.ending.failed, "execve");
  EXPECT_EQ(no_program.ending.code, EACCES);
  EXPECT_STREQ(no_directory.ending.failed, "chdir");
  EXPECT_EQ(no_directory.ending.code, ENOENT);
}

TEST_P(Process, LeaksNeitherDescriptorsNorZombies) {
  static_cast<void>(run_shell("true", wish()));
  const auto before = open_descriptors();

  for (int i = 0; i < 20; ++i) {
    static_cast<void>(run_shell("echo x", wish()));
    static_cast<void>(run_program({"/no/such/program"}, wish()));
  }

  EXPECT_EQ(open_descriptors(), before);
  EXPECT_LE(::waitpid(-1, nullptr, WNOHANG), 0);
}

TEST_P(Process, PublishesItsGroupWhileItRuns) {
  std::atomic<pid_t> group{0};
  std::atomic<pid_t> seen{0};
  auto published = wish();
  published.group = &group;
  std::thread watcher([&] {
    while (seen == 0) seen = group.load();
  });

  const auto run = run_shell("echo $$; sleep 0.1", published);

  watcher.join();
  EXPECT_EQ(run.output.whole(), std::to_string(seen.load()) + "\n");
  EXPECT_EQ(group.load(), 0);
}

TEST(ProcessChild, HasAnEmptyStdinAndNoDescriptorOfOurs) {
  const int leaked = ::dup(1);  // without O_CLOEXEC

  const auto run = run_shell("cat; ls /proc/$$/fd | tr '\\n' ' '");

  ::close(leaked);
  EXPECT_EQ(run.output.whole().substr(0, 6), "0 1 2 ");
  EXPECT_EQ(run.output.whole().find(std::to_string(leaked)), std::string::npos) << run.output.whole();
}

TEST(ProcessChild, HasDefaultSignalsAndItsOwnGroup) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  ::signal(SIGUSR2, SIG_IGN);

  const auto run = run_shell("grep -E '^Sig(Blk|Ign)' /proc/self/status; ps -o pgid= -p $$; echo $$");

  ::signal(SIGUSR2, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
  EXPECT_TRUE(run.output.whole().starts_with("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n"))
      << run.output.whole();
}

TEST(ProcessChild, IsMeasured) {
  const auto big = run_shell("exec awk 'BEGIN { for (i = 0; i < 3000000; ++i) a[i] = i }'");
  const auto small = run_shell("true");

  // Unknown where this process itself was as large before the exec, as under a sanitizer.
  rusage own{};
  ::getrusage(RUSAGE_SELF, &own);
  const bool hidden = big.ending.peak_bytes == 0 && own.ru_maxrss > 100 * 1024;
  EXPECT_TRUE(hidden || big.ending.peak_bytes > std::uint64_t{100} << 20) << big.ending.peak_bytes;
  EXPECT_LT(small.ending.peak_bytes, std::uint64_t{50} << 20);
}

TEST(ProcessChild, NeedsNoPipesWithoutCapture) {
  Wish silent;
  silent.capture = false;

  const auto run = run_shell("echo lost; test ! -p /dev/stdout", silent);

  EXPECT_EQ(run.ending.exit_code, 0);
  EXPECT_EQ(run.output.total(), 0U);
}

TEST(FindProgram, SearchesPathOnlyForPlainNames) {
  EXPECT_EQ(find_program("no-such-program-anywhere"), std::nullopt);
  EXPECT_EQ(find_program(""), std::nullopt);
  EXPECT_EQ(find_program("./true"), std::nullopt);
  EXPECT_EQ(find_program("/etc"), std::nullopt);
  ASSERT_TRUE(find_program("true").has_value());
  EXPECT_TRUE(find_program("true")->ends_with("/true"));
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
}

}  // namespace
}  // namespace surd::sweep::detail
