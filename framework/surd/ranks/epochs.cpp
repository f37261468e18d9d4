#include "surd/ranks/epochs.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <tuple>

#include <fmt/format.h>

#include "surd/base/digest.hpp"
#include "surd/ranks/detail/epoch_log.hpp"
#include "surd/ranks/detail/spill_files.hpp"
#include "surd/ranks/work_lock.hpp"

namespace surd::ranks {
namespace {

using detail::Commit;
using detail::Epochs;

/// Reads a file once, from its beginning.
class DigestReader {
 public:
  DigestReader(storage::FileSystem& files, const storage::Path& path)
      : file_(files.open(path, storage::Access::streaming)), buffer_(std::size_t{1} << 20) {}

  /// Of the first `end` bytes; `end` must not fall. The file must have as many.
  std::uint64_t at(std::uint64_t end) {
    while (read_ < end) {
      const auto wanted = std::span(buffer_).first(std::min<std::uint64_t>(buffer_.size(), end - read_));
      const auto got = file_->read_at(read_, wanted);
      if (got == 0) break;
      digest_.add(wanted.first(got));
      read_ += got;
    }
    return digest_.value();
  }

 private:
  std::unique_ptr<storage::ReadableFile> file_;
  std::vector<std::byte> buffer_;
  base::Digest digest_;
  std::uint64_t read_ = 0;
};

/// Looks at the files that commits refer to.
class Survey {
 public:
  Survey(storage::FileSystem& files, const storage::Path& work, const Epochs& epochs)
      : files_(files), work_(work), epochs_(epochs) {
    std::map<std::uint64_t, std::vector<const Commit*>> by_spill;
    for (const auto& commit : epochs.commits) {
      if (commit.spill_bytes == 0) continue;
      if (epochs.is_released(commit)) {
        released.insert(detail::spill_path(work_, epochs_.runs, commit.spill));
      } else {
        by_spill[commit.spill].push_back(&commit);
      }
    }
    for (auto& [number, commits] : by_spill) look_at_spill(number, commits);
    look_at_outputs();
  }

  std::vector<FileReport> spills;
  std::set<storage::Path> released;
  std::vector<FileReport> outputs;
  std::set<detail::Place> damaged;  ///< Commits.

 private:
  /// A digest tells that something before it is damaged, not where: all commits from the first wrong one on
  /// count as damaged.
  void look_at_spill(std::uint64_t number, std::vector<const Commit*>& commits) {
    std::ranges::stable_sort(commits, {}, &Commit::spill_bytes);
    FileReport report;
    report.path = detail::spill_path(work_, epochs_.runs, number);
    report.committed_bytes = commits.back()->spill_bytes;
    const auto size = files_.file_size(report.path);
    report.bytes = size.value_or(0);
    std::optional<DigestReader> reader;
    if (size) reader.emplace(files_, report.path);
    std::uint64_t sound = 0;
    for (const auto* commit : commits) {
      if (report.damage.empty()) report.damage = damage_at(*commit, size, reader, sound);
      if (!report.damage.empty()) damaged.insert(commit->place);
      sound = commit->spill_bytes;
    }
    spills.push_back(std::move(report));
  }

  static std::string damage_at(const Commit& commit, std::optional<std::uint64_t> size,
                               std::optional<DigestReader>& reader, std::uint64_t sound) {
    if (!size) return "is missing";
    if (*size < commit.spill_bytes) return fmt::format("is cut short: has {} bytes", *size);
    const auto digest = reader->at(commit.spill_bytes);
    if (digest == commit.spill_digest) return {};
    return fmt::format("is damaged between byte {} and byte {}: their digest is {:016x} instead of {:016x}",
                       sound, commit.spill_bytes, digest, commit.spill_digest);
  }

  void look_at_outputs() {
    std::map<storage::Path, FileReport> reports;
    for (const auto& commit : epochs_.commits) {
      for (const auto& [path, bytes] : commit.outputs) {
        if (is_renamed(path)) continue;
        auto& report = reports[path];
        const auto size = files_.file_size(path);
        report.path = path;
        report.bytes = size.value_or(0);
        report.committed_bytes = std::max(report.committed_bytes, bytes);
        if (size && *size >= bytes) continue;
        report.damage = size ? fmt::format("is cut short: has {} bytes", *size) : "is missing";
        damaged.insert(commit.place);
      }
    }
    for (auto& [path, report] : reports) outputs.push_back(std::move(report));
  }

  [[nodiscard]] bool is_renamed(const storage::Path& part) const {
    return std::ranges::any_of(epochs_.renamings, [&](const auto& renaming) {
      return renaming.output.part == part && renaming.is_done(files_);
    });
  }

  storage::FileSystem& files_;
  const storage::Path& work_;
  const Epochs& epochs_;
};

bool is_damaged(const std::vector<storage::LogDamage>& damage) {
  return std::ranges::any_of(damage, [](const auto& place) { return !place.tail; });
}

EpochsReport look_at(storage::FileSystem& files, const storage::Path& work) {
  EpochsReport report;
  for (const auto& path : detail::list_epochs(files, work)) {
    storage::LogReader log(files, path);
    while (log.next()) ++report.records;
    ++report.logs;
    report.damage.insert(report.damage.end(), log.damage().begin(), log.damage().end());
  }
  const auto epochs = detail::read_epochs(files, work);
  report.finished = epochs.finished.has_value();
  for (const auto& commit : epochs.commits) {
    for (const auto& artifact : commit.artifacts) {
      report.units.push_back({commit.stage, artifact.first, artifact.last});
    }
  }
  std::ranges::sort(report.units, {},
                    [](const auto& units) { return std::tie(units.stage, units.first, units.last); });
  if (report.finished) {
    report.released = detail::list_spills(files, work);
    return report;
  }
  Survey survey(files, work, epochs);
  report.spills = std::move(survey.spills);
  report.released.assign(survey.released.begin(), survey.released.end());
  report.outputs = std::move(survey.outputs);
  return report;
}

}  // namespace

bool EpochsReport::sound() const {
  const auto is_sound = [](const auto& file) { return file.damage.empty(); };
  return !is_damaged(damage) && std::ranges::all_of(spills, is_sound) &&
         std::ranges::all_of(outputs, is_sound);
}

EpochsReport verify_epochs(storage::FileSystem& files, const storage::Path& work) {
  constexpr int most_looks = 5;
  auto report = look_at(files, work);
  // A run that goes on meanwhile removes what it does not need any more, and says so in a log.
  for (int looks = 1; !report.sound() && looks < most_looks; ++looks) {
    auto again = look_at(files, work);
    const bool stood_still = again.records == report.records;
    report = std::move(again);
    if (stood_still) break;
  }
  return report;
}

std::uint64_t repair_epochs(storage::FileSystem& files, const storage::Path& work) {
  constexpr double stale_seconds = 30;
  const WorkLock lock(files, work, "repair", stale_seconds);
  std::set<storage::Path> damaged_logs;
  for (const auto& path : detail::list_epochs(files, work)) {
    storage::LogReader log(files, path);
    while (log.next()) continue;
    if (is_damaged(log.damage())) damaged_logs.insert(path);
  }
  const auto epochs = detail::read_epochs(files, work);
  const auto damaged = epochs.finished ? std::set<detail::Place>() : Survey(files, work, epochs).damaged;
  detail::drop_commits(files, damaged, damaged_logs);
  return damaged.size();
}

std::optional<StoredWork> find_stored_work(storage::FileSystem& files, const storage::Path& work) {
  const auto epochs = detail::read_epochs(files, work);
  if (epochs.runs.empty()) return std::nullopt;
  StoredWork stored;
  stored.identity = epochs.identity;
  stored.finished = epochs.finished.has_value();
  stored.output_stands = stored.finished && detail::output_stands(files, *epochs.finished);
  return stored;
}

void remove_stored_work(storage::FileSystem& files, const storage::Path& work) {
  detail::remove_epochs(files, work);
  detail::remove_spills(files, work);
  for (const auto& directory : {detail::epochs_directory(work), detail::spill_directory(work)}) {
    std::error_code not_empty;
    std::filesystem::remove(directory, not_empty);
  }
}

}  // namespace surd::ranks
