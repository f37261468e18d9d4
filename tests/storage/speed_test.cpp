// Rates of logs on a file system in memory where there is one; half of each goal must be reached even on a
// busy machine. The speed of a shared core changes by half within seconds, so each turn is compared with what
// zstd alone does beside it, and the median counts.
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

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

/// Items per second of processor time, so that other processes do not count.
template <class Run>
double rate(std::size_t items, Run run) {
  const auto start = cpu_seconds();
  run();
  return static_cast<double>(items) / (cpu_seconds() - start);
}

/// What this core does now of what the goals take it to do: zstd alone packs 8,000 blocks of 32 KiB of such
/// rows a second. A faster core has the same goals.
class Core {
 public:
  Core() : packed_(ZSTD_compressBound(block_bytes)) {
    for (std::uint64_t i = 0; i < 16; ++i) blocks_.push_back(rows(block_bytes, i));
  }

  double speed() {
    const auto packed = rate(calls, [&] {
      for (std::size_t i = 0; i < calls; ++i) {
        const auto& block = blocks_[i % blocks_.size()];
        const auto size = ZSTD_compressCCtx(context_.get(), packed_.data(), packed_.size(), block.data(),
                                            block.size(), /*compressionLevel=*/1);
        if (ZSTD_isError(size) != 0) throw std::runtime_error(ZSTD_getErrorName(size));
      }
    });
    return std::min(1.0, packed / 8000);
  }

 private:
  static constexpr std::size_t block_bytes = 32768;
  static constexpr std::size_t calls = 160;

  std::vector<std::string> blocks_;
  std::vector<char> packed_;
  std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context_{ZSTD_createCCtx(), ZSTD_freeCCtx};
};

constexpr std::size_t turns = 15;

double median(std::array<double, turns> values) {
  std::nth_element(values.begin(), values.begin() + turns / 2, values.end());
  return values[turns / 2];
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

  Core core;
  std::array<double, turns> appended{};
  std::array<double, turns> read{};
  for (std::size_t turn = 0; turn < turns; ++turn) {
    const auto before = core.speed();
    appended[turn] = rate(load.records, [&] {
      LogWriter log(files, path);
      for (std::size_t i = 0; i < load.records; ++i) log.append(1, as_bytes(payloads[i % payloads.size()]));
      log.close();
    });
    const auto between = core.speed();
    std::size_t seen = 0;
    read[turn] = rate(load.records, [&] {
      LogReader log(files, path);
      while (log.next()) ++seen;
    });
    fs::remove(path);
    EXPECT_EQ(seen, load.records);
    appended[turn] /= (before + between) / 2;
    read[turn] /= (between + core.speed()) / 2;
  }

  std::printf("%6zu B %-12s append %9.0f/s %7.1f MB/s   read %9.0f/s %7.1f MB/s\n", load.bytes,
              load.compressible ? "rows of f64" : "random", median(appended),
              median(appended) * static_cast<double>(load.bytes) * 1e-6, median(read),
              median(read) * static_cast<double>(load.bytes) * 1e-6);
  EXPECT_GE(median(appended), goal(load.append_goal));
  EXPECT_GE(median(read), goal(load.read_goal));
}

INSTANTIATE_TEST_SUITE_P(
    Loads, LogSpeed,
    testing::Values(Load{64, true, 20'000, 250e3, 3e6}, Load{64, false, 20'000, 250e3, 3e6},
                    Load{4096, true, 3000, 60e3, 250e3}, Load{4096, false, 3000, 60e3, 250e3},
                    Load{32768, true, 800, 15e3, 30e3}, Load{32768, false, 800, 15e3, 30e3}));

TEST(FileSpeed, OfSmallAppendsIsAtLeastHalfItsGoal) {
  const auto path = scratch();
  const std::size_t count = 20'000;
  const auto bytes = payload(64, false);

  Core core;
  std::array<double, turns> appended{};
  for (auto& turn : appended) {
    const auto before = core.speed();
    turn = rate(count, [&] {
      const auto file = storage::local_file_system().create(path);
      for (std::size_t i = 0; i < count; ++i) file->append(as_bytes(bytes));
      file->close();
    });
    turn /= (before + core.speed()) / 2;
    fs::remove(path);
  }

  std::printf("    64 B file appends %9.0f/s\n", median(appended));
  EXPECT_GE(median(appended), goal(500e3));
}

}  // namespace
}  // namespace surd::test
