// Rates of logs on a file system in memory where there is one; half of each goal must be reached even on a
// busy machine.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include <gtest/gtest.h>

#include "log_support.hpp"

namespace surd::test {
namespace {

namespace fs = std::filesystem;
using storage::LogReader;
using storage::LogWriter;

fs::path scratch() {
  const fs::path memory = "/dev/shm";
  const auto base = ::access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path();
  return base / ("surd_speed_" + std::to_string(::getpid()));
}

/// What a sweep stores: rows of axis values and results, which zstd halves.
std::string rows(std::size_t size, std::uint64_t number) {
  base::RandomStream random(size, number);
  std::string text;
  for (unsigned i = 0; text.size() < size; ++i) {
    const std::array<double, 6> row{
        1.5 + i % 41 * 0.05, i % 3 * 16.0, i % 16 * 1.0,
        std::sin(i) * 0.3,   2.0,          static_cast<double>(random.below(1000)) * 1e-3};
    text.append(reinterpret_cast<const char*>(row.data()), sizeof row);
  }
  text.resize(size);
  return text;
}

/// A debug build, or one with sanitizers, is only run.
double goal([[maybe_unused]] double rate) {
#ifdef NDEBUG
  return rate / 2;
#else
  return 0;
#endif
}

double cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// Items per second of processor time, so that other processes do not count: the fastest of three runs.
template <class Run>
double rate(std::size_t items, Run run) {
  double best = 1e9;
  for (int round = 0; round < 3; ++round) {
    const auto start = cpu_seconds();
    run();
    best = std::min(best, cpu_seconds() - start);
  }
  return static_cast<double>(items) / best;
}

struct Load {
  std::size_t bytes;
  bool compressible;
  std::size_t records;
  double append_goal;  ///< Records per second.
  double read_goal;
};

class LogSpeed : public testing::TestWithParam<Load> {};

TEST_P(LogSpeed, IsAtLeastHalfItsGoal) {
  const auto load = GetParam();
  const auto path = scratch();
  std::vector<std::string> payloads;
  for (std::uint64_t i = 0; i < 16; ++i)
    payloads.push_back(load.compressible ? rows(load.bytes, i) : payload(load.bytes, false, i));
  auto& files = storage::local_file_system();

  const auto appended = rate(load.records, [&] {
    LogWriter log(files, path);
    for (std::size_t i = 0; i < load.records; ++i) log.append(1, as_bytes(payloads[i % payloads.size()]));
    log.close();
  });
  std::size_t seen = 0;
  const auto read = rate(load.records, [&] {
    LogReader log(files, path);
    for (seen = 0; log.next();) ++seen;
  });
  fs::remove(path);

  std::printf("%6zu B %-12s append %9.0f/s %7.1f MB/s   read %9.0f/s %7.1f MB/s\n", load.bytes,
              load.compressible ? "rows of f64" : "random", appended,
              appended * static_cast<double>(load.bytes) * 1e-6, read,
              read * static_cast<double>(load.bytes) * 1e-6);
  EXPECT_EQ(seen, load.records);
  EXPECT_GE(appended, goal(load.append_goal));
  EXPECT_GE(read, goal(load.read_goal));
}

INSTANTIATE_TEST_SUITE_P(
    Loads, LogSpeed,
    testing::Values(Load{64, true, 100'000, 250e3, 3e6}, Load{64, false, 100'000, 250e3, 3e6},
                    Load{4096, true, 15'000, 60e3, 250e3}, Load{4096, false, 15'000, 60e3, 250e3},
                    Load{32768, true, 4000, 15e3, 30e3}, Load{32768, false, 4000, 15e3, 30e3}));

TEST(FileSpeed, OfSmallAppendsIsAtLeastHalfItsGoal) {
  const auto path = scratch();
  const std::size_t count = 100'000;
  const auto bytes = payload(64, false);

  const auto appended = rate(count, [&] {
    const auto file = storage::local_file_system().create(path);
    for (std::size_t i = 0; i < count; ++i) file->append(as_bytes(bytes));
    file->close();
  });
  fs::remove(path);

  std::printf("    64 B file appends %9.0f/s\n", appended);
  EXPECT_GE(appended, goal(500e3));
}

}  // namespace
}  // namespace surd::test
