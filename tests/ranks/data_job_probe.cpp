// A toy data job as a program, to be killed and started again with other numbers of ranks: see
// data_job_kill.py.
//
//   data_job_probe DIRECTORY RUN EPOCH_BYTES MILLISECONDS_PER_UNIT
//
// Prints the units done here, by stage, and by earlier runs
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>

#include "data_job_support.hpp"
#include "surd/mpi/fatal.hpp"
#include "surd/ranks/data_job.hpp"

namespace {

std::atomic<bool> stop{false};

void on_signal(int) { stop = true; }

}  // namespace

int main(int argc, char** argv) {
  surd::mpi::install_fatal_handler();
  const surd::mpi::Session session(argc, argv);
  std::signal(SIGUSR1, on_signal);
  if (argc != 5) throw surd::base::UsageError("four arguments are needed");
  const std::filesystem::path directory = argv[1];
  const surd::test::ToyShape shape{.blocks = 200, .residues = 100, .numbers = 200, .name = "probe"};
  surd::test::ToyHooks hooks;
  const std::chrono::milliseconds pace(std::stoll(argv[4]));
  hooks.unit = [&](std::size_t, std::uint64_t) { std::this_thread::sleep_for(pace); };
  const surd::test::ToyJob job(shape, hooks, directory / "out");
  const surd::ranks::DataJobOptions options{.work = directory / "work",
                                            .run = argv[2],
                                            .scratch = directory,
                                            .memory_bytes = 1 << 20,
                                            .epoch_bytes = std::stoull(argv[3])};
  const auto result = run_data_job(session, job, surd::storage::local_file_system(), options, stop, nullptr);
  const auto& world = session.world();
  std::uint64_t units = 0;
  for (const auto& done : hooks.units) units += world.sum(done.load());
  if (world.is_root()) {
    const bool right =
        result.complete && surd::storage::read_file(surd::storage::local_file_system(), directory / "out") ==
                               surd::test::toy_result(shape);
    std::printf("units %llu resumed %llu %s\n", static_cast<unsigned long long>(units),
                static_cast<unsigned long long>(result.state.units_resumed),
                right ? "right" : "not complete");
  }
  return result.complete ? 0 : 75;
}
