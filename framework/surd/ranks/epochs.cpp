#include "surd/ranks/epochs.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <system_error>
#include <tuple>

#include "surd/ranks/detail/epoch_log.hpp"
#include "surd/ranks/detail/spill_files.hpp"

namespace surd::ranks {

bool EpochsReport::sound() const {
  const auto harmless = [](const auto& place) { return place.tail; };
  return std::all_of(damage.begin(), damage.end(), harmless) &&
         std::all_of(spills.begin(), spills.end(), [](const auto& spill) { return spill.sound(); });
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
  detail::remove_spills(files, work, [](const storage::Path&, std::size_t) { return false; });
  for (const auto& directory : {detail::epochs_directory(work), detail::spill_directory(work)}) {
    std::error_code not_empty;
    std::filesystem::remove(directory, not_empty);
  }
}

EpochsReport verify_epochs(storage::FileSystem& files, const storage::Path& work) {
  EpochsReport report;
  const auto directory = detail::epochs_directory(work);
  for (const auto& name : files.list(directory)) {
    storage::LogReader log(files, directory / name);
    while (log.next()) ++report.records;
    ++report.logs;
    report.damage.insert(report.damage.end(), log.damage().begin(), log.damage().end());
  }
  const auto epochs = detail::read_epochs(files, work);
  report.finished = epochs.finished.has_value();
  std::map<std::uint64_t, std::uint64_t> committed;
  for (const auto& commit : epochs.commits) {
    auto& bytes = committed[commit.spill];
    bytes = std::max(bytes, commit.spill_bytes);
    for (const auto& artifact : commit.artifacts) {
      report.units.push_back({commit.stage, artifact.first, artifact.last});
    }
  }
  std::sort(report.units.begin(), report.units.end(), [](const auto& a, const auto& b) {
    return std::tie(a.stage, a.first, a.last) < std::tie(b.stage, b.first, b.last);
  });
  for (const auto& [number, bytes] : committed) {
    const auto path = detail::spill_path(work, epochs.runs, number);
    if (const auto size = files.file_size(path)) report.spills.push_back({path, *size, bytes});
  }
  return report;
}

}  // namespace surd::ranks
