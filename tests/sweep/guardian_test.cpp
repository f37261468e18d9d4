// Kills processes that run commands and looks for survivors.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "command_points.hpp"
#include "surd/sweep/detail/guardian.hpp"
#include "surd/sweep/detail/launch.hpp"

namespace surd::sweep {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;

/// Gone, or waiting for its parent to notice.
bool is_dead(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto state = text.find(") ");
  return state == std::string::npos || text[state + 2] == 'Z' || text[state + 2] == 'X';
}

bool eventually(milliseconds limit, const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(2));
  }
  return true;
}

std::vector<pid_t> read_pids(const fs::path& path) {
  std::ifstream file(path);
  std::vector<pid_t> pids;
  for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  return pids;
}

/// This program as a process that runs `line` at a point; its own process group.
class Victim {
 public:
  explicit Victim(const std::string& line) {
    fs::remove_all(directory_);
    fs::create_directories(directory_);
    std::vector<std::string> words{"victim", "--victim", directory_.string(), line};
    std::vector<char*> arguments;
    for (auto& word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    detail::Launch launch;
    launch.program = "/proc/self/exe";
    launch.arguments = arguments.data();
    launch.environment = environ;
    pid_ = detail::start(launch).pid;
  }
  ~Victim() {
    end(SIGKILL);
    for (const pid_t pid : commands()) ::kill(pid, SIGKILL);
    fs::remove_all(directory_);
  }
  Victim(const Victim&) = delete;
  Victim& operator=(const Victim&) = delete;

  void end(int signal, bool whole_group = false) {
    if (pid_ <= 0) return;
    ::kill(whole_group ? -pid_ : pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  /// Process ids that the command has written to the file pids.
  [[nodiscard]] std::vector<pid_t> commands() const { return read_pids(directory_ / "pids"); }
  [[nodiscard]] pid_t guardian() const { return read_pids(directory_ / "guardian").at(0); }
  [[nodiscard]] bool has_scratch() const {
    const auto root = directory_ / "scratch";
    return fs::exists(root) && !fs::is_empty(root);
  }
  [[nodiscard]] std::string pids_file() const { return (directory_ / "pids").string(); }

 private:
  fs::path directory_ = fs::temp_directory_path() / ("surd-victim-" + std::to_string(::getpid()));
  pid_t pid_ = -1;
};

std::string pids_file() {
  return (fs::temp_directory_path() / ("surd-victim-" + std::to_string(::getpid())) / "pids").string();
}

/// Starts `line`, waits until it has written `count` process ids, ends the rank by `signal`, and expects that
/// a second later nothing is left.
void expect_nothing_left(const std::string& line, std::size_t count, int signal, bool whole_group) {
  Victim victim(line);
  ASSERT_TRUE(eventually(milliseconds(20'000), [&] { return victim.commands().size() == count; })) << line;
  ASSERT_TRUE(victim.has_scratch());
  auto processes = victim.commands();
  for (const pid_t pid : processes) ASSERT_FALSE(is_dead(pid));
  processes.push_back(victim.guardian());
  ASSERT_FALSE(is_dead(victim.guardian()));

  victim.end(signal, whole_group);

  for (const pid_t pid : processes) {
    EXPECT_TRUE(eventually(milliseconds(1000), [&] { return is_dead(pid); })) << pid << " of " << line;
  }
  EXPECT_FALSE(victim.has_scratch());
}

TEST(Guardian, EndsCommandsAndTheirChildrenWhenTheRankIsKilled) {
  const auto line = "sleep 1000 & echo $! >>" + pids_file() + "; echo $$ >>" + pids_file() + "; sleep 1000";

  for (int i = 0; i < 5; ++i) expect_nothing_left(line, 2, SIGKILL, false);
}

TEST(Guardian, SurvivesAKillOfTheRanksProcessGroup) {
  const auto line = "sleep 1000 & echo $! >>" + pids_file() + "; echo $$ >>" + pids_file() + "; sleep 1000";

  for (const int signal : {SIGKILL, SIGTERM, SIGHUP}) expect_nothing_left(line, 2, signal, true);
}

TEST(Guardian, EndsCommandsThatIgnoreSignals) {
  const auto line = "trap '' TERM HUP INT; (trap '' TERM; sleep 1000) & echo $! >>" + pids_file() +
                    "; echo $$ >>" + pids_file() + "; while :; do sleep 1000; done";

  expect_nothing_left(line, 2, SIGKILL, false);
}

TEST(Guardian, RemovesAScratchDirectoryThatIsStillBeingWritten) {
  const auto line =
      "mkdir -p a/b; (while :; do echo x >>a/b/file; mkdir -p c/$(date +%N); done) & echo $! >>" +
      pids_file() + "; echo $$ >>" + pids_file() + "; sleep 1000";

  for (int i = 0; i < 3; ++i) expect_nothing_left(line, 2, SIGKILL, false);
}

TEST(Guardian, EndsWithARankThatEndsByItself) {
  Victim victim("echo $$ >>" + pids_file());
  ASSERT_TRUE(eventually(milliseconds(20'000), [&] { return victim.commands().size() == 1; }));
  const auto guardian = victim.guardian();

  EXPECT_TRUE(eventually(milliseconds(2000), [&] { return is_dead(guardian); }));
}

TEST(Guardian, HoldsNoDescriptorOfTheRank) {
  const detail::Guarded guarded;
  std::vector<std::string> targets;

  for (const auto& entry :
       fs::directory_iterator("/proc/" + std::to_string(detail::guardian_pid()) + "/fd")) {
    targets.push_back(fs::read_symlink(entry).string());
  }

  for (const auto& target : targets) {
    EXPECT_TRUE(target == "/dev/null" || target.starts_with("socket:") || target.starts_with("/memfd:"))
        << target;
  }
  EXPECT_EQ(targets.size(), 5U);
}

TEST(Guardian, IsStartedOnceForAllEvaluators) {
  const detail::Guarded first;
  const auto pid = detail::guardian_pid();
  const detail::Guarded second;

  EXPECT_GT(pid, 0);
  EXPECT_EQ(detail::guardian_pid(), pid);
}

TEST(Guardian, GivesBackWhatEvaluatorsTook) {
  for (int i = 0; i < 100; ++i) {
    detail::Guarded guarded;
    EXPECT_EQ(guarded.group().load(), 0);
    guarded.group() = 1;  // a process group that no guardian kills
  }
}

}  // namespace
}  // namespace surd::sweep
