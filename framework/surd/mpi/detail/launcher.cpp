#include "surd/mpi/detail/launcher.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace surd::mpi::detail {

bool launched() noexcept {
  static const bool result =
      std::ranges::any_of(std::array{"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"},
                          [](const char* name) { return std::getenv(name) != nullptr; });
  return result;
}

}  // namespace surd::mpi::detail
