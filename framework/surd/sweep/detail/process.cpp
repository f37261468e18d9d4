#include "surd/sweep/detail/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <utility>

#include "surd/base/units.hpp"
#include "surd/sweep/detail/fd.hpp"

namespace surd::sweep::detail {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds patience{2};         // between SIGTERM and SIGKILL
constexpr std::chrono::milliseconds blind_tick{1};  // how often to look for the end without a pidfd

struct Pipe {
  Fd read;
  Fd write;
};

/// Both ends closed if the descriptors ran out.
Pipe make_pipe() {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  return {Fd(ends[0]), Fd(ends[1])};
}

/// One output of a running program.
class Stream {
 public:
  explicit Stream(BoundedText* into) : into_(into) {}

  /// False if the pipe could not be made. Nothing to do without a text to collect into.
  bool open() {
    if (into_ == nullptr) return true;
    pipe_ = make_pipe();
    return pipe_.read.is_open();
  }

  [[nodiscard]] int child_end() const noexcept { return pipe_.write.get(); }
  void close_child_end() noexcept { pipe_.write.close(); }
  [[nodiscard]] bool is_open() const noexcept { return pipe_.read.is_open(); }
  /// -1 when closed, which poll() skips.
  [[nodiscard]] int fd() const noexcept { return pipe_.read.get(); }

  /// Takes what is there; waits if nothing is. Closes at the end of the stream.
  void take() {
    static thread_local std::array<char, std::size_t{64} * 1024> buffer;
    const auto got = ::read(pipe_.read.get(), buffer.data(), buffer.size());
    if (got > 0) {
      into_->append({buffer.data(), static_cast<std::size_t>(got)});
    } else if (got == 0 || errno != EINTR) {
      pipe_.read.close();
    }
  }

  /// Takes what is there without waiting. At most what a pipe can hold (1 MiB unless root raised it): a
  /// process outside the group that goes on writing must not keep us.
  void drain() {
    for (int i = 0; i < 256 && is_open(); ++i) {
      pollfd ready{fd(), POLLIN, 0};
      if (::poll(&ready, 1, 0) <= 0) return;
      take();
    }
  }

 private:
  BoundedText* into_;
  Pipe pipe_;
};

/// A started program until it is reaped.
class Child {
 public:
  Child(const Started& started, const Launch& launch) noexcept
      : pid_(started.pid), pidfd_(started.pidfd), group_(launch.group) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ < 0) return;
    signal_group(SIGKILL);
    static_cast<void>(reap());
  }

  [[nodiscard]] int pidfd() const noexcept { return pidfd_.get(); }

  void signal_group(int signal) const noexcept {
    ::kill(-pid_, signal);
    if (signal == SIGKILL) ::kill(pid_, signal);  // it may have moved to another group
  }

  /// Whether the program has ended; waits for that if asked. It stays a zombie, so its numbers are not
  /// reused.
  [[nodiscard]] bool has_ended(bool wait) const noexcept {
    siginfo_t info{};
    int result = 0;
    do {
      result = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT | (wait ? 0 : WNOHANG));
    } while (result < 0 && errno == EINTR);
    return result < 0 || info.si_pid == pid_;
  }

  /// Waits for the program; its group must have been killed.
  [[nodiscard]] std::pair<int, rusage> reap() noexcept {
    if (group_ != nullptr) group_->store(0);
    std::pair<int, rusage> result{};
    while (::wait4(pid_, &result.first, 0, &result.second) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return result;
  }

 private:
  pid_t pid_;
  Fd pidfd_;
  std::atomic<pid_t>* group_;
};

/// Milliseconds for poll(), rounded up; -1 for ever.
int poll_timeout(std::optional<Clock::time_point> until, bool blind) {
  if (blind) return static_cast<int>(blind_tick.count());
  if (!until) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000));
}

/// Waits for the end of `child`, collecting output and keeping the time.
class Watch {
 public:
  Watch(const Child& child, Stream& output, Stream& errors, double timeout_seconds)
      : child_(child), output_(output), errors_(errors) {
    if (timeout_seconds > 0) {
      deadline_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                     std::chrono::duration<double>(std::min(timeout_seconds, 1e9)));
    }
  }

  void until_end(Ending& ending) {
    const bool blind = child_.pidfd() < 0;
    while (true) {
      if (!deadline_ && !output_.is_open() && !errors_.is_open()) {
        static_cast<void>(child_.has_ended(true));
        return;
      }
      std::array<pollfd, 3> ready{
          {{child_.pidfd(), POLLIN, 0}, {output_.fd(), POLLIN, 0}, {errors_.fd(), POLLIN, 0}}};
      ::poll(ready.data(), ready.size(), poll_timeout(deadline_, blind));
      if (ready[1].revents != 0) output_.take();
      if (ready[2].revents != 0) errors_.take();
      if (blind ? child_.has_ended(false) : ready[0].revents != 0) return;
      if (deadline_ && Clock::now() >= *deadline_) enforce(ending);
    }
  }

 private:
  void enforce(Ending& ending) {
    if (!ending.timed_out) {
      ending.timed_out = true;
      child_.signal_group(SIGTERM);
      child_.signal_group(SIGCONT);  // a stopped process would not see the former
      deadline_ = Clock::now() + patience;
      return;
    }
    ending.forced = true;
    child_.signal_group(SIGKILL);
    deadline_.reset();
  }

  const Child& child_;
  Stream& output_;
  Stream& errors_;
  std::optional<Clock::time_point> deadline_;
};

std::uint64_t own_peak_kib() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss);
}

void decode(Ending& ending, int status, const rusage& usage, std::uint64_t floor_kib) {
  if (WIFSIGNALED(status)) {
    ending.signal = WTERMSIG(status);
    ending.core_dumped = WCOREDUMP(status);
  } else {
    ending.exit_code = WEXITSTATUS(status);
  }
  // Until it executes the program the child uses our memory, and the kernel counts that.
  const auto peak_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
  if (peak_kib > floor_kib) ending.peak_bytes = peak_kib * base::KiB;
}

}  // namespace

Ending run(Launch launch, const Supervision& supervision) {
  Ending ending;
  const auto begin = Clock::now();
  Stream output(supervision.output);
  Stream errors(supervision.errors);
  if (!output.open() || !errors.open()) {
    ending.failed = "pipe";
    ending.code = errno;
    return ending;
  }
  launch.output = output.child_end();
  launch.errors = errors.child_end();
  const bool collects = output.is_open() || errors.is_open();
  launch.wants_pidfd = supervision.use_pidfd && (collects || supervision.timeout_seconds > 0);

  const auto started = start(launch);
  const auto floor_kib = own_peak_kib();  // the child has executed the program by now
  output.close_child_end();
  errors.close_child_end();
  if (started.pid < 0) {
    ending.failed = started.failed;
    ending.code = started.code;
    return ending;
  }
  Child child(started, launch);
  Watch(child, output, errors, supervision.timeout_seconds).until_end(ending);
  child.signal_group(SIGKILL);
  output.drain();
  errors.drain();
  const auto [status, usage] = child.reap();
  decode(ending, status, usage, floor_kib);
  ending.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  return ending;
}

std::optional<std::string> find_program(const std::string& name) {
  namespace fs = std::filesystem;
  const auto is_program = [](const fs::path& path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) {
    const auto path = fs::absolute(name);
    return is_program(path) ? std::optional(path.string()) : std::nullopt;
  }
  const char* const variable = std::getenv("PATH");
  std::string_view rest = variable == nullptr ? "/usr/local/bin:/usr/bin:/bin" : variable;
  while (true) {
    const auto colon = rest.find(':');
    const auto path = fs::absolute(fs::path(rest.substr(0, colon)) / name);
    if (!name.empty() && is_program(path)) return path.string();
    if (colon == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace surd::sweep::detail
