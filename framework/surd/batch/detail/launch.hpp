// What the launcher says it started, against what MPI sees: where they do not speak the same PMI, every
// process takes itself for the only rank, and each would do the whole job.
#pragma once

#include <string>
#include <string_view>

namespace surd::batch::detail {

struct Launch {
  int rank = 0;          ///< Of this process, as the launcher counts.
  int ranks = 1;         ///< Processes that the launcher started together; 1 without a launcher.
  std::string variable;  ///< Who says so, as "OMPI_COMM_WORLD_SIZE"; empty without a launcher.
  int slurm_tasks = 1;   ///< Tasks that Slurm gave to the whole job, launched or not.
};

/// From the environment; to be asked before MPI starts, which may add to it.
[[nodiscard]] Launch find_launch();

/// How srun is to tell the ranks of this library of each other.
[[nodiscard]] std::string srun_option(std::string_view mpi_library);

/// What to do about a launch of many that became `world` = 1 rank each; empty if all is well.
[[nodiscard]] std::string launch_mistake(const Launch& launch, int world, const std::string& mpi_library);

}  // namespace surd::batch::detail
