// What surd costs on top of a bare loop that spawns and waits. Speed drifts on shared machines, so both take
// short turns in one program, each turn is compared with its neighbour, and the median counts.
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "command_points.hpp"
#include "surd/sweep/detail/process.hpp"

namespace surd::sweep {
namespace {

constexpr int rounds = 60;
constexpr int commands_per_turn = 25;

void spawn_and_wait(const std::string& path, std::vector<std::string> words,
                    const posix_spawn_file_actions_t* silent) {
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  ASSERT_EQ(::posix_spawn(&pid, path.c_str(), silent, nullptr, arguments.data(), environ), 0);
  ASSERT_EQ(::waitpid(pid, nullptr, 0), pid);
}

double per_second(const std::function<void()>& command) {
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < commands_per_turn; ++i) command();
  return commands_per_turn / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Rate of the job's evaluator as a share of the bare loop's: the median of alternating rounds.
/// `words`: the same command for that.
double share_of_bare_loop(const std::string& text, const std::vector<std::string>& words = {"true"}) {
  CommandJob job(text);
  const auto path = detail::find_program(words[0]).value();
  const auto ours = [&] { ASSERT_EQ(job.run().status, Status::ok); };
  posix_spawn_file_actions_t silent;
  posix_spawn_file_actions_init(&silent);
  posix_spawn_file_actions_addopen(&silent, 1, "/dev/null", O_WRONLY, 0);
  const auto bare = [&] { spawn_and_wait(path, words, words.size() > 1 ? &silent : nullptr); };
  ours();
  std::vector<double> shares;
  for (int round = 0; round < rounds; ++round) {
    const auto bare_rate = per_second(bare);
    shares.push_back(per_second(ours) / bare_rate);
  }
  posix_spawn_file_actions_destroy(&silent);
  const auto median = shares.begin() + rounds / 2;
  std::nth_element(shares.begin(), median, shares.end());
  std::printf("%.3f of a bare loop\n", *median);
  return *median;
}

TEST(CommandSpeed, IsThatOfABareLoopWithoutCapture) {
  EXPECT_GE(share_of_bare_loop(R"({"command": ["true"], "parse": "none", "capture": 0})"), 0.85);
}

TEST(CommandSpeed, IsMoreThanHalfThatOfABareLoopWithCapture) {
  EXPECT_GE(share_of_bare_loop(R"({"command": ["true"], "parse": "none"})"), 0.55);
}

TEST(CommandSpeed, IsMoreThanHalfThatOfABareLoopWithATimeoutAndJson) {
  EXPECT_GE(share_of_bare_loop(R"({"command": ["echo", "{{\"y\": {x}}}"], "timeout": "60s"})",
                               {"echo", "{\"y\": 1.5}"}),
            0.55);
}

}  // namespace
}  // namespace surd::sweep
