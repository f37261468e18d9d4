#include "surd/stream/detail/file_job.hpp"

#include <algorithm>

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

  Summary finish(const Before& artifacts, storage::FileSystem&) const override {
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
  FileJob(std::string identity, JobPlan plan, FilePlan file)
      : PlannedJob(std::move(identity), std::move(plan)), file_(std::move(file)) {}

  Summary finish(const Before& artifacts, storage::FileSystem& files) const override {
    auto summary = PlannedJob::finish(artifacts, files);
    const auto& path = file_.output.path;
    publish(files, file_.quarantine_part, table::quarantine_path(file_.output));
    publish(files, file_.part, path);
    const auto bytes = files.file_size(path);
    if (!bytes) {
      throw base::IoError(fmt::format("{}: the output is gone", path.string()), 0);
    }
    summary.bytes = *bytes;
    summary.output = path.string();
    return summary;
  }

 private:
  FilePlan file_;
};

/// "<name>.<8 hexadecimal digits>.part"
bool is_part_of(const std::string& file, const std::string& name) {
  constexpr std::string_view ending = ".part";
  if (file.size() != name.size() + 9 + ending.size()) return false;
  if (!file.starts_with(name + ".") || !file.ends_with(ending)) return false;
  const auto tag = std::string_view(file).substr(name.size() + 1, 8);
  return tag.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

void publish(storage::FileSystem& files, const storage::Path& part, const storage::Path& path) {
  const auto directory = path.has_parent_path() ? path.parent_path() : storage::Path(".");
  if (files.file_size(part)) {
    const auto file = files.open_shared(part);
    file->sync();
    file->close();
    files.rename(part, path);
  }
  for (const auto& name : files.list(directory)) {
    if (is_part_of(name, path.filename().string())) files.remove(directory / name);
  }
  files.sync_directory(directory);
}

std::unique_ptr<DataJob> file_job(std::string identity, JobPlan plan, FilePlan file) {
  return std::make_unique<FileJob>(std::move(identity), std::move(plan), std::move(file));
}

std::unique_ptr<DataJob> rows_job(JobPlan plan) {
  return std::make_unique<PlannedJob>("rows", std::move(plan));
}

}  // namespace surd::stream::detail
