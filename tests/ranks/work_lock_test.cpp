// Whose work directory it is when a run before has left its file there.
#include "surd/ranks/work_lock.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/recording_file_system.hpp"
#include "surd/base/error.hpp"
#include "surd/sweep/detail/lease_file.hpp"

namespace surd::ranks {
namespace {

using Clock = std::chrono::steady_clock;
using sweep::detail::Process;
using testing::HasSubstr;

const storage::Path file = "work/running";

class WorkLockTest : public testing::Test {
 protected:
  WorkLockTest() { disk_.make_directories("work"); }

  void leave(const Process& holder, std::uint64_t beat = 0) {
    sweep::detail::LeaseFile lease;
    lease.run = "before";
    lease.process = holder;
    lease.beat = beat;
    storage::write_atomically(disk_, file, lease.text(), false);
  }

  /// Seconds until the directory is this run's.
  double take(double stale_seconds) {
    const auto begin = Clock::now();
    const WorkLock lock(disk_, "work", "after", stale_seconds);
    const auto lease = sweep::detail::LeaseFile::parse(storage::read_file(disk_, file));
    EXPECT_TRUE(lease && lease->process == sweep::detail::this_process());
    return std::chrono::duration<double>(Clock::now() - begin).count();
  }

  test::RecordingFileSystem disk_;
};

Process of_another_namespace() {
  auto process = sweep::detail::this_process();
  process.pid_namespace = "pid:[1]";
  return process;
}

Process of_another_host() {
  auto process = sweep::detail::this_process();
  process.host = "elsewhere";
  process.boot = "another";
  return process;
}

TEST_F(WorkLockTest, IsTakenOverFromAnotherMachineOnceItHasStoodStill) {
  for (const auto& holder : {of_another_namespace(), of_another_host()}) {
    leave(holder);
    EXPECT_GE(take(0.3), 0.3);
    EXPECT_FALSE(disk_.file_size(file)) << "it stays when its run is over";
  }
}

TEST_F(WorkLockTest, IsRefusedWhileARunOfAnotherMachineBeats) {
  leave(of_another_host());
  std::jthread beating([this](const std::stop_token& over) {
    for (std::uint64_t beat = 1; !over.stop_requested(); ++beat) {
      leave(of_another_host(), beat);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  });

  EXPECT_THAT([this] { (void)take(30); },
              testing::ThrowsMessage<base::UsageError>(
                  testing::AllOf(HasSubstr("in use by another run"), HasSubstr("on elsewhere"))));
}

TEST_F(WorkLockTest, IsTakenOverAtOnceFromAProcessThatIsGone) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  auto gone = sweep::detail::this_process();
  gone.pid = child;
  leave(gone);

  EXPECT_LT(take(60), 30);
}

TEST_F(WorkLockTest, IsTakenOverFromARunThatWroteNothing) {
  disk_.create(file)->close();
  const auto seconds = take(9);
  EXPECT_GE(seconds, 0.3);
  EXPECT_LT(seconds, 5);
}

}  // namespace
}  // namespace surd::ranks
