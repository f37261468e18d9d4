#include "surd/mpi/session.hpp"

#include <sys/prctl.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "surd/mpi/detail/farewell.hpp"
#include "surd/mpi/detail/first_word.hpp"
#include "surd/mpi/detail/launcher.hpp"
#include "surd/mpi/detail/quick_start.hpp"

namespace surd::mpi {

namespace {

/// A rank whose launcher was killed must not go on beside its successor. Only under a launcher: a program
/// started from a shell may outlive the shell.
void die_with_launcher() noexcept {
  if (detail::launched()) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

const char* name_of_level(int level) noexcept {
  if (level >= MPI_THREAD_MULTIPLE) return "MPI_THREAD_MULTIPLE";
  if (level == MPI_THREAD_SERIALIZED) return "MPI_THREAD_SERIALIZED";
  return level == MPI_THREAD_FUNNELED ? "MPI_THREAD_FUNNELED" : "MPI_THREAD_SINGLE";
}

}  // namespace

Session::Session(int& argc, char**& argv) {
  die_with_launcher();
  const detail::QuickStart quick_start;
  int provided = MPI_THREAD_SINGLE;
  check(MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  threads_ = provided >= MPI_THREAD_MULTIPLE;
  thread_level_ = name_of_level(provided);
  check(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  MPI_Comm made = MPI_COMM_NULL;
  check(MPI_Comm_dup(MPI_COMM_WORLD, &made), "MPI_Comm_dup");
  world_ = Communicator(made);
  check(MPI_Comm_dup(MPI_COMM_SELF, &made), "MPI_Comm_dup");
  self_ = Communicator(made);
  first_word_ = std::make_unique<detail::FirstWord>();
  first_word_->share(world_.node());
  farewell_ = std::make_unique<detail::Farewell>();
  farewell_->share(world_.node());
}

Session::~Session() {
  if (std::uncaught_exceptions() > 0) return;  // the others are not here to finalise with
  const bool alone = world_.size() == 1;
  const bool one_node = world_.node().size() == world_.size();
  first_word_->forget();
  self_ = Communicator();
  world_ = Communicator();
  MPI_Finalize();
  farewell_->arrive();
  if (exit_status_ == 0 || alone) return;
  const bool together = farewell_->wait_for_all() && one_node;
  if (!together) std::this_thread::sleep_for(std::chrono::milliseconds(200));
}

std::string library_name() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  check(MPI_Get_library_version(text.data(), &length), "MPI_Get_library_version");
  std::string name(text.data(), static_cast<std::size_t>(length));
  constexpr std::pair<std::string_view, std::string_view> heads[] = {{"Open MPI v", "Open MPI "},
                                                                     {"MPICH Version:\t", "MPICH "}};
  for (const auto& [head, short_head] : heads) {
    if (name.starts_with(head)) name.replace(0, head.size(), short_head);
  }
  return name.substr(0, name.find_first_of(",\n"));
}

std::string standard_level() {
  int major = 0;
  int minor = 0;
  check(MPI_Get_version(&major, &minor), "MPI_Get_version");
  return fmt::format("{}.{}", major, minor);
}

}  // namespace surd::mpi
