#include "surd/batch/main.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "surd/base/error.hpp"
#include "surd/base/log.hpp"
#include "surd/batch/command_line.hpp"
#include "surd/batch/signals.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/mpi/fatal.hpp"
#include "surd/mpi/session.hpp"
#include "surd/sweep/command.hpp"

namespace surd::batch {
namespace {

using base::ExitStatus;
using verbs::Request;

struct LocalVerb {
  std::string_view name;
  ExitStatus (*act)(const Request&);
};
constexpr auto local_verbs = std::to_array<LocalVerb>({{"plan", verbs::plan},
                                                       {"status", verbs::status},
                                                       {"verify", verbs::verify},
                                                       {"show", verbs::show},
                                                       {"compact", verbs::compact},
                                                       {"inspect", verbs::inspect},
                                                       {"report", verbs::report},
                                                       {"submit", verbs::submit}});

struct CollectiveVerb {
  std::string_view name;
  ExitStatus (*act)(const Request&, const mpi::Session&);
};
constexpr auto collective_verbs = std::to_array<CollectiveVerb>({{"run", verbs::run},
                                                                 {"sort", verbs::run},
                                                                 {"group", verbs::run},
                                                                 {"join", verbs::run},
                                                                 {"export", verbs::write},
                                                                 {"doctor", verbs::doctor}});

/// $SURD_STATUS_FILE, which programs that this one starts must not see.
std::string take_status_file() {
  const char* path = std::getenv("SURD_STATUS_FILE");
  std::string taken = path == nullptr ? "" : path;
  ::unsetenv("SURD_STATUS_FILE");
  return taken;
}

/// Collective. Writes the exit status to `path` (rank 0's, empty: nowhere), before any rank leaves: a
/// launcher that ends the others as soon as one leaves with a status other than 0 may then report the signal
/// it sent them.
void note_status(const Request& request, const std::string& path, const mpi::Communicator& ranks,
                 ExitStatus status) {
  if (ranks.is_root() && !path.empty()) {
    try {  // rank-local; what was done does not depend on it
      const auto text = std::to_string(static_cast<int>(status)) + "\n";
      storage::write_atomically(request.files, path, text, false);
    } catch (const base::IoError& e) {
      base::log_warning(std::string("SURD_STATUS_FILE: ") + e.what());
    }
  }
  ranks.barrier();
}

ExitStatus act_together(const Request& request, const mpi::Session& session, const std::string& status_file) {
  const auto mistake = detail::launch_mistake(request.launch, session.world().size(), mpi::library_name());
  const bool extra = !mistake.empty() && request.launch.rank != 0;  // the first process speaks for all
  base::configure_log(session.world().is_root() && !extra, request.line.quiet);
  if (request.line.verb == "doctor" && extra) return ExitStatus::done;
  if (request.line.verb != "doctor" && !mistake.empty()) {
    if (!extra) base::log_error(mistake);
    return ExitStatus::usage;
  }
  for (const auto& verb : collective_verbs) {
    if (verb.name != request.line.verb) continue;
    const auto status = verb.act(request, session);
    note_status(request, status_file, session.world(), status);
    return status;
  }
  throw base::LogicError("the verb '" + request.line.verb + "' was parsed but is not known");
}

ExitStatus act(const Request& request, int& argc, char**& argv) {
  for (const auto& verb : local_verbs) {
    if (verb.name == request.line.verb) return launched_rank() == 0 ? verb.act(request) : ExitStatus::done;
  }
  if (request.line.verb == "run" || request.line.is_shortcut()) install_stop_signals();
  const auto status_file = take_status_file();
  mpi::Session session(argc, argv);
  const auto status = act_together(request, session, status_file);
  session.set_exit_status(static_cast<int>(status));
  return status;
}

}  // namespace

int main(int argc, char** argv, std::vector<sweep::Function> functions) {
  mpi::install_fatal_handler();
  if (const int status = sweep::guardian_main(argc, argv); status >= 0) return status;
  const auto parsed = parse_command_line(argc, argv);
  if (!parsed.line) {
    if (launched_rank() == 0) {
      std::fputs(parsed.output.c_str(), stdout);
      if (!parsed.error.empty()) base::log_error(parsed.error);
    }
    return static_cast<int>(parsed.error.empty() ? ExitStatus::done : ExitStatus::usage);
  }
  const Request request{*parsed.line, functions, storage::local_file_system(), detail::find_launch()};
  return static_cast<int>(act(request, argc, argv));
}

}  // namespace surd::batch
