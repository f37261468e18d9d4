#include "surd/memory/limits.hpp"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"

namespace surd::memory {
namespace {

using base::GiB;
using base::MiB;

const std::string v2_mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
const std::string v1_mount =
    "35 31 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
    "36 31 0:32 / /sys/fs/cgroup/memory rw,relatime shared:16 - cgroup cgroup rw,memory\n";

/// A tree of files that stands for "/", and no Slurm variables.
class Limits : public testing::Test {
 protected:
  Limits() : root_(std::filesystem::temp_directory_path() / ("surd_limits_" + std::to_string(::getpid()))) {
    for (const char* const name : {"SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE"})
      ::unsetenv(name);
    write("/proc/meminfo", "MemTotal:       67108864 kB\nMemFree:  1000 kB\n");  // 64 GiB
  }
  ~Limits() override {
    std::filesystem::remove_all(root_);
    for (const char* const name : {"SLURM_MEM_PER_NODE", "SLURM_MEM_PER_CPU", "SLURM_CPUS_ON_NODE"})
      ::unsetenv(name);
  }

  void write(const std::string& path, const std::string& text) const {
    const auto file = root_.string() + path;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] Limit limit(unsigned processes = 1) const { return find_limit(root_.string(), processes); }

 private:
  std::filesystem::path root_;
};

TEST_F(Limits, FallBackToPhysicalMemory) {
  EXPECT_EQ(limit().bytes, 64 * GiB);
  EXPECT_EQ(limit().source, "physical memory");
  EXPECT_FALSE(limit().per_process);
}

TEST_F(Limits, TakeTheTightestAncestorInCgroupV2) {
  write("/proc/self/mountinfo", v2_mount);
  write("/proc/self/cgroup", "0::/system.slice/slurmstepd.scope/job_7/step_0/task_0\n");
  const std::string base = "/sys/fs/cgroup/system.slice/slurmstepd.scope";
  write(base + "/job_7/step_0/task_0/memory.max", "max\n");
  write(base + "/job_7/step_0/memory.max", "8589934592\n");
  write(base + "/job_7/memory.max", "2147483648\n");
  write(base + "/memory.max", "max\n");

  EXPECT_EQ(limit().bytes, 2 * GiB);
  EXPECT_EQ(limit().source, "cgroup v2 /sys/fs/cgroup/system.slice/slurmstepd.scope/job_7/memory.max");
}

TEST_F(Limits, IgnoreMaxEverywhereInCgroupV2) {
  write("/proc/self/mountinfo", v2_mount);
  write("/proc/self/cgroup", "0::/a/b\n");
  write("/sys/fs/cgroup/a/b/memory.max", "max\n");
  write("/sys/fs/cgroup/a/memory.max", "max");

  EXPECT_EQ(limit().source, "physical memory");
}

TEST_F(Limits, ReadTheNamespaceRootOfAContainer) {
  write("/proc/self/mountinfo", v2_mount);
  write("/proc/self/cgroup", "0::/\n");
  write("/sys/fs/cgroup/memory.max", "1073741824\n");

  EXPECT_EQ(limit().bytes, GiB);
}

TEST_F(Limits, TakeTheTightestAncestorInCgroupV1) {
  write("/proc/self/mountinfo", v1_mount);
  write("/proc/self/cgroup", "9:cpu,cpuacct:/slurm/other\n4:memory:/slurm/uid_1000/job_7/step_0\n0::/\n");
  write("/sys/fs/cgroup/memory/slurm/uid_1000/job_7/step_0/memory.limit_in_bytes", "9223372036854771712\n");
  write("/sys/fs/cgroup/memory/slurm/uid_1000/job_7/memory.limit_in_bytes", "3221225472\n");
  write("/sys/fs/cgroup/memory/slurm/uid_1000/memory.limit_in_bytes", "4294967296\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");

  EXPECT_EQ(limit().bytes, 3 * GiB);
  EXPECT_EQ(limit().source, "cgroup v1 /sys/fs/cgroup/memory/slurm/uid_1000/job_7/memory.limit_in_bytes");
}

TEST_F(Limits, FollowTheMountOfASubtreeInsideAContainer) {
  write("/proc/self/mountinfo",
        "36 31 0:32 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n");
  write("/proc/self/cgroup", "4:memory:/docker/abc/inner\n");
  write("/sys/fs/cgroup/memory/inner/memory.limit_in_bytes", "3221225472\n");
  write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1073741824\n");

  EXPECT_EQ(limit().bytes, GiB);
}

TEST_F(Limits, ReadBothHierarchiesOfAHybridSystem) {
  write("/proc/self/mountinfo", v1_mount + "41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
  write("/proc/self/cgroup", "4:memory:/job\n0::/other\n");
  write("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "3221225472\n");
  write("/sys/fs/cgroup/unified/other/memory.max", "1073741824\n");

  EXPECT_EQ(limit().source, "cgroup v2 /sys/fs/cgroup/unified/other/memory.max");
}

TEST_F(Limits, SurviveMalformedFiles) {
  write("/proc/self/mountinfo", "- - -\n\n36 31 0:32 / /x rw - cgroup\n" + v2_mount);
  write("/proc/self/cgroup", "nonsense\n0:\n0::/../../elsewhere\n");
  write("/sys/fs/cgroup/memory.max", "12 monkeys\n");

  EXPECT_EQ(limit().source, "physical memory");
}

TEST_F(Limits, ReadSlurmsVariables) {
  ::setenv("SLURM_MEM_PER_NODE", "4096", 1);
  EXPECT_EQ(limit().bytes, 4096 * MiB);
  EXPECT_EQ(limit().source, "SLURM_MEM_PER_NODE");

  ::setenv("SLURM_MEM_PER_CPU", "500", 1);
  EXPECT_EQ(limit().bytes, 4096 * MiB);  // how many cores is unknown
  ::setenv("SLURM_CPUS_ON_NODE", "4", 1);
  EXPECT_EQ(limit().bytes, 2000 * MiB);

  ::setenv("SLURM_MEM_PER_NODE", "0", 1);
  ::setenv("SLURM_MEM_PER_CPU", "0", 1);
  EXPECT_EQ(limit().source, "physical memory");
}

TEST_F(Limits, CompareSharesOfTheProcessesOnANode) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_DATA, &before), 0);
  rlimit tight = before;
  tight.rlim_cur = 8 * GiB;
  ASSERT_EQ(::setrlimit(RLIMIT_DATA, &tight), 0);

  const auto alone = limit(1);
  const auto among_sixteen = limit(16);
  ::setrlimit(RLIMIT_DATA, &before);

  EXPECT_EQ(alone.source, "RLIMIT_DATA");
  EXPECT_TRUE(alone.per_process);
  EXPECT_EQ(alone.bytes, 8 * GiB);
  EXPECT_EQ(among_sixteen.source, "physical memory");
}

TEST_F(Limits, ThrowWithoutAnySource) { EXPECT_THROW((void)find_limit("/nonexistent"), base::IoError); }

TEST(Limit, OfThisMachineIsAtMostItsMemory) {
  const auto limit = find_limit();

  EXPECT_GT(limit.bytes, 16 * MiB);
  EXPECT_LE(limit.bytes, static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
                             static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)));
}

TEST(Usage, FollowsWhatTheProcessTouches) {
  const std::size_t size = 64 * MiB;
  const auto before = usage();
  auto* const memory =
      static_cast<char*>(::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(memory, MAP_FAILED);
  for (std::size_t i = 0; i < size; i += 4096) memory[i] = 1;
  const auto held = usage();
  ::munmap(memory, size);

  EXPECT_GE(held.resident, before.resident + size - MiB);
  EXPECT_GE(usage().peak_resident, before.resident + size - MiB);
  if (!reset_peak()) GTEST_SKIP() << "this kernel cannot reset the peak";
  EXPECT_LT(usage().peak_resident, before.resident + size / 2);
}

#ifndef __SANITIZE_ADDRESS__  // which keeps what is freed for a while
/// Without a limit, malloc keeps what lies below the piece that it gave last, here all of it.
TEST(KeptMemory, IsLittleOfWhatWasFreed) {
  limit_kept_memory(8 * MiB);
  const auto before = usage().resident;
  for (const auto bytes :
       {500 * base::KiB, 270 * base::KiB, 350 * base::KiB}) {  // it would keep more each time
    std::vector<std::unique_ptr<char[]>> pieces;
    while (pieces.size() * bytes < 16 * MiB) {
      pieces.push_back(std::make_unique<char[]>(bytes));
      std::memset(pieces.back().get(), 1, bytes);
    }
    const auto last = std::make_unique<char[]>(100 * base::KiB);
    EXPECT_GT(usage().resident, before + 15 * MiB);
    pieces.clear();
    EXPECT_LT(usage().resident, before + 1 * MiB) << bytes;
  }
}
#endif

}  // namespace
}  // namespace surd::memory
