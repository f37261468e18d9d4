// What a running data job shows: a live line, and state.json for `surd status`.
#pragma once

#include <string>

#include "surd/base/json.hpp"
#include "surd/batch/live_line.hpp"
#include "surd/ranks/data_job.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch {

/// Rank 0's. Not thread-safe.
class DataProgress {
 public:
  /// `head`: the first keys of state.json (run, job, host, ...).
  DataProgress(storage::FileSystem& files, storage::Path state_file, base::Json head, bool quiet);

  /// At most ten times a second.
  void observe(const ranks::DataJobState& state);
  /// Ends the line and writes the last state.json.
  void finish(const ranks::DataJobState& state, const std::string& end, int exit_status);

 private:
  void write_state(const ranks::DataJobState& state, base::Json end, base::Json exit_status);

  storage::FileSystem& files_;
  storage::Path state_file_;
  base::Json head_;
  bool quiet_;
  LiveLine line_;
  double written_at_ = -1;
  std::size_t stage_ = 0;
  double stage_began_ = 0;  ///< Seconds.
};

/// "2/3 sort by revenue  45.2 %  310 MiB/s  12 s left"; `stage_seconds`: since the stage began.
[[nodiscard]] std::string progress_text(const ranks::DataJobState& state, double stage_seconds);

}  // namespace surd::batch
