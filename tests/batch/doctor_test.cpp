// What surd doctor makes of machines that are not this one.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/json.hpp"
#include "surd/batch/detail/deadline.hpp"
#include "surd/batch/detail/doctor_text.hpp"
#include "surd/batch/detail/doctor_warnings.hpp"
#include "surd/batch/detail/launch.hpp"
#include "surd/batch/detail/machine.hpp"

namespace surd::batch::detail {
namespace {

using base::Json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Json directory(const char* path) {
  return {{"path", path},
          {"file_system", "lustre"},
          {"networked", true},
          {"sync_seconds", 0.01},
          {"synced_bytes_per_second", 1e9},
          {"read_back_bytes_per_second", 1e9},
          {"free_bytes", std::uint64_t{1} << 40}};
}

Json rank_on(const char* host, int core) {
  Json seen = {
      {"rank", core},
      {"host", host},
      {"cores", {core}},
      {"simd", "AVX2"},
      {"ranks_on_node", 2},
      {"memory", {{"bytes", std::uint64_t{64} << 30}, {"source", "cgroup"}, {"per_process", false}}}};
  if (core > 0) return seen;
  seen["limits"] = {
      {"open_files", 65536u}, {"processes", nullptr}, {"locked_memory", nullptr}, {"address_space", nullptr}};
  seen["interconnect"] = {{"fabrics", {{{"device", "mlx5_0"}, {"kind", "InfiniBand"}}}},
                          {"networks", {{{"device", "eth0"}, {"bits_per_second", 1e9}}}},
                          {"environment", Json::object()}};
  seen["scratch"] = directory("/scratch");
  seen["scratch"].erase("networked");
  seen["work"] = directory("/work");
  seen["work"]["seen_after_seconds"] = 0.002;
  return seen;
}

/// Two nodes of two ranks each, without a trouble.
Json healthy() {
  return {
      {"surd", "0.1.0"},
      {"revision", "abc"},
      {"mpi",
       {{"library", "Open MPI 4.1.4"},
        {"standard", "3.1"},
        {"threads", true},
        {"thread_level", "MPI_THREAD_MULTIPLE"},
        {"ranks", 4}}},
      {"hdf5", "1.10.8"},
      {"kokkos", "OpenMP"},
      {"launch", {{"ranks", 4}, {"variable", "OMPI_COMM_WORLD_SIZE"}, {"slurm_tasks", 4}, {"mistake", ""}}},
      {"slurm", {{"job", "17"}, {"nodes", "n[1-2]"}, {"seconds_left", 7200.0}}},
      {"links",
       {{{"from", "n1"},
         {"to", "n2"},
         {"latency_seconds", 1.5e-6},
         {"bytes_per_second", 1e10},
         {"clock_offset_seconds", 0.001}}}},
      {"ranks", {rank_on("n1", 0), rank_on("n1", 1), rank_on("n2", 0), rank_on("n2", 1)}},
      {"warnings", Json::array()}};
}

TEST(Doctor, HasNothingToSayOfAHealthyMachine) {
  EXPECT_THAT(doctor_warnings(healthy()), IsEmpty());

  const auto text = doctor_text(healthy());

  EXPECT_THAT(text, HasSubstr("Slurm    job 17 on n[1-2]"));
  EXPECT_THAT(text, HasSubstr("InfiniBand mlx5_0, eth0 1 Gbit/s"));
  EXPECT_THAT(text, HasSubstr("n1 to n2: 1.5 us"));
  EXPECT_THAT(text, HasSubstr("nothing that will hurt"));
}

struct Trouble {
  std::function<void(Json&)> make;
  const char* warning;
};

TEST(Doctor, WarnsOfEachTroubleOnce) {
  const std::vector<Trouble> troubles{
      {[](Json& r) { r["ranks"][3]["cores"] = {0}; }, "n2: 2 ranks share core 0"},
      {[](Json& r) { r["ranks"][0]["memory"]["bytes"] = 1u << 30; }, "n1: only 512 MiB of memory per rank"},
      {[](Json& r) { r["ranks"][0]["limits"]["open_files"] = 256u; }, "may open only 256 files"},
      {[](Json& r) { r["ranks"][0]["limits"]["processes"] = 100u; }, "only 100 processes"},
      {[](Json& r) { r["ranks"][0]["limits"]["locked_memory"] = 65536u; }, "which the InfiniBand needs"},
      {[](Json& r) { r["ranks"][2]["scratch"]["in_memory"] = true; },
       "n2: scratch /scratch is on lustre: what"},
      {[](Json& r) { r["ranks"][2]["scratch"]["networked"] = true; }, "n2: scratch is on a network"},
      {[](Json& r) { r["ranks"][2]["work"]["error"] = "Permission denied"; },
       "cannot be used: Permission denied"},
      {[](Json& r) { r["ranks"][2]["work"]["free_bytes"] = 1000u; }, "has only 1000 B left"},
      {[](Json& r) { r["ranks"][2]["work"]["sync_seconds"] = 0.5; },
       "takes 0.50 s to make a small write durable"},
      {[](Json& r) { r["ranks"][2]["work"]["seen_after_seconds"] = nullptr; },
       "n2: does not see what rank 0 writes"},
      {[](Json& r) { r["ranks"][2]["work"]["seen_after_seconds"] = 3.0; }, "only after 3.0 s"},
      {[](Json& r) { r["links"][0]["latency_seconds"] = 50e-6; }, "n2: 50 us per message"},
      {[](Json& r) { r["links"][0]["clock_offset_seconds"] = -4.0; }, "n2: its clock is 4.0 s behind n1's"},
      {[](Json& r) { r["ranks"][1]["simd"] = "AVX3"; }, "different SIMD targets"},
      {[](Json& r) { r["mpi"]["threads"] = false; }, "without MPI_THREAD_MULTIPLE"},
      {[](Json& r) { r["slurm"]["seconds_left"] = 60.0; }, "this Slurm job ends in"},
      {[](Json& r) { r["slurm"].erase("seconds_left"); }, "Slurm does not say when this job ends"},
      {[](Json& r) { r["ranks"][0]["scratch"]["shared"] = true; }, "is shared with rank 0's node"},
      {[](Json& r) { r["launch"]["mistake"] = "4 processes were started"; }, "4 processes were started"},
      {[](Json& r) { r["mpi"]["ranks"] = r["launch"]["ranks"] = 1; }, "Slurm gave this job 4 tasks"},
  };
  for (const auto& trouble : troubles) {
    auto report = healthy();
    trouble.make(report);

    EXPECT_THAT(doctor_warnings(report), ElementsAre(HasSubstr(trouble.warning)));
  }
}

TEST(Doctor, FindsDirectoriesThatCannotBeUsed) {
  for (const char* place : {"work", "scratch"}) {
    auto report = healthy();
    EXPECT_TRUE(directories_usable(report));
    report["ranks"][2][place]["error"] = "Permission denied";
    EXPECT_FALSE(directories_usable(report)) << place;
  }
}

void write(const std::filesystem::path& path, const char* text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST(Doctor, KnowsTheAdaptersOfANode) {
  const std::filesystem::path root = std::filesystem::path(::testing::TempDir()) / "doctor-root";
  std::filesystem::remove_all(root);
  write(root / "sys/class/infiniband/mlx5_0/ports/1/link_layer", "InfiniBand\n");
  write(root / "sys/class/infiniband/mlx5_1/ports/1/link_layer", "Ethernet\n");
  write(root / "sys/class/infiniband/hfi1_0/ports/1/link_layer", "InfiniBand\n");
  write(root / "sys/class/cxi/cxi0/device", "");
  write(root / "sys/class/net/lo/speed", "\n");
  write(root / "sys/class/net/eth0/speed", "25000\n");
  write(root / "sys/class/net/eth1/operstate", "down\n");
  ::setenv("UCX_TLS", "tcp", 1);

  const auto found = find_interconnect(root);

  EXPECT_EQ(found["fabrics"].dump(),
            R"([{"device":"hfi1_0","kind":"Omni-Path"},{"device":"mlx5_0","kind":"InfiniBand"},)"
            R"({"device":"mlx5_1","kind":"RoCE"},{"device":"cxi0","kind":"Slingshot"}])");
  EXPECT_EQ(found["networks"].dump(), R"([{"device":"eth0","bits_per_second":25000000000.0}])");
  EXPECT_EQ(found["environment"]["UCX_TLS"], "tcp");
}

TEST(Launch, OfManyThatMpiDoesNotSeeIsAMistake) {
  EXPECT_EQ(launch_mistake({.ranks = 4, .variable = "PMI_SIZE"}, 4, "MPICH"), "");
  EXPECT_EQ(launch_mistake({}, 1, "MPICH"), "");
  EXPECT_THAT(launch_mistake({.ranks = 4, .variable = "PMI_SIZE"}, 1, "MPICH"), HasSubstr("4 processes"));

  ::setenv("SLURM_STEP_ID", "0", 1);

  EXPECT_THAT(launch_mistake({.ranks = 4, .variable = "SLURM_STEP_NUM_TASKS"}, 1, "Open MPI"),
              HasSubstr("srun --mpi=pmix"));
}

TEST(DeadlineDeathTest, EndsTheJobWithTheNameOfWhatHangs) {
  EXPECT_EXIT(
      {
        const Deadline deadline("waiting for nothing", std::chrono::seconds(0));
        std::this_thread::sleep_for(std::chrono::seconds(30));
      },
      ::testing::ExitedWithCode(70), "fatal: waiting for nothing takes more than 0 s");
  const Deadline kept("nothing", std::chrono::seconds(30));
}

}  // namespace
}  // namespace surd::batch::detail
