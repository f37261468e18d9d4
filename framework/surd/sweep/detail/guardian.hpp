// A process that cleans up after this one, however it dies.
//
// SIGKILL leaves a rank no time to end what it started, and PR_SET_PDEATHSIG reaches the command itself but
// not the processes that it started. So a small second process (this program again, see guardian_main) waits
// for the end of the rank, which it sees as the end of a socket; then it kills the process groups and removes
// the directories that the rank has published in memory shared with it. It has its own session, ignores
// signals, holds no descriptor of the rank, and ends within moments of it. Publishing is a store to memory.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string_view>

namespace surd::sweep::detail {

/// What is to be cleaned up for one evaluator.
struct Ward {
  std::atomic<pid_t> group{0};                    ///< Process group to kill; 0: none.
  std::atomic<std::uint32_t> directory_bytes{0};  ///< 0: none, also while `directory` is being written.
  char directory[4088] = {};                      ///< To remove.
};
static_assert(std::atomic<pid_t>::is_always_lock_free, "wards are shared between processes");

/// A ward of this process, given back at the end. Not thread-safe: one per evaluator.
class Guarded {
 public:
  /// Starts the guardian at the first call in this process, which takes as long as starting this program.
  /// @throws Error  if it cannot be started, or if main() does not call guardian_main().
  Guarded();
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  ~Guarded();

  /// Where a launch publishes its process group.
  [[nodiscard]] std::atomic<pid_t>& group() noexcept { return ward_->group; }

  /// `path` is to be removed with this process; empty: nothing is. A path longer than 4,088 bytes is ignored.
  void protect(std::string_view path) noexcept;

 private:
  Ward* ward_;
};

/// Process id of this process's guardian, 0 if it has none.
[[nodiscard]] pid_t guardian_pid() noexcept;

}  // namespace surd::sweep::detail
