#pragma once

namespace surd::mpi::detail {

/// Whether mpirun, srun or their like started this process. Asked first before MPI_Init, which may put
/// variables of its own into the environment.
[[nodiscard]] bool launched() noexcept;

}  // namespace surd::mpi::detail
