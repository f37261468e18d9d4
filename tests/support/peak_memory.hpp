// What a piece of a test takes from the machine's memory.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <string>

namespace surd::test {

/// Bytes that /proc/self/status gives for `field`.
inline std::uint64_t status_bytes(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    if (word != field + ":") continue;
    std::uint64_t kib = 0;
    status >> kib;
    return kib * 1024;
  }
  return 0;
}

/// How far the resident set rose at most while `work` ran, over what it was before.
template <class Work>
std::uint64_t peak_memory(Work work) {
  std::ofstream("/proc/self/clear_refs") << "5\n";  // VmHWM starts anew
  const auto before = status_bytes("VmRSS");
  work();
  const auto peak = status_bytes("VmHWM");
  return peak > before ? peak - before : 0;
}

}  // namespace surd::test
