#include "surd/stream/detail/file_job.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace surd::stream::detail {
namespace {

class PlannedJob : public DataJob {
 public:
  PlannedJob(std::string identity, JobPlan plan) : identity_(std::move(identity)), plan_(std::move(plan)) {}

  [[nodiscard]] std::string identity() const override { return identity_; }
  [[nodiscard]] std::size_t stages() const override { return plan_.stages.size(); }

  [[nodiscard]] std::unique_ptr<Stage> stage(std::size_t k, const Before& before) const override {
    return plan_.stages.at(k).make(before);
  }

  [[nodiscard]] bool needs(std::size_t k, std::size_t done) const override {
    for (auto later = done + 1; later < plan_.stages.size(); ++later) {
      const auto& reads = plan_.stages[later].reads;
      if (std::find(reads.begin(), reads.end(), k) != reads.end()) return true;
    }
    return false;
  }

  Summary finish(const Before& artifacts, storage::FileSystem&,
                 const std::set<storage::Path>&) const override {
    Summary summary;
    for (const auto& stage : artifacts) {
      for (const auto& unit : decode(stage)) summary.bad_rows += unit.bad_rows;
    }
    for (const auto& unit : decode(artifacts.at(plan_.result_rows))) summary.rows += unit.rows;
    return summary;
  }

 private:
  std::string identity_;
  JobPlan plan_;
};

class FileJob : public PlannedJob {
 public:
  FileJob(std::string identity, JobPlan plan, const FilePlan& file)
      : PlannedJob(std::move(identity), std::move(plan)),
        output_{file.part, file.output.path},
        quarantine_{file.quarantine_part, table::quarantine_path(file.output)} {}

  [[nodiscard]] std::vector<Output> outputs() const override {
    if (quarantine_.part.empty()) return {output_};
    return {quarantine_, output_};
  }

  Summary finish(const Before& artifacts, storage::FileSystem& files,
                 const std::set<storage::Path>& renamed) const override {
    auto summary = PlannedJob::finish(artifacts, files, renamed);
    const auto& path = output_.path;
    if (!quarantine_.part.empty()) {
      if (has_quarantine(artifacts)) {
        publish(files, quarantine_, renamed.contains(quarantine_.part));
      } else {
        files.remove(quarantine_.path);  // of an earlier job that met bad rows
      }
    }
    publish(files, output_, renamed.contains(output_.part));
    const auto bytes = files.file_size(path);
    if (!bytes) {
      throw base::IoError(fmt::format("{}: the output is gone", path.string()), 0);
    }
    summary.bytes = *bytes;
    summary.output = path.string();
    return summary;
  }

 private:
  static bool has_quarantine(const Before& artifacts) {
    return std::ranges::any_of(artifacts, [](const auto& stage) {
      return std::ranges::any_of(decode(stage),
                                 [](const auto& unit) { return !unit.quarantine.extents.empty(); });
    });
  }

  Output output_;
  Output quarantine_;
};

/// "<name>.<8 hexadecimal digits>.part"
bool is_part_of(const std::string& file, const std::string& name) {
  constexpr std::string_view ending = ".part";
  if (file.size() != name.size() + 9 + ending.size()) return false;
  if (!file.starts_with(name + ".") || !file.ends_with(ending)) return false;
  const auto tag = std::string_view(file).substr(name.size() + 1, 8);
  return tag.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// A job that is at its last stage writes all the time; one that is not has no part.
void remove_abandoned_parts(storage::FileSystem& files, const storage::Path& path) {
  constexpr std::chrono::nanoseconds quiet = std::chrono::hours(1);
  const auto own = files.file_version(path);
  if (!own) return;
  const auto directory = path.has_parent_path() ? path.parent_path() : storage::Path(".");
  for (const auto& name : files.list(directory)) {
    if (!is_part_of(name, path.filename().string())) continue;
    const auto part = files.file_version(directory / name);
    if (!part || part->modified_nanoseconds > own->modified_nanoseconds - quiet.count()) continue;
    files.remove(directory / name);
  }
}

}  // namespace

void publish(storage::FileSystem& files, const DataJob::Output& output, bool renamed) {
  const auto& [part, path] = output;
  if (!renamed) {
    if (!files.file_size(part)) {
      throw base::IoError(fmt::format("{}: the finished output is gone, before it could be renamed to {}; "
                                      "run the job again to make anew what is lost",
                                      part.string(), path.filename().string()),
                          0);
    }
    const auto file = files.open_shared(part);
    file->sync();
    file->close();
    files.rename(part, path);
  }
  remove_abandoned_parts(files, path);
  files.sync_directory(path.has_parent_path() ? path.parent_path() : storage::Path("."));
}

std::unique_ptr<DataJob> file_job(std::string identity, JobPlan plan, const FilePlan& file) {
  return std::make_unique<FileJob>(std::move(identity), std::move(plan), file);
}

std::unique_ptr<DataJob> rows_job(JobPlan plan) {
  return std::make_unique<PlannedJob>("rows", std::move(plan));
}

}  // namespace surd::stream::detail
