#include "surd/batch/detail/launch.hpp"

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "surd/batch/work_directory.hpp"

namespace surd::batch::detail {
namespace {

/// 0 unless the variable is a number.
int number_of(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return 0;
  const std::string_view digits(text);
  int number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return error == std::errc() && end == digits.data() + digits.size() ? number : 0;
}

}  // namespace

std::string srun_option(std::string_view mpi_library) {
  return mpi_library.starts_with("Open MPI") ? "--mpi=pmix" : "--mpi=pmi2";
}

Launch find_launch() {
  Launch launch;
  launch.rank = launched_rank();
  if (const int tasks = number_of("SLURM_NTASKS"); tasks > 0) launch.slurm_tasks = tasks;
  // mpirun inside a Slurm job sets its own beside those of the srun that started its daemons: it is asked
  // first.
  for (const char* variable : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"}) {
    const int ranks = number_of(variable);
    if (ranks == 0) continue;
    launch.ranks = ranks;
    launch.variable = variable;
    return launch;
  }
  return launch;
}

std::string launch_mistake(const Launch& launch, int world, const std::string& mpi_library) {
  if (world > 1 || launch.ranks <= 1) return {};
  const bool by_srun = std::getenv("SLURM_STEP_ID") != nullptr && launch.variable != "OMPI_COMM_WORLD_SIZE";
  const std::string remedy =
      by_srun
          ? fmt::format("start it with srun {} (srun --mpi=list names what there is), or with {}'s mpirun",
                        srun_option(mpi_library), mpi_library)
          : fmt::format("start it with the mpirun of {}, with which it was built", mpi_library);
  return fmt::format(
      "{} processes were started ({}), but each takes itself for the only rank and would do the whole job: "
      "{} does not "
      "speak this launcher's protocol; {}. To run alone on purpose, unset {}",
      launch.ranks, launch.variable, mpi_library, remedy, launch.variable);
}

}  // namespace surd::batch::detail
