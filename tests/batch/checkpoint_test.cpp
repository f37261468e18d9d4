#include "surd/batch/checkpoint.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <boost/serialization/vector.hpp>

#include "surd/base/error.hpp"
#include "surd/batch/signals.hpp"

namespace surd::batch {
namespace {

struct Walk {
  std::vector<double> visited;
  template <class Archive>
  void serialize(Archive& archive, unsigned) {
    archive& visited;
  }
};

class Checkpoints : public testing::Test {
 protected:
  Checkpoints() {
    std::string name = (std::filesystem::temp_directory_path() / "surd-checkpoint-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    options_.directory = name;
    options_.seconds = 0;
  }
  ~Checkpoints() override {
    std::error_code ignored;
    std::filesystem::remove_all(options_.directory, ignored);
  }

  /// Runs the loop; throws after `stop_after` steps of this run, as a crash would end it.
  Walk walk(std::uint64_t total, std::uint64_t stop_after = ~std::uint64_t{0}) {
    Walk state;
    for (const auto step : checkpointed(state, total, options_)) {
      if (first_step_ == none) first_step_ = step;
      if (steps_++ == stop_after) throw std::runtime_error("killed");
      state.visited.push_back(static_cast<double>(step));
    }
    return state;
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      names.push_back(entry.path().filename());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  static constexpr std::uint64_t none = ~std::uint64_t{0};
  CheckpointOptions options_;
  std::uint64_t first_step_ = none;
  std::uint64_t steps_ = 0;
};

std::vector<double> numbers(std::uint64_t n) {
  std::vector<double> all;
  for (std::uint64_t i = 0; i < n; ++i) all.push_back(static_cast<double>(i));
  return all;
}

TEST_F(Checkpoints, SaveEverySquareRootOfTheSteps) {
  options_.keep = 1000;

  EXPECT_EQ(walk(10'000).visited, numbers(10'000));

  EXPECT_EQ(files().size(), 100U);
}

TEST_F(Checkpoints, KeepTheNewest) {
  options_.every = 10;
  options_.keep = 3;

  (void)walk(100);

  EXPECT_EQ(files(), (std::vector<std::string>{"state.100.ckpt", "state.80.ckpt", "state.90.ckpt"}));
}

TEST_F(Checkpoints, ResumeAtTheLastOne) {
  EXPECT_THROW((void)walk(10'000, 250), std::runtime_error);

  steps_ = 0;
  first_step_ = none;
  EXPECT_EQ(walk(10'000).visited, numbers(10'000));
  EXPECT_EQ(first_step_, 200U);
  EXPECT_EQ(steps_, 9'800U);
}

TEST_F(Checkpoints, DoNothingMoreOnceComplete) {
  (void)walk(50);
  steps_ = 0;

  EXPECT_EQ(walk(50).visited, numbers(50));
  EXPECT_EQ(steps_, 0U);
}

TEST_F(Checkpoints, PassOverADamagedOne) {
  options_.every = 10;
  EXPECT_THROW((void)walk(100, 45), std::runtime_error);
  const auto newest = options_.directory / "state.40.ckpt";
  {
    std::fstream file(newest, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(50);
    file.put('\x7F');
  }

  steps_ = 0;
  first_step_ = none;
  EXPECT_EQ(walk(100).visited, numbers(100));
  EXPECT_EQ(first_step_, 30U);
}

TEST_F(Checkpoints, RefuseThoseOfAnotherLoop) {
  EXPECT_THROW((void)walk(100, 45), std::runtime_error);

  EXPECT_THROW((void)walk(200), base::UsageError);
}

TEST_F(Checkpoints, SurviveAKillAtEveryWrite) {
  options_.every = 3;
  for (int kth = 1; kth < 200; ++kth) {
    const auto child = fork();
    if (child == 0) {
      ::setenv("SURD_FAULT", ((kth % 2 == 0 ? "kill@" : "torn@") + std::to_string(kth)).c_str(), 1);
      (void)walk(20);
      _exit(0);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);

    EXPECT_EQ(walk(20).visited, numbers(20)) << "killed at write " << kth;
    for (const auto& entry : std::filesystem::directory_iterator(options_.directory)) {
      std::filesystem::remove(entry.path());
    }
    if (WIFEXITED(status)) return;
  }
  FAIL() << "the kill never came after the last write";
}

TEST_F(Checkpoints, ASignalSavesAndEndsTheLoop) {
  const auto child = fork();
  if (child == 0) {
    Walk state;
    std::uint64_t done = 0;
    for (const auto step : checkpointed(state, 1'000'000, options_)) {
      state.visited.push_back(static_cast<double>(step));
      if (++done == 1234) std::raise(SIGUSR1);
    }
    _exit(interrupted() ? 75 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 75);

  EXPECT_THROW((void)walk(1'000'000, 0), std::runtime_error);
  EXPECT_EQ(first_step_, 1234U);
}

}  // namespace
}  // namespace surd::batch
