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

/// What Open MPI need not do for a program that was started without a launcher, and so stays alone. What the
/// program starts itself is told nothing of this, and what its user has set is left as it is.
class Alone {
 public:
  Alone() noexcept {
    if (detail::launched()) return;
    for (auto& setting : settings_) {
      setting.mine = std::getenv(setting.name) == nullptr && ::setenv(setting.name, setting.value, 0) == 0;
    }
  }
  Alone(const Alone&) = delete;
  Alone& operator=(const Alone&) = delete;
  ~Alone() {
    for (const auto& setting : settings_) {
      if (setting.mine) ::unsetenv(setting.name);
    }
  }

 private:
  struct Setting {
    const char* name;
    const char* value;
    bool mine = false;
  };

  std::array<Setting, 2> settings_ = {{
      {"OMPI_MCA_ess_singleton_isolated", "1"},  // a daemon beside it: 0.2 s, serves MPI_Comm_spawn alone
      {"OMPI_MCA_pml", "ob1"},  // networks' libraries: 0.2 s (libpsm2 measures the clock of each core)
  }};
};

const char* name_of_level(int level) noexcept {
  if (level >= MPI_THREAD_MULTIPLE) return "MPI_THREAD_MULTIPLE";
  if (level == MPI_THREAD_SERIALIZED) return "MPI_THREAD_SERIALIZED";
  return level == MPI_THREAD_FUNNELED ? "MPI_THREAD_FUNNELED" : "MPI_THREAD_SINGLE";
}

}  // namespace

Session::Session(int& argc, char**& argv) {
  die_with_launcher();
  const Alone alone;
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
