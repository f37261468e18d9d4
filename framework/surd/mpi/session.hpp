// MPI from start to end of main().
#pragma once

#include <memory>
#include <string>

#include "surd/mpi/communicator.hpp"

namespace surd::mpi {

namespace detail {
class Farewell;
class FirstWord;
}  // namespace detail

/// Initialises MPI (asking for MPI_THREAD_MULTIPLE) and finalises it. One per process, in main(). A program
/// started without a launcher is one rank; one started by a launcher dies with it (PR_SET_PDEATHSIG).
class Session {
 public:
  Session(int& argc, char**& argv);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// All ranks, with MPI_ERRORS_RETURN: a copy of MPI_COMM_WORLD.
  [[nodiscard]] const Communicator& world() const noexcept { return world_; }
  /// This rank alone.
  [[nodiscard]] const Communicator& self() const noexcept { return self_; }
  /// Threads may call MPI at the same time.
  [[nodiscard]] bool threads() const noexcept { return threads_; }
  /// "MPI_THREAD_MULTIPLE", or the lower level that MPI gives.
  [[nodiscard]] const char* thread_level() const noexcept { return thread_level_; }

  /// What main() will return. If that is not 0, the ranks of a node leave once all are through MPI_Finalize,
  /// and those of several nodes, or of nodes on which nothing can be shared, 0.2 s later: as soon as one has
  /// left so, Open MPI's launcher answers nobody for one or two seconds, and kills who waits.
  void set_exit_status(int status) noexcept { exit_status_ = status; }

 private:
  bool threads_ = false;
  const char* thread_level_ = "";
  int exit_status_ = 0;
  Communicator world_;
  Communicator self_;
  std::unique_ptr<detail::FirstWord> first_word_;
  std::unique_ptr<detail::Farewell> farewell_;
};

/// "Open MPI 4.1.4", and the MPI standard it implements: "3.1".
[[nodiscard]] std::string library_name();
[[nodiscard]] std::string standard_level();

}  // namespace surd::mpi
