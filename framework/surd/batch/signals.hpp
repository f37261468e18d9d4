// Requests to stop from outside: SIGTERM, SIGINT, SIGUSR1 (what Slurm sends before the time limit, and people
// type).
#pragma once

#include <atomic>

namespace surd::batch {

/// From now on SIGTERM, SIGINT and SIGUSR1 set stop_flag() instead of killing this process; a second SIGINT
/// kills.
void install_stop_signals() noexcept;

[[nodiscard]] const std::atomic<bool>& stop_flag() noexcept;

/// The signal that set the flag, 0 if none did.
[[nodiscard]] int stop_signal() noexcept;

}  // namespace surd::batch
