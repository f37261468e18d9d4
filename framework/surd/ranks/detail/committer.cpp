#include "surd/ranks/detail/committer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

namespace surd::ranks::detail {
namespace {

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

Committer::Committer(storage::FileSystem& files, SpillFiles& spills, EpochLog& log, storage::AsyncIo& io,
                     Epoch epoch)
    : files_(files), spills_(spills), log_(log), io_(io), epoch_(epoch), saved_at_(steady_seconds()) {}

void Committer::begin_stage(std::size_t number, std::uint64_t lineage) noexcept {
  number_ = number;
  lineage_ = lineage;
}

Commit& Committer::waiting() {
  auto& commit = unsaved_[number_];
  commit.stage = static_cast<std::uint32_t>(number_);
  commit.lineage = lineage_;
  return commit;
}

void Committer::sync_at_commit(const storage::Path& path, std::uint64_t end) {
  outputs_.insert(path);
  auto& bytes = waiting().outputs[path];
  bytes = std::max(bytes, end);
}

void Committer::commit(stream::Artifact artifact) {
  waiting().artifacts.push_back(artifact);
  made_.push_back(std::move(artifact));
  if (bytes_ >= epoch_.bytes || steady_seconds() - saved_at_ >= epoch_.seconds) save();
}

std::vector<stream::Artifact> Committer::end_stage(bool durable) {
  spills_.own().flush(io_, durable);
  if (durable) sync_outputs();
  return std::exchange(made_, {});
}

/// By their paths: what this process wrote is synced whoever opened the file.
void Committer::sync_outputs() {
  for (const auto& path : outputs_) {
    const auto file = files_.open_shared(path);
    file->sync();
    file->close();
    if (!named_.insert(path).second) continue;
    files_.sync_directory(path.has_parent_path() ? path.parent_path() : storage::Path("."));
  }
  outputs_.clear();
}

void Committer::save() {
  if (unsaved_.empty()) return;
  sync_outputs();
  for (auto& [number, commit] : unsaved_) {
    auto& spill = spills_.own(number);
    spill.flush(io_, true);
    commit.spill = spills_.own_number(number);
    commit.spill_bytes = spill.bytes();
    commit.spill_digest = spills_.digest(number);
    log_.append(commit);
  }
  log_.sync();
  unsaved_.clear();
  bytes_ = 0;
  saved_at_ = steady_seconds();
  ++epochs_;
}

}  // namespace surd::ranks::detail
