// Which rank of a node speaks when several fail at once, most often of the same.
#pragma once

#include <mpi.h>

#include "surd/mpi/communicator.hpp"

namespace surd::mpi::detail {

/// A number that the ranks of a node share. It is no message, so that nobody has to be there to receive it.
/// Where MPI cannot share memory, every rank speaks.
class FirstWord {
 public:
  FirstWord() noexcept = default;
  FirstWord(const FirstWord&) = delete;
  FirstWord& operator=(const FirstWord&) = delete;

  /// Collective.
  void share(const Communicator& node);
  /// Collective. Before MPI_Finalize.
  void forget() noexcept;

  /// True for the first rank that asks, from any thread.
  [[nodiscard]] static bool take() noexcept;

 private:
  MPI_Win window_ = MPI_WIN_NULL;
};

}  // namespace surd::mpi::detail
