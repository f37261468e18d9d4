// Runs a job's stages in this process, spilling to scratch files without names.
#pragma once

#include <functional>
#include <map>

#include "surd/stream/stage.hpp"

namespace surd::stream::detail {

/// Spill files of one process: one per stage, numbered like the stages.
class LocalSpills : public SpillStore {
 public:
  LocalSpills(storage::FileSystem& files, storage::Path scratch);

  /// The stage whose file own() is from now on.
  void begin(std::uint64_t stage) { current_ = stage; }
  void drop(std::uint64_t stage) { spills_.erase(stage); }

  external::SpillFile& own() override;
  [[nodiscard]] std::uint64_t own_number() const override { return current_; }
  storage::ReadableFile& open(std::uint64_t number) override;

 private:
  storage::FileSystem& files_;
  storage::Path scratch_;
  std::map<std::uint64_t, external::SpillFile> spills_;
  std::uint64_t current_ = 0;
};

/// Gets all artifacts, and a worker whose spill store still has what the last stages left.
using WithArtifacts = std::function<void(const std::vector<std::vector<Artifact>>&, Worker&)>;

void run_stages(const DataJob& job, storage::FileSystem& files, const storage::Path& scratch,
                std::uint64_t memory_bytes, const WithArtifacts& done);

}  // namespace surd::stream::detail
