// The clock that durations are measured with.
#pragma once

#include <chrono>

namespace surd::base {

/// Seconds since some moment in the past, the same for all of this process.
[[nodiscard]] inline double now_seconds() noexcept {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace surd::base
