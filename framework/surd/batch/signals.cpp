#include "surd/batch/signals.hpp"

#include <csignal>

namespace surd::batch {
namespace {

std::atomic<bool> stop{false};
std::atomic<int> received{0};
static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<int>::is_always_lock_free,
              "a signal handler may touch lock-free atomics only");

void on_signal(int signal) {
  received = signal;
  stop = true;
}

}  // namespace

void install_stop_signals() noexcept {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGUSR1, &action, nullptr);
  action.sa_flags = SA_RESTART | static_cast<int>(SA_RESETHAND);
  sigaction(SIGINT, &action, nullptr);
}

const std::atomic<bool>& stop_flag() noexcept { return stop; }

int stop_signal() noexcept { return received; }

}  // namespace surd::batch
