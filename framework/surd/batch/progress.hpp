// What a running sweep shows: one live line on a terminal, else a line every 30 s, and state.json for `surd
// status`.
#pragma once

#include <string>

#include "surd/base/json.hpp"
#include "surd/batch/live_line.hpp"
#include "surd/batch/timeline.hpp"
#include "surd/batch/work_directory.hpp"
#include "surd/ranks/sweep.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch {

/// Rank 0's. Not thread-safe.
class Progress {
 public:
  /// `head`: the first keys of state.json (run, job, host, ...).
  Progress(storage::FileSystem& files, storage::Path state_file, base::Json head, bool quiet);

  /// At most ten times a second.
  void observe(const ranks::SweepState& state);

  /// Ends the line and writes the last state.json.
  void finish(const ranks::SweepState& state, const std::string& end, int exit_status);

  [[nodiscard]] const Timeline& timeline() const noexcept { return timeline_; }

 private:
  void show(const ranks::SweepState& state);
  void write_state(const ranks::SweepState& state, base::Json end, base::Json exit_status);

  storage::FileSystem& files_;
  storage::Path state_file_;
  base::Json head_;
  bool quiet_;
  LiveLine line_;
  double written_at_ = -1;
  std::string shown_failure_;
  Timeline timeline_;
};

/// "1,234/5,904 20.9 %  35.2/s  2 min 12 s left  3 failed  34.0 MiB"
[[nodiscard]] std::string progress_text(const ranks::SweepState& state);

}  // namespace surd::batch
