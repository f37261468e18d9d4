#include "surd/mpi/session.hpp"

#include <array>
#include <exception>

#include <fmt/format.h>

namespace surd::mpi {

Session::Session(int& argc, char**& argv) {
  int provided = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  threads_ = provided >= MPI_THREAD_MULTIPLE;
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  MPI_Comm made = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &made), "MPI_Comm_dup");
  world_ = Communicator(made);
  check(MPI_Comm_dup(MPI_COMM_SELF, &made), "MPI_Comm_dup");
  self_ = Communicator(made);
}

Session::~Session() {
  if (std::uncaught_exceptions() > 0) return;  // the others are not here to finalise with
  self_ = Communicator();
  world_ = Communicator();
  MPI_Finalize();
}

std::string library_name() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  std::string name(text.data(), static_cast<std::size_t>(length));
  if (name.rfind("Open MPI v", 0) == 0) name = "Open MPI " + name.substr(10);
  return name.substr(0, name.find_first_of(",\n"));
}

std::string standard_level() {
  int major = 0;
  int minor = 0;
  check(MPI_Get_version(&major, &minor), "MPI_Get_version");
  return fmt::format("{}.{}", major, minor);
}

}  // namespace surd::mpi
