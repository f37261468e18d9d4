// Runs one program to its end: with a time limit, its output collected, nothing of it left behind.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "surd/sweep/detail/bounded_text.hpp"
#include "surd/sweep/detail/launch.hpp"

namespace surd::sweep::detail {

/// What to do with a program beyond starting it.
struct Supervision {
  double timeout_seconds = 0;     ///< Then SIGTERM to its group, and SIGKILL 2 s later; 0: never.
  BoundedText* output = nullptr;  ///< Gets stdout; null: /dev/null.
  BoundedText* errors = nullptr;  ///< Gets stderr; null: /dev/null.
  bool use_pidfd = true;          ///< False: as on kernels without it (before 5.3).
};

/// How a program ended.
struct Ending {
  const char* failed = nullptr;  ///< The call that failed when it was started; null: it ran.
  int code = 0;                  ///< errno of that call.
  int exit_code = 0;
  int signal = 0;  ///< That killed it; 0: it exited.
  bool core_dumped = false;
  bool timed_out = false;
  bool forced = false;           ///< Timed out, and SIGTERM was not enough.
  std::uint64_t peak_bytes = 0;  ///< Its largest resident set; 0 if that was below this process's own.
  double seconds = 0;
};

/// Starts `launch` (whose output and errors are set here) and waits until the program itself has ended. Then
/// its process group is killed; what others have written to stdout by then is collected, what they would
/// write later is not waited for. Sleeps while there is nothing to do.
[[nodiscard]] Ending run(Launch launch, const Supervision& supervision);

/// Path of the executable file that `name` means: itself if it holds a slash, else the first one on PATH.
[[nodiscard]] std::optional<std::string> find_program(const std::string& name);

}  // namespace surd::sweep::detail
