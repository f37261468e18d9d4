// Lets the ranks of a node leave together: none before the last one is through MPI_Finalize.
#pragma once

#include "surd/mpi/communicator.hpp"

namespace surd::mpi::detail {

/// A number that the ranks of a node share even when MPI has been finalised.
class Farewell {
 public:
  Farewell() noexcept = default;
  Farewell(const Farewell&) = delete;
  Farewell& operator=(const Farewell&) = delete;
  ~Farewell();

  /// Collective. Where one rank cannot open what another one has, as between containers, nothing is shared.
  void share(const Communicator& node);
  /// Says that this rank is through MPI_Finalize.
  void arrive() noexcept;
  /// Returns once all ranks of the node have arrived: true; or false after 5 s, or if nothing is shared.
  [[nodiscard]] bool wait_for_all() const noexcept;

 private:
  int ranks_ = 0;
  int* arrived_ = nullptr;  ///< A page of its own.
};

}  // namespace surd::mpi::detail
