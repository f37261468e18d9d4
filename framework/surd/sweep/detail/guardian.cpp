#include "surd/sweep/detail/guardian.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/sweep/command.hpp"
#include "surd/sweep/detail/fd.hpp"
#include "surd/sweep/detail/launch.hpp"

namespace surd::sweep {
namespace detail {
namespace {

constexpr std::size_t ward_count = 16;
constexpr std::size_t page_bytes = ward_count * sizeof(Ward);
constexpr int socket_fd = 3;  // as Launch::passed numbers them
constexpr int page_fd = 4;
constexpr int answer_milliseconds = 60'000;  // starting a program from a busy shared file system takes long
constexpr const char* guardian_name = "surd-guardian";
constexpr const char* guardian_flag = "--guard";
constexpr const char* guardian_variable = "SURD_GUARDIAN";

[[noreturn]] void refuse(const char* call, int code = errno) {
  throw base::IoError(fmt::format("cannot start the guardian of commands: {}: {}", call, std::strerror(code)),
                      code);
}

[[noreturn]] void refuse_main() {
  throw base::LogicError(
      "a program that evaluates commands must call surd::sweep::guardian_main() first in main()");
}

std::span<Ward> map_wards(int fd) {
  void* const page = ::mmap(nullptr, page_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (page == MAP_FAILED) return {};
  return {static_cast<Ward*>(page), ward_count};
}

/// Executes this program as a guardian, with its end of the socket and the wards.
pid_t start_guardian(Fd socket, const Fd& page) {
  std::array<std::string, 2> words{guardian_name, guardian_flag};
  const std::array<char*, 3> arguments{words[0].data(), words[1].data(), nullptr};
  // The variable stops a main() that does not know guardians from starting guardians of guardians.
  auto variable = fmt::format("{}=1", guardian_variable);
  std::vector<char*> environment{variable.data()};
  for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  Launch launch;
  launch.program = "/proc/self/exe";
  launch.arguments = arguments.data();
  launch.environment = environment.data();
  launch.directory = "/";
  launch.passed = {socket.get(), page.get()};
  launch.detached = true;
  const auto started = start(launch);
  if (started.pid < 0) refuse(started.failed, started.code);
  return started.pid;
}

/// A guardian says that it is one by sending a byte.
void await_answer(int socket) {
  pollfd answer{socket, POLLIN, 0};
  while (::poll(&answer, 1, answer_milliseconds) < 0) {
    if (errno != EINTR) refuse("poll");
  }
  char byte = 0;
  if (answer.revents == 0 || ::recv(socket, &byte, 1, 0) != 1) refuse_main();
}

/// This process's side of its guardian.
class Guardian {
 public:
  static Guardian& instance() {
    static Guardian guardian;
    return guardian;
  }

  Ward* take() {
    const std::lock_guard lock(mutex_);
    const auto free = std::find(taken_.begin(), taken_.end(), false);
    if (free == taken_.end())
      throw base::UsageError(fmt::format("more than {} commands at once", ward_count));
    *free = true;
    return &wards_[static_cast<std::size_t>(free - taken_.begin())];
  }

  void give_back(Ward* ward) noexcept {
    const std::lock_guard lock(mutex_);
    ward->group.store(0);
    ward->directory_bytes.store(0);
    taken_[static_cast<std::size_t>(ward - wards_.data())] = false;
  }

  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  Guardian() {
    if (std::getenv(guardian_variable) != nullptr) refuse_main();
    const Fd page(static_cast<int>(::syscall(SYS_memfd_create, guardian_name, 1U)));  // 1: MFD_CLOEXEC
    if (!page.is_open()) refuse("memfd_create");
    if (::ftruncate(page.get(), static_cast<off_t>(page_bytes)) != 0) refuse("ftruncate");
    wards_ = map_wards(page.get());
    if (wards_.empty()) refuse("mmap");
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) refuse("socketpair");
    socket_ = Fd(pair[0]);
    pid_ = start_guardian(Fd(pair[1]), page);
    await_answer(socket_.get());
  }

  std::mutex mutex_;
  std::span<Ward> wards_;
  Fd socket_;  ///< Its end tells the guardian that we are gone.
  pid_t pid_ = 0;
  std::array<bool, ward_count> taken_{};
};

std::atomic<pid_t> known_guardian{0};

using std::chrono::milliseconds;

/// Until the last process of the group is gone, but not for long: dead ones may stay for want of a reaper.
void await_end(pid_t group) {
  for (int i = 0; i < 100 && ::kill(-group, 0) == 0; ++i) std::this_thread::sleep_for(milliseconds(2));
}

void clean_up(const Ward& ward) {
  if (const pid_t group = ward.group.load(); group > 1) {
    ::kill(-group, SIGKILL);
    await_end(group);
  }
  const auto length = ward.directory_bytes.load();
  if (length == 0 || length > sizeof ward.directory) return;
  const std::filesystem::path directory(std::string_view(ward.directory, length));
  // Again if it fails: what was killed may have been writing there until now.
  for (int i = 0; i < 20; ++i) {
    std::error_code failed;
    std::filesystem::remove_all(directory, failed);
    if (!failed) return;
    std::this_thread::sleep_for(milliseconds(20));
  }
}

}  // namespace

Guarded::Guarded() : ward_(Guardian::instance().take()) { known_guardian = Guardian::instance().pid(); }

Guarded::~Guarded() { Guardian::instance().give_back(ward_); }

void Guarded::protect(std::string_view path) noexcept {
  ward_->directory_bytes.store(0);
  if (path.empty() || path.size() > sizeof ward_->directory) return;
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::memcpy(ward_->directory, path.data(), path.size());
  ward_->directory_bytes.store(static_cast<std::uint32_t>(path.size()));
}

pid_t guardian_pid() noexcept { return known_guardian; }

}  // namespace detail

int guardian_main(int argc, char** argv) {
  using namespace detail;
  if (argc != 2 || std::strcmp(argv[0], guardian_name) != 0 || std::strcmp(argv[1], guardian_flag) != 0)
    return -1;
  const auto wards = map_wards(page_fd);
  if (wards.empty() || ::send(socket_fd, "!", 1, MSG_NOSIGNAL) != 1)
    return static_cast<int>(base::ExitStatus::fatal);
  // The rank never writes: a return means that its end is closed.
  char byte = 0;
  while (::recv(socket_fd, &byte, 1, 0) < 0 && errno == EINTR) {
  }
  for (const auto& ward : wards) {
    if (const pid_t group = ward.group.load(); group > 1) ::kill(-group, SIGKILL);
  }
  for (const auto& ward : wards) clean_up(ward);
  return static_cast<int>(base::ExitStatus::done);
}

}  // namespace surd::sweep
