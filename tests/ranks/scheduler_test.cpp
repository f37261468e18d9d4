#include "surd/ranks/scheduler.hpp"

#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace surd::ranks {
namespace {

/// Hands out positions 0 .. total - 1, `size` at a time.
class Counter final : public WorkSource {
 public:
  Counter(std::uint64_t total, std::uint64_t size) : total_(total), size_(size) {}

  Answer next(int, sweep::Batch& batch) override {
    if (stopping) return Answer::finished;
    if (waits_ > 0) {
      --waits_;
      return Answer::wait;
    }
    if (handed_out == total_) return Answer::finished;
    const auto count = std::min(size_, total_ - handed_out);
    batch.run_count = 1;
    batch.runs[0] = {handed_out, count};
    handed_out += count;
    return Answer::work;
  }
  void finished(int rank, const sweep::Batch& batch, const Report& report) override {
    reported += report.points;
    given_up += report.given_up;
    EXPECT_EQ(batch.points(), report.points + report.given_up) << "rank " << rank;
  }
  void stop_requested() override { stopping = true; }
  void point_failed(const std::string& text) override { failures.push_back(text); }
  bool upkeep() override { return stopping; }

  void make_wait(int times) { waits_ = times; }

  std::uint64_t handed_out = 0;
  std::uint64_t reported = 0;
  std::uint64_t given_up = 0;
  bool stopping = false;
  std::vector<std::string> failures;

 private:
  std::uint64_t total_;
  std::uint64_t size_;
  int waits_ = 0;
};

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Works until there is no more; returns how often this rank evaluated each position.
std::vector<std::uint64_t> work(Scheduler& scheduler, std::uint64_t total,
                                const std::function<void()>& point) {
  std::vector<std::uint64_t> times(total);
  while (const auto batch = scheduler.next()) {
    Report report;
    const double start = now_seconds();
    for (std::size_t i = 0; i < batch->run_count; ++i) {
      for (auto p = batch->runs[i].first; p < batch->runs[i].end(); ++p) {
        if (scheduler.stopping()) {
          ++report.given_up;
          continue;
        }
        point();
        ++times[p];
        ++report.points;
        scheduler.between_points(now_seconds());
      }
    }
    report.seconds = now_seconds() - start;
    scheduler.done(report);
  }
  scheduler.finish();
  return times;
}

class SchedulerOnRanks : public testing::Test {
 protected:
  mpi::Communicator ranks_ = [] {
    MPI_Comm copy = MPI_COMM_NULL;
    mpi::check(MPI_Comm_dup(MPI_COMM_WORLD, &copy), "MPI_Comm_dup");
    return mpi::Communicator(copy);
  }();
  std::atomic<bool> stop_{false};
};

TEST_F(SchedulerOnRanks, HandsOutEveryPositionOnce) {
  for (const std::uint64_t size : {1U, 3U, 1000U}) {
    constexpr std::uint64_t total = 20'000;
    Counter source(total, size);
    source.make_wait(5);

    Scheduler scheduler(ranks_, ranks_.is_root() ? &source : nullptr, stop_);
    const auto times = work(scheduler, total, [] {});

    for (std::uint64_t p = 0; p < total; ++p) {
      if (p % 97 != 0) continue;
      EXPECT_EQ(ranks_.sum(times[p]), 1U) << p;
    }
    std::uint64_t mine = 0;
    for (const auto t : times) mine += t;
    EXPECT_EQ(ranks_.sum(mine), total);
    EXPECT_EQ(source.reported, ranks_.is_root() ? total : 0);
  }
}

TEST_F(SchedulerOnRanks, EveryRankGetsItsShareOfLongPoints) {
  constexpr std::uint64_t total = 60;
  Counter source(total, 1);

  Scheduler scheduler(ranks_, ranks_.is_root() ? &source : nullptr, stop_);
  const auto times =
      work(scheduler, total, [] { std::this_thread::sleep_for(std::chrono::milliseconds(30)); });

  std::uint64_t mine = 0;
  for (const auto t : times) mine += t;
  EXPECT_GE(mine, total / static_cast<std::uint64_t>(ranks_.size()) / 2);
}

TEST_F(SchedulerOnRanks, AStopOnTheLastRankStopsAll) {
  constexpr std::uint64_t total = 1'000'000;
  Counter source(total, 1000);
  std::uint64_t evaluated = 0;

  Scheduler scheduler(ranks_, ranks_.is_root() ? &source : nullptr, stop_);
  const auto times = work(scheduler, total, [&] {
    if (ranks_.rank() == ranks_.size() - 1 && ++evaluated == 50) stop_ = true;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  });

  std::uint64_t mine = 0;
  for (const auto t : times) mine += t;
  EXPECT_LT(ranks_.sum(mine), total / 10);
  if (ranks_.is_root()) {
    EXPECT_TRUE(source.stopping);
    EXPECT_EQ(source.reported + source.given_up, source.handed_out);
  }
}

TEST_F(SchedulerOnRanks, FailuresReachRankZero) {
  Counter source(0, 1);
  Scheduler scheduler(ranks_, ranks_.is_root() ? &source : nullptr, stop_);

  scheduler.point_failed("rank " + std::to_string(ranks_.rank()));
  ranks_.barrier();
  const double start = now_seconds();
  while (ranks_.is_root() && source.failures.size() < static_cast<std::size_t>(ranks_.size())) {
    scheduler.poll();
    ASSERT_LT(now_seconds() - start, 20);
  }
  work(scheduler, 0, [] {});

  EXPECT_EQ(source.failures.size(), ranks_.is_root() ? static_cast<std::size_t>(ranks_.size()) : 0);
}

}  // namespace
}  // namespace surd::ranks
