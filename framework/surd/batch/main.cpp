#include "surd/batch/main.hpp"

#include <array>
#include <cstdio>
#include <string_view>

#include "surd/base/error.hpp"
#include "surd/base/log.hpp"
#include "surd/batch/command_line.hpp"
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
                                                       {"report", verbs::report}});

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

ExitStatus act(const Request& request, int& argc, char**& argv) {
  for (const auto& verb : local_verbs) {
    if (verb.name == request.line.verb) return launched_rank() == 0 ? verb.act(request) : ExitStatus::done;
  }
  const mpi::Session session(argc, argv);
  const auto mistake = detail::launch_mistake(request.launch, session.world().size(), mpi::library_name());
  const bool extra = !mistake.empty() && request.launch.rank != 0;  // the first process speaks for all
  base::configure_log(session.world().is_root() && !extra, request.line.quiet);
  if (request.line.verb == "doctor" && extra) return ExitStatus::done;
  if (request.line.verb != "doctor" && !mistake.empty()) {
    if (!extra) base::log_error(mistake);
    return ExitStatus::usage;
  }
  for (const auto& verb : collective_verbs) {
    if (verb.name == request.line.verb) return verb.act(request, session);
  }
  throw base::LogicError("the verb '" + request.line.verb + "' was parsed but is not known");
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
