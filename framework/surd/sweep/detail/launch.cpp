#include "surd/sweep/detail/launch.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <memory>

#include "surd/sweep/detail/fd.hpp"

// The child runs on a stack the sanitizers know nothing about.
#define SURD_UNSANITIZED __attribute__((no_sanitize("address", "undefined")))

namespace surd::sweep::detail {
namespace {

constexpr std::size_t stack_bytes = std::size_t{64} * 1024;
constexpr int first_free_fd = 5;  // above everything a child is given

/// What the child is told, and where it leaves its error: it shares our memory until it executes the program.
struct Order {
  const Launch* launch;
  pid_t parent;
  int null;
  const char* failed;
  int code;
};

SURD_UNSANITIZED int fail(Order& order, const char* call) {
  order.code = errno;
  order.failed = call;
  return 127;
}

/// Descriptors 0 to 2 and the passed ones; every other one is closed.
SURD_UNSANITIZED bool arrange_descriptors(const Launch& launch, int null) {
  int from[] = {null, launch.output, launch.errors, launch.passed[0], launch.passed[1]};
  for (int& fd : from) {
    // Out of the way of the targets, so that no placement overwrites a source.
    if (fd >= 0 && fd < first_free_fd) fd = fcntl(fd, F_DUPFD_CLOEXEC, first_free_fd);
  }
  int kept = 3;
  for (int to = 0; to < first_free_fd; ++to) {
    if (to >= 3 && from[to] < 0) continue;
    if (dup2(from[to] < 0 ? from[0] : from[to], to) != to) return false;
    kept = to + 1;
  }
  // Errors ignored: before Linux 5.9 what others opened without O_CLOEXEC stays open, as with posix_spawn.
#ifdef SYS_close_range
  syscall(SYS_close_range, static_cast<unsigned>(kept), ~0U, 0U);
#endif
  return true;
}

SURD_UNSANITIZED void reset_signals(bool ignored) {
  struct sigaction action {};
  action.sa_handler = ignored ? SIG_IGN : SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) sigaction(signal, &action, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

/// Ties the child to our life. False if we are gone already.
SURD_UNSANITIZED bool bind_to_parent(pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  return getppid() == parent;
}

/// The child, until the program runs. Only async-signal-safe calls; no memory is allocated.
SURD_UNSANITIZED int become_program(void* argument) {
  auto& order = *static_cast<Order*>(argument);
  const Launch& launch = *order.launch;
  if (launch.detached) {
    if (setsid() < 0) return fail(order, "setsid");
  } else {
    if (!bind_to_parent(order.parent)) return 127;
    if (setpgid(0, 0) != 0) return fail(order, "setpgid");
  }
  if (!arrange_descriptors(launch, order.null)) return fail(order, "dup2");
  if (launch.directory != nullptr && chdir(launch.directory) != 0) return fail(order, "chdir");
  // From here on the guardian would kill the group: nothing the program starts can escape.
  if (launch.group != nullptr) launch.group->store(getpid());
  reset_signals(launch.detached);
  execve(launch.program, launch.arguments, launch.environment);
  return fail(order, "execve");
}

/// /dev/null, opened once.
int null_device() {
  static const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  return null.get();
}

}  // namespace

Started start(const Launch& launch) {
  static thread_local const auto stack = std::make_unique<std::byte[]>(stack_bytes);
  Started started;
  Order order{&launch, getpid(), null_device(), nullptr, 0};
  if (order.null < 0) return {-1, -1, "open /dev/null", errno};

  // A signal handler of ours must not run in the child, on the shared memory.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (launch.wants_pidfd ? CLONE_PIDFD : 0);
  started.pid = clone(become_program, stack.get() + stack_bytes, flags, &order, &started.pidfd);
  const int code = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);

  if (started.pid < 0) return {-1, -1, "clone", code};
  if (order.failed != nullptr) {
    if (launch.group != nullptr) launch.group->store(0);
    while (waitpid(started.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (started.pidfd >= 0) ::close(started.pidfd);
    return {-1, -1, order.failed, order.code};
  }
  return started;
}

}  // namespace surd::sweep::detail
