#include "command_victim.hpp"

#include <fstream>

#include "command_points.hpp"
#include "surd/sweep/detail/guardian.hpp"

int run_victim(const std::string& directory, const std::string& line) {
  CommandJob job(
      surd::base::Json{{"command", line}, {"shell", true}, {"parse", "none"}, {"directory", "scratch"}}
          .dump(),
      directory + "/scratch");
  std::ofstream(directory + "/guardian") << surd::sweep::detail::guardian_pid() << '\n';
  return static_cast<int>(job.run().status);
}
