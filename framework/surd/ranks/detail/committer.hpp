// One rank's artifacts, from the moment a unit is done until they are safe.
//
// Artifacts wait until an epoch's worth of input has been read, or an epoch's time has passed; then spill and
// output files are synced, the artifacts are logged, and the log is synced. That order makes a logged
// artifact one whose bytes are there. What is lost by a kill, or a power cut, is at most an epoch.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "surd/ranks/detail/epoch_log.hpp"
#include "surd/ranks/detail/spill_files.hpp"
#include "surd/storage/async_io.hpp"
#include "surd/stream/stage.hpp"

namespace surd::ranks::detail {

class Committer {
 public:
  struct Epoch {
    std::uint64_t bytes = 0;
    double seconds = 0;
  };
  Committer(storage::FileSystem& files, SpillFiles& spills, EpochLog& log, storage::AsyncIo& io, Epoch epoch);

  void begin_stage(std::size_t number, std::uint64_t lineage) noexcept;
  void consumed(std::uint64_t bytes) noexcept { bytes_ += bytes; }
  /// The next artifact refers to bytes of this output file that end at `end`.
  void sync_at_commit(const storage::Path& path, std::uint64_t end);
  void commit(stream::Artifact artifact);
  /// Hands all bytes to the kernel, to the disk too if `durable`. Returns this stage's artifacts.
  [[nodiscard]] std::vector<stream::Artifact> end_stage(bool durable);
  /// Makes everything safe that is not yet.
  void save();

  [[nodiscard]] double epoch_seconds() const noexcept { return epoch_.seconds; }
  [[nodiscard]] std::uint64_t epochs() const noexcept { return epochs_; }  ///< Times something was saved.

 private:
  [[nodiscard]] Commit& waiting();
  void sync_outputs();

  storage::FileSystem& files_;
  SpillFiles& spills_;
  EpochLog& log_;
  storage::AsyncIo& io_;
  Epoch epoch_;
  std::size_t number_ = 0;
  std::uint64_t lineage_ = 0;
  std::vector<stream::Artifact> made_;     ///< In this stage.
  std::map<std::size_t, Commit> unsaved_;  ///< By stage.
  std::set<storage::Path> outputs_;        ///< Written to since they were synced.
  std::set<storage::Path> named_;          ///< Outputs whose names are durable.
  std::uint64_t bytes_ = 0;                ///< Read since the last save.
  double saved_at_;
  std::uint64_t epochs_ = 0;
};

}  // namespace surd::ranks::detail
