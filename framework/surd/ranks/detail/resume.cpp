#include "surd/ranks/detail/resume.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/ranks/detail/spill_files.hpp"

namespace surd::ranks::detail {
namespace {

/// Chooses from the commits of earlier runs those that this one goes on from.
class Choice {
 public:
  Choice(const stream::DataJob& job, storage::FileSystem& files, const storage::Path& work, Epochs& epochs)
      : job_(job), files_(files), work_(work), epochs_(epochs) {
    for (const auto& commit : epochs.commits) places_.insert(commit.place);
  }

  /// Fills start.done and start.complete.
  void choose(Start& start) {
    do {
      collect(start);
    } while (drop_lost(start.complete));
  }

  /// Takes all commits but the chosen ones out of the logs. Else they might seem sound again one day: those
  /// of an output once others have made it long enough, or once a lost file is back.
  void forget_rest() {
    auto rest = places_;
    for (const auto* commit : chosen_) rest.erase(commit->place);
    drop_commits(files_, rest);
  }

  /// Removes spill files that no chosen commit has. Those of complete stages stay until the run that goes on
  /// releases them: a file is missing only if it was released or lost.
  void remove_orphans(const Start& start) const {
    std::set<storage::Path> needed;
    for (const auto* commit : chosen_) {
      if (commit->spill_bytes == 0) continue;
      if (!epochs_.is_released(*commit) || needs(commit->stage, start.complete))
        needed.insert(path_of(*commit));
    }
    const auto removed = remove_spills(
        files_, work_, [&](const storage::Path& path, std::size_t) { return needed.contains(path); });
    if (removed > 0) files_.sync_directory(spill_directory(work_));
  }

 private:
  void collect(Start& start) {
    start.done.assign(job_.stages(), {});
    start.complete = 0;
    chosen_.clear();
    std::vector<std::vector<stream::Artifact>> before;
    std::uint64_t lineage = 0;
    for (std::size_t number = 0; number < job_.stages(); ++number) {
      const auto units = job_.stage(number, before)->units();
      auto artifacts = collect(number, lineage, units);
      start.done[number] = artifacts;
      if (!cover(artifacts, units)) return;
      ++start.complete;
      lineage = next_lineage(lineage, artifacts);
      before.push_back(std::move(artifacts));
    }
  }

  /// The stage's commits in the order they were made, less those that repeat units: two runs may have done
  /// the same if one did not see the end of the other's log.
  std::vector<stream::Artifact> collect(std::size_t number, std::uint64_t lineage, std::uint64_t units) {
    std::map<std::uint64_t, stream::Artifact> by_first;
    for (const auto& commit : epochs_.commits) {
      if (commit.stage != number || commit.lineage != lineage) continue;
      bool used = false;
      for (const auto& artifact : commit.artifacts) {
        if (artifact.first >= artifact.last || artifact.last > units) continue;
        const auto next = by_first.lower_bound(artifact.first);
        if (next != by_first.end() && next->first < artifact.last) continue;
        if (next != by_first.begin() && std::prev(next)->second.last > artifact.first) continue;
        by_first.emplace(artifact.first, artifact);
        used = true;
      }
      if (used) chosen_.push_back(&commit);
    }
    std::vector<stream::Artifact> artifacts;
    artifacts.reserve(by_first.size());
    for (auto& [first, artifact] : by_first) artifacts.push_back(std::move(artifact));
    return artifacts;
  }

  /// Stage `complete` is the first that is not; it reads, or adds to, what `stage` spilled.
  [[nodiscard]] bool needs(std::size_t stage, std::size_t complete) const {
    return stage >= complete || job_.needs(stage, complete - 1);
  }

  [[nodiscard]] storage::Path path_of(const Commit& commit) const {
    return spill_path(work_, epochs_.runs, commit.spill);
  }

  [[nodiscard]] bool holds(const storage::Path& path, std::uint64_t bytes) const {
    const auto size = files_.file_size(path);
    return size && *size >= bytes;
  }

  [[nodiscard]] bool is_renamed(const storage::Path& part) const {
    return std::ranges::any_of(epochs_.renamings, [&](const Renaming& renaming) {
      return renaming.output.part == part && renaming.is_done(files_);
    });
  }

  /// The file that lacks bytes which the commit refers to; nullopt if they are all there.
  [[nodiscard]] std::optional<storage::Path> lost_file(const Commit& commit, std::size_t complete) const {
    if (commit.spill_bytes > 0 && needs(commit.stage, complete)) {
      auto path = path_of(commit);
      if (!holds(path, commit.spill_bytes)) return path;
    }
    const bool may_be_renamed = complete == job_.stages();
    for (const auto& [part, bytes] : commit.outputs) {
      if (!holds(part, bytes) && !(may_be_renamed && is_renamed(part))) return part;
    }
    return std::nullopt;
  }

  /// Forgets commits of which a file is missing or too short; true if there were any.
  bool drop_lost(std::size_t complete) {
    std::set<const Commit*> lost;
    std::set<storage::Path> paths;
    for (const auto* commit : chosen_) {
      auto path = lost_file(*commit, complete);
      if (!path) continue;
      lost.insert(commit);
      paths.insert(std::move(*path));
    }
    if (lost.empty()) return false;
    base::log_warning(
        fmt::format("{}: {} of the job's files are gone or cut short, such as {}; what they held "
                    "is computed again",
                    work_.native(), paths.size(), paths.begin()->native()));
    std::vector<Commit> kept;
    for (auto& commit : epochs_.commits) {
      if (!lost.contains(&commit)) kept.push_back(std::move(commit));
    }
    epochs_.commits = std::move(kept);
    return true;
  }

  const stream::DataJob& job_;
  storage::FileSystem& files_;
  const storage::Path& work_;
  Epochs& epochs_;
  std::set<Place> places_;  ///< Of all commits.
  std::vector<const Commit*> chosen_;
};

/// What is there of outputs, if no artifact of the last stage is: it must not be written to, since it may be
/// a spill file's second name.
void remove_parts(const stream::DataJob& job, storage::FileSystem& files) {
  for (const auto& output : job.outputs()) files.remove(output.part);
}

void start_afresh(storage::FileSystem& files, const storage::Path& work, Epochs& epochs) {
  remove_epochs(files, work);
  epochs = {};
}

}  // namespace

std::string Start::encode() const {
  base::ByteWriter into;
  into.put_varint(runs.size());
  for (const auto& [number, name] : runs) {
    into.put(number);
    into.put_text(name);
  }
  into.put(run);
  into.put_varint(done.size());
  for (const auto& artifacts : done) put_artifacts(into, artifacts);
  into.put_varint(complete);
  into.put(static_cast<std::uint8_t>(summary ? 1 : 0));
  if (summary) put_summary(into, *summary);
  into.put_varint(renamed.size());
  for (const auto& part : renamed) into.put_text(part.native());
  const auto bytes = into.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

Start Start::decode(std::string_view text) {
  base::ByteReader from(std::as_bytes(std::span(text)));
  Start start;
  for (auto count = from.get_varint(); count > 0; --count) {
    const auto number = from.get<std::uint32_t>();
    start.runs[number] = from.get_text();
  }
  start.run = from.get<std::uint32_t>();
  start.done.resize(from.get_varint());
  for (auto& artifacts : start.done) artifacts = get_artifacts(from);
  start.complete = from.get_varint();
  if (from.get<std::uint8_t>() != 0) start.summary = get_summary(from);
  for (auto count = from.get_varint(); count > 0; --count) start.renamed.insert(from.get_text());
  return start;
}

Start prepare(const stream::DataJob& job, storage::FileSystem& files, const storage::Path& work,
              const std::string& run) {
  files.make_directories(epochs_directory(work));
  files.make_directories(spill_directory(work));
  auto epochs = read_epochs(files, work, job.identity());
  Start start;
  if (epochs.finished && output_stands(files, *epochs.finished)) {
    remove_spills(files, work);  // its run may have been killed before it had removed all of them
    start.summary = epochs.finished->summary;
    return start;
  }
  if (epochs.finished || !epochs.other_identity.empty()) start_afresh(files, work, epochs);
  Choice choice(job, files, work, epochs);
  choice.choose(start);
  choice.forget_rest();
  choice.remove_orphans(start);
  if (start.done.back().empty()) remove_parts(job, files);
  for (const auto& renaming : epochs.renamings) {
    if (start.complete == job.stages() && renaming.is_done(files)) start.renamed.insert(renaming.output.part);
  }
  start.run = epochs.next_run();
  start.runs = std::move(epochs.runs);
  start.runs[start.run] = run;
  return start;
}

bool cover(const std::vector<stream::Artifact>& artifacts, std::uint64_t units) {
  std::uint64_t next = 0;
  for (const auto& artifact : artifacts) {
    if (artifact.first != next || artifact.last <= artifact.first) return false;
    next = artifact.last;
  }
  return next == units;
}

}  // namespace surd::ranks::detail
