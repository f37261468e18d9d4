// Starts a program without copying this process's memory.
//
// posix_spawn cannot bind a child to the life of its parent, so this is the same technique by hand: a child
// that shares our memory and suspends the calling thread until it has executed the program (clone with
// CLONE_VM and CLONE_VFORK on a stack of its own; only async-signal-safe calls in between). Its cost does not
// depend on the size of this process. Descriptors other than those named here are closed, stdin is /dev/null,
// the signal mask is empty.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>

namespace surd::sweep::detail {

/// What to start, and how. Borrows everything until start() returns.
struct Launch {
  const char* program = nullptr;        ///< Path; PATH is not searched.
  char* const* arguments = nullptr;     ///< Ends with a null pointer.
  char* const* environment = nullptr;   ///< Ends with a null pointer.
  const char* directory = nullptr;      ///< To run in; null: this process's.
  int output = -1;                      ///< Becomes stdout; -1: /dev/null.
  int errors = -1;                      ///< Becomes stderr; -1: /dev/null.
  std::array<int, 2> passed{-1, -1};    ///< Become descriptors 3 and 4; -1: closed.
  std::atomic<pid_t>* group = nullptr;  ///< Set to the process group before the program runs.
  /// Own session, signals ignored, outlives this process. Otherwise: own process group, default signals, and
  /// SIGKILL as soon as the calling thread is gone.
  bool detached = false;
  bool wants_pidfd = false;
};

struct Started {
  pid_t pid = -1;                ///< -1: not started.
  int pidfd = -1;                ///< If wanted, and the kernel has it (5.2).
  const char* failed = nullptr;  ///< The call that failed.
  int code = 0;                  ///< Its errno.
};

/// Returns when the program runs, or cannot. The caller owns pidfd and must wait for pid.
[[nodiscard]] Started start(const Launch& launch);

}  // namespace surd::sweep::detail
