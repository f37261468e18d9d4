#include "surd/sweep/lease.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <barrier>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/sweep/detail/lease_file.hpp"
#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::Leases;
using sweep::PointSet;
using sweep::detail::LeaseFile;
using testing::IsEmpty;

LeaseFile lease_on_another_node(const sweep::Definition& definition, std::vector<sweep::Run> claim) {
  LeaseFile lease{"b", sweep::detail::this_process(), 1, true, definition.text(), std::move(claim)};
  lease.process.host = "elsewhere";
  return lease;
}

void publish(storage::FileSystem& files, const LeaseFile& lease) {
  files.make_directories("leases");
  storage::write_atomically(files, "leases/" + lease.run + ".lease", lease.text(), false);
}

TEST(Lease, TextReadsBackAndAnyCutOfItIsNoLease) {
  const auto lease = lease_on_another_node(line(100), {{3, 4}, {10, 1}});
  const auto text = lease.text();

  EXPECT_EQ(LeaseFile::parse(text), lease);
  for (std::size_t size = 0; size < text.size(); ++size) EXPECT_FALSE(LeaseFile::parse(text.substr(0, size)));
  EXPECT_FALSE(LeaseFile::parse(R"({"surd lease": 2})"));
  EXPECT_FALSE(LeaseFile::parse("[]"));
}

TEST(Lease, ClaimsOfManyRunsAreEnclosed) {
  PointSet scattered;
  for (std::uint64_t p = 0; p < 100'000; p += 3) scattered.add(p);

  const auto runs = sweep::detail::enclosing_runs(scattered);

  EXPECT_LE(runs.size(), sweep::detail::claim_limit);
  EXPECT_GT(runs.size(), sweep::detail::claim_limit / 2);
  for (const auto& run : runs) scattered.remove(run);
  EXPECT_TRUE(scattered.empty());
}

TEST(Lease, JobsOneAfterTheOtherShareWithoutOverlap) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  Leases a(disk, "leases", definition, "a");
  Leases b(disk, "leases", definition, "b");
  Leases c(disk, "leases", definition, "c");

  const auto of_b = b.claim(PointSet(sweep::Run{0, 40}));
  const auto of_a = a.claim(PointSet(sweep::Run{20, 50}));
  const auto of_c = c.claim(PointSet(sweep::Run{0, 100}));

  EXPECT_EQ(of_b, PointSet(sweep::Run{0, 40}));
  EXPECT_EQ(of_a, PointSet(sweep::Run{40, 30}));
  EXPECT_EQ(of_c, PointSet(sweep::Run{70, 30}));
  EXPECT_EQ(c.neighbours(), 2U);
  EXPECT_EQ(a.others().size(), 70U);
  b.release();
  EXPECT_EQ(a.claim(PointSet(sweep::Run{0, 100})), PointSet(sweep::Run{0, 70}));
  EXPECT_EQ(a.neighbours(), 1U);
}

TEST(Lease, JobsAtTheSameTimeGiveWayUntilEachPointHasOneOwner) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  std::vector<PointSet> claims(4);
  std::barrier barrier(4);
  const auto job = [&](std::size_t number) {
    for (int round = 0; round < 50; ++round) {
      Leases leases(disk, "leases", definition, fmt::format("job{}", number));
      barrier.arrive_and_wait();
      claims[number] = leases.claim(PointSet(sweep::Run{10 * number, 60}));
      barrier.arrive_and_wait();
      if (number == 0) {
        PointSet all;
        std::uint64_t total = 0;
        for (const auto& claim : claims) {
          total += claim.size();
          all |= claim;
        }
        EXPECT_EQ(total, 90U);
        EXPECT_EQ(all.size(), 90U);
      }
      barrier.arrive_and_wait();
      leases.release();
      barrier.arrive_and_wait();
    }
  };

  std::vector<std::thread> threads;
  for (std::size_t number = 0; number < 4; ++number) threads.emplace_back(job, number);
  for (auto& thread : threads) thread.join();

  EXPECT_THAT(disk.list("leases"), IsEmpty());
}

TEST(Lease, LivesAsLongAsItsHeartbeatMovesOnTheReadersClock) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  double now = 1e6;
  Leases leases(disk, "leases", definition, "a", 10, [&] { return now; });
  auto other = lease_on_another_node(definition, {{0, 30}});
  publish(disk, other);

  EXPECT_EQ(leases.others().size(), 30U);
  now += 9;
  ++other.beat;
  publish(disk, other);
  EXPECT_EQ(leases.others().size(), 30U);
  now += 9;
  EXPECT_EQ(leases.others().size(), 30U);
  now += 2;
  EXPECT_EQ(leases.others().size(), 0U);
  EXPECT_EQ(leases.neighbours(), 0U);
  EXPECT_EQ(leases.claim(PointSet(sweep::Run{0, 100})).size(), 100U);
  ++other.beat;
  publish(disk, other);
  EXPECT_EQ(leases.others().size(), 30U);
  now += 700;
  leases.beat();
  EXPECT_EQ(disk.list("leases"), (std::vector<std::string>{"a.lease"}));
}

TEST(Lease, BeatsAQuarterOfTheTimeoutApart) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  double now = 0;
  Leases leases(disk, "leases", definition, "a", 10, [&] { return now; });
  leases.beat();
  EXPECT_THAT(disk.list("leases"), IsEmpty());
  (void)leases.claim(PointSet(sweep::Run{5, 5}));
  const auto first = LeaseFile::parse(disk.content().at("leases/a.lease")).value();

  now = 2.4;
  leases.beat();
  const auto second = LeaseFile::parse(disk.content().at("leases/a.lease")).value();
  now = 2.6;
  leases.beat();
  const auto third = LeaseFile::parse(disk.content().at("leases/a.lease")).value();

  EXPECT_TRUE(first.settled);
  EXPECT_EQ(second.beat, first.beat);
  EXPECT_EQ(third.beat, first.beat + 1);
  EXPECT_EQ(third.claim, (std::vector<sweep::Run>{{5, 5}}));
}

TEST(Lease, OfADeadProcessOnThisMachineEndsAtOnce) {
  auto& files = storage::local_file_system();
  const auto directory = std::filesystem::path(testing::TempDir()) / fmt::format("surd-lease-{}", getpid());
  const auto definition = line(100);
  const auto child = fork();
  if (child == 0) {
    Leases leases(files, directory, definition, "b");
    (void)leases.claim(PointSet(sweep::Run{0, 50}));
    raise(SIGSTOP);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
  Leases leases(files, directory, definition, "a");
  EXPECT_EQ(leases.others().size(), 50U);

  kill(child, SIGKILL);
  siginfo_t info;
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  const auto of_zombie = leases.others().size();
  waitpid(child, &status, 0);

  EXPECT_EQ(of_zombie, 0U);
  EXPECT_EQ(leases.claim(PointSet(sweep::Run{0, 100})).size(), 100U);
  EXPECT_EQ(files.list(directory), (std::vector<std::string>{"a.lease"}));
  std::filesystem::remove_all(directory);
}

TEST(Lease, OfAProcessWhoseNumberWasGivenAwayIsDead) {
  const auto self = sweep::detail::this_process();
  auto earlier = self;
  --earlier.start_ticks;
  auto elsewhere = earlier;
  elsewhere.pid_namespace = "pid:[1]";
  auto before_boot = earlier;
  before_boot.boot = "other";

  EXPECT_GT(self.start_ticks, 0);
  EXPECT_FALSE(known_dead(self, self));
  EXPECT_TRUE(known_dead(earlier, self));
  EXPECT_FALSE(known_dead(elsewhere, self));
  EXPECT_FALSE(known_dead(before_boot, self));
}

TEST(Lease, OfAnEarlierStartOfTheSameSlurmJobIsDead) {
  auto self = sweep::detail::this_process();
  self.slurm_job = "7@cluster";
  self.slurm_restart = 1;
  auto earlier = self;
  earlier.host = "node that died";
  earlier.slurm_restart = 0;
  auto other_step = earlier;
  other_step.slurm_restart = 1;
  auto other_job = earlier;
  other_job.slurm_job = "8@cluster";

  EXPECT_TRUE(known_dead(earlier, self));
  EXPECT_FALSE(known_dead(self, earlier));
  EXPECT_FALSE(known_dead(other_step, self));
  EXPECT_FALSE(known_dead(other_job, self));
}

TEST(Lease, WhatCannotBeReadIsIgnored) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  auto nonsense = lease_on_another_node(definition, {{0, 10}});
  nonsense.definition = "{}";
  nonsense.run = "nonsense";
  publish(disk, nonsense);
  auto outside = lease_on_another_node(definition, {{50, 51}, {20, 5}, {~0ULL >> 1, 1}});
  publish(disk, outside);
  (void)disk.create("leases/empty.lease");
  const std::string torn = "{\"surd lease\": 1, ";
  disk.create("leases/torn.lease")->append(std::as_bytes(std::span(torn)));
  Leases leases(disk, "leases", definition, "a");

  EXPECT_EQ(leases.others(), PointSet(sweep::Run{20, 5}));
  EXPECT_EQ(leases.neighbours(), 2U);
}

TEST(Lease, OnAnotherGridCoversTheSamePoints) {
  RecordingFileSystem disk;
  const auto mine = define(R"({"axes": {"i": {"range": [90, 120]}}})");
  publish(disk, lease_on_another_node(line(100), {{0, 95}}));
  auto version = lease_on_another_node(define(R"({"axes": {"i": {"range": [90, 120]}}})", "2"), {{0, 30}});
  version.run = "c";
  publish(disk, version);
  Leases leases(disk, "leases", mine, "a");

  EXPECT_EQ(leases.others(), PointSet(sweep::Run{0, 5}));
}

TEST(Lease, OfOneNameIsRefusedToASecondJob) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  publish(disk, lease_on_another_node(definition, {}));
  Leases leases(disk, "leases", definition, "b");

  EXPECT_THROW((void)leases.claim(PointSet(sweep::Run{0, 1})), base::UsageError);
}

}  // namespace
}  // namespace surd::test
