#include "surd/memory/profile.hpp"

#include <sys/mman.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/memory/limits.hpp"

namespace surd::memory {
namespace {

using base::MiB;

/// Uses memory and gives it back at once, which a freed block need not do (address sanitizer keeps it).
void touch(std::size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  std::memset(memory, 1, bytes);
  ::munmap(memory, bytes);
}

TEST(Profile, TellsPhasesApart) {
  Profile profile;
  {
    const auto phase = profile.phase("allocate");
    touch(96 * MiB);
  }
  {
    const auto phase = profile.phase("wait");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  {
    const auto phase = profile.phase("write");
    std::FILE* const file = std::tmpfile();
    ASSERT_NE(file, nullptr);
    const std::vector<char> bytes(MiB);
    for (int i = 0; i < 8; ++i) std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
  }

  ASSERT_EQ(profile.phases().size(), 3U);
  const auto& allocate = profile.phases()[0];
  const auto& wait = profile.phases()[1];
  const auto& write = profile.phases()[2];
  EXPECT_EQ(allocate.name, "allocate");
  EXPECT_GE(allocate.peak_bytes, profile.baseline_bytes() + 90 * MiB);
  EXPECT_GE(wait.seconds, 0.05);
  EXPECT_LT(wait.cpu_seconds, 0.04);
  EXPECT_GE(write.written_bytes, 8 * MiB);
  EXPECT_LT(write.written_bytes, 9 * MiB);
  EXPECT_GE(profile.peak_bytes(), allocate.peak_bytes);
  if (!reset_peak()) GTEST_SKIP() << "this kernel cannot reset the peak";
  EXPECT_LT(wait.peak_bytes, profile.baseline_bytes() + 40 * MiB);
}

TEST(Profile, KeepsThePeakBetweenPhases) {
  Profile profile;
  touch(64 * MiB);
  { const auto phase = profile.phase("idle"); }

  EXPECT_GE(profile.peak_bytes(), profile.baseline_bytes() + 60 * MiB);
}

TEST(Profile, RefusesNestedPhases) {
  Profile profile;
  const auto outer = profile.phase("outer");

  EXPECT_THROW((void)profile.phase("inner"), base::LogicError);
}

TEST(Profile, EndsAMovedPhaseOnce) {
  Profile profile;
  {
    auto phase = profile.phase("moved");
    const auto other = std::move(phase);
  }

  EXPECT_EQ(profile.phases().size(), 1U);
}

}  // namespace
}  // namespace surd::memory
