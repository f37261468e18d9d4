#include "surd/memory/pressure.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/units.hpp"
#include "surd/memory/detail/probe.hpp"

namespace surd::memory {
namespace {

using base::MiB;
using std::chrono::milliseconds;
using testing::ElementsAre;

/// A pressure whose use and time the test sets: 125 units are the whole allowance.
class PressureOf100 : public testing::Test {
 protected:
  /// Percent of the allowance, 20 ms later.
  Level check(std::uint64_t percent) {
    reading.resident = percent * 125 / 100;
    time += milliseconds(20);
    return pressure.check();
  }

  std::chrono::steady_clock::time_point time{};
  Pressure::Reading reading;
  int readings = 0;
  Pressure pressure{100,
                    [this] {
                      ++readings;
                      return reading;
                    },
                    [this] { return time; }};
};

TEST_F(PressureOf100, RisesAtThresholdsAndFallsFivePercentBelowThem) {
  EXPECT_EQ(check(69), Level::normal);
  EXPECT_EQ(check(70), Level::normal);  // 87 of 125 units
  EXPECT_EQ(check(71), Level::raised);
  EXPECT_EQ(check(66), Level::raised);
  EXPECT_EQ(check(64), Level::normal);
  EXPECT_EQ(check(86), Level::high);
  EXPECT_EQ(check(81), Level::high);
  EXPECT_EQ(check(79), Level::raised);
  EXPECT_EQ(check(200), Level::critical);
  EXPECT_EQ(check(91), Level::critical);
  EXPECT_EQ(check(88), Level::high);
  EXPECT_EQ(check(0), Level::normal);
}

TEST_F(PressureOf100, TakesTheWorseOfProcessAndGroup) {
  reading.group_limit = 1000;
  reading.group_used = 900;
  EXPECT_EQ(check(10), Level::high);
  EXPECT_EQ(check(99), Level::critical);
  reading.group_limit = 0;
  EXPECT_EQ(check(10), Level::normal);
}

TEST_F(PressureOf100, MeasuresEvery20MillisecondsAtMost) {
  for (int i = 0; i < 41; ++i) {
    (void)pressure.check();
    time += milliseconds(1);
  }
  EXPECT_EQ(readings, 3);
}

TEST_F(PressureOf100, CallsHandlersInOrderAgainAfter100Milliseconds) {
  std::vector<std::string> calls;
  const auto first =
      pressure.subscribe(Level::raised, [&](Level l) { calls.push_back("a" + std::string(name(l))); });
  const auto second =
      pressure.subscribe(Level::high, [&](Level l) { calls.push_back("b" + std::string(name(l))); });

  check(75);
  check(75);
  EXPECT_THAT(calls, ElementsAre("araised"));
  check(90);
  EXPECT_THAT(calls, ElementsAre("araised", "ahigh", "bhigh"));
  for (int i = 0; i < 4; ++i) check(90);
  EXPECT_EQ(pressure.responses(), 3U);
  check(90);
  EXPECT_EQ(pressure.responses(), 5U);
  check(10);
  check(75);
  EXPECT_EQ(calls.back(), "araised");
  EXPECT_EQ(pressure.responses(), 6U);
}

TEST_F(PressureOf100, LetsHandlersEndSubscriptionsAndSubscribe) {
  std::vector<int> calls;
  std::optional<Pressure::Subscription> first;
  std::optional<Pressure::Subscription> second;
  std::optional<Pressure::Subscription> third;
  first = pressure.subscribe(Level::raised, [&](Level) {
    calls.push_back(1);
    first.reset();
    second.reset();
    third = pressure.subscribe(Level::raised, [&](Level) { calls.push_back(3); });
    (void)pressure.check();  // Handlers do not nest.
  });
  second = pressure.subscribe(Level::raised, [&](Level) { calls.push_back(2); });

  check(80);
  for (int i = 0; i < 5; ++i) check(80);

  EXPECT_THAT(calls, ElementsAre(1, 3, 3));
}

TEST_F(PressureOf100, MovesAndOutlivesSubscriptions) {
  int calls = 0;
  Pressure::Subscription outer;
  {
    auto inner = pressure.subscribe(Level::raised, [&](Level) { ++calls; });
    outer = std::move(inner);
  }
  check(80);
  EXPECT_EQ(calls, 1);
  outer = {};
  for (int i = 0; i < 10; ++i) check(80);
  EXPECT_EQ(calls, 1);

  auto brief = std::make_unique<Pressure>(100, [this] { return reading; });
  outer = brief->subscribe(Level::raised, [](Level) {});
  brief.reset();
}

TEST_F(PressureOf100, LogsOncePerLevelAndMinute) {
  std::vector<std::string> lines;
  const auto log = log_pressure(pressure, [&](std::string_view text) { lines.emplace_back(text); });
  for (int i = 0; i < 100; ++i) check(i % 2 == 0 ? 90 : 99);
  EXPECT_THAT(lines, ElementsAre(testing::StartsWith("memory use is high: 112 B"),
                                 testing::StartsWith("memory use is critical: 123 B")));
  time += std::chrono::seconds(61);
  check(99);
  EXPECT_EQ(lines.size(), 3U);
}

TEST(DefaultProbe, SeesPagesThisProcessTouches) {
  constexpr std::size_t bytes = 32 * MiB;
  const auto probe = detail::make_probe();
  const auto before = probe().resident;

  void* const memory =
      ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const auto after = probe().resident;
  ::munmap(memory, bytes);

  EXPECT_GE(after, before + bytes - MiB);
  EXPECT_LT(probe().resident, before + 8 * MiB);
}

/// A tree of files that stands for "/".
class ProbedGroups : public testing::Test {
 protected:
  ProbedGroups() { write("/proc/meminfo", "MemTotal: 67108864 kB\n"); }
  ~ProbedGroups() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) const {
    const auto file = root_.string() + path;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
  }

  std::filesystem::path root_ =
      std::filesystem::temp_directory_path() / ("surd_probe_" + std::to_string(::getpid()));
};

TEST_F(ProbedGroups, OfCgroupV2GiveTheFullestWithoutDroppableCache) {
  write("/proc/self/mountinfo", "30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "0::/job/step\n");
  write("/cg/job/memory.max", "1000000\n");
  write("/cg/job/memory.current", "800000\n");
  write("/cg/job/memory.stat", "anon 100\nfile 700000\ninactive_file 300000\nactive_file 400000\n");
  write("/cg/job/step/memory.max", "500000\n");
  write("/cg/job/step/memory.current", "450000\n");
  write("/cg/job/step/memory.stat", "anon 100\ninactive_file 10000\n");
  write("/proc/self/statm", "1000 200 30 4 0 50 0\n");
  const auto probe = detail::make_probe(root_.string());

  EXPECT_EQ(probe().group_used, 440000U);
  EXPECT_EQ(probe().group_limit, 500000U);
  EXPECT_EQ(probe().resident, 0U);
  write("/cg/job/memory.current", "1290000\n");
  write("/proc/self/statm", "1000 210 30 4 0 50 0\n");
  EXPECT_EQ(probe().group_used, 990000U);
  EXPECT_EQ(probe().group_limit, 1000000U);
  EXPECT_EQ(probe().resident, 10U * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

TEST_F(ProbedGroups, OfCgroupV1CountTheGroupsBelow) {
  write("/proc/self/mountinfo", "36 31 0:32 / /cg rw - cgroup cgroup rw,memory\n");
  write("/proc/self/cgroup", "4:memory:/job\n");
  write("/cg/job/memory.limit_in_bytes", "1000\n");
  write("/cg/job/memory.usage_in_bytes", "900\n");
  write("/cg/job/memory.stat", "inactive_file 1\ntotal_inactive_file 250\n");

  EXPECT_EQ(detail::make_probe(root_.string())().group_used, 650U);
}

TEST_F(ProbedGroups, MayBeMissing) {
  const auto reading = detail::make_probe(root_.string())();
  EXPECT_EQ(reading.group_limit, 0U);
  EXPECT_EQ(reading.resident, 0U);
}

}  // namespace
}  // namespace surd::memory
