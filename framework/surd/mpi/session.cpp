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

namespace surd::mpi {

namespace {

/// A rank whose launcher was killed must not go on beside its successor. Only under a launcher: a program
/// started from a shell may outlive the shell.
void die_with_launcher() noexcept {
  if (detail::launched()) prctl(PR_SET_PDEATHSIG, SIGKILL);
}

/// Whether Open MPI's mpirun said that all ranks are on one node.
bool on_one_node() noexcept {
  const auto* const here = std::getenv("OMPI_COMM_WORLD_LOCAL_SIZE");
  const auto* const all = std::getenv("OMPI_COMM_WORLD_SIZE");
  return here != nullptr && all != nullptr && std::string_view(here) == all;
}

/// Keeps Open MPI from what serves nobody here while it starts. What this program starts is told nothing of
/// it, and what the user has set is left as it is.
class QuickStart {
 public:
  QuickStart() noexcept {
    // A daemon beside a program without a launcher takes 0.2 s, and serves MPI_Comm_spawn alone.
    if (!detail::launched()) set(daemon_, "1");
    // So do the libraries of networks: libpsm2 measures the clock of each core when it is loaded. What could
    // use them in their place opens their adapters, or warns that it does not.
    if (detail::launched() && !on_one_node()) return;
    set(transport_, "ob1");
    set(adapters_, "^openib,uct,usnic,ofi");
  }
  QuickStart(const QuickStart&) = delete;
  QuickStart& operator=(const QuickStart&) = delete;
  ~QuickStart() {
    for (const auto* const variable : {&daemon_, &transport_, &adapters_}) {
      if (variable->set) ::unsetenv(variable->name);
    }
  }

 private:
  struct Variable {
    const char* name;
    bool set = false;
  };
  static void set(Variable& variable, const char* value) noexcept {
    variable.set = std::getenv(variable.name) == nullptr && ::setenv(variable.name, value, 0) == 0;
  }

  Variable daemon_{"OMPI_MCA_ess_singleton_isolated"};
  Variable transport_{"OMPI_MCA_pml"};
  Variable adapters_{"OMPI_MCA_btl"};
};

const char* name_of_level(int level) noexcept {
  if (level >= MPI_THREAD_MULTIPLE) return "MPI_THREAD_MULTIPLE";
  if (level == MPI_THREAD_SERIALIZED) return "MPI_THREAD_SERIALIZED";
  return level == MPI_THREAD_FUNNELED ? "MPI_THREAD_FUNNELED" : "MPI_THREAD_SINGLE";
}

}  // namespace

Session::Session(int& argc, char**& argv) {
  die_with_launcher();
  const QuickStart quick_start;
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
