// Many disks that crashes of one recorded run may have left (the ALICE method: Pillai et al., "All file
// systems are not created equal: on the complexity of crafting crash-consistent applications", OSDI 2014).
//
//   const auto states = for_each_crash_state(disk, {.states = 10'000}, [&](auto& crashed, const CrashPoint&
//   at) {
//     SCOPED_TRACE(at.text());
//     resume(crashed);                             // crashed is a RecordingFileSystem too: crash the resume
//     as well EXPECT_EQ(results(crashed), expected);
//   });
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "support/recording_file_system.hpp"

namespace surd::test {

/// Where in the run, and how, the crash happened.
struct CrashPoint {
  std::size_t operations =
      0;  ///< Completed ones: what was acknowledged at this count or before must survive ...
  bool power_lost = false;     ///< ... if it was synced, or if only the process died (false).
  std::size_t torn_bytes = 0;  ///< Of the next append, that reached the file before the process died.
  std::uint64_t draw = 0;  ///< Number of the choice that made this state: repeats it, with the plan's seed.
  std::string last;        ///< The last completed operation.

  [[nodiscard]] std::string text() const;
};

struct CrashPlan {
  std::size_t states = 10'000;  ///< Distinct states wanted.
  std::uint64_t seed = 1;
};

/// Calls `check` with distinct disks: first a process death at every operation, and in the middle of every
/// append; then losses of power at operations in turn until `plan.states` are reached or twenty draws in a
/// row per operation were all seen before. Returns how many. Cost: about 30 us per state of 100 operations of
/// 100 bytes, and what `check` costs.
std::size_t for_each_crash_state(const RecordingFileSystem& run, CrashPlan plan,
                                 const std::function<void(RecordingFileSystem&, const CrashPoint&)>& check);

}  // namespace surd::test
