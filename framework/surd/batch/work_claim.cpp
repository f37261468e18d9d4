#include "surd/batch/work_claim.hpp"

#include <filesystem>
#include <string_view>
#include <system_error>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/ranks/epochs.hpp"

namespace surd::batch {
namespace {

/// As ranks::DataJobOptions::stale_seconds.
constexpr double stale_seconds = 30;

bool create(storage::FileSystem& files, const storage::Path& directory) {
  std::error_code unknown;
  const bool there = std::filesystem::exists(directory, unknown);
  files.make_directories(directory);
  return !there;
}

void remove_if_empty(const storage::Path& directory) {
  std::error_code not_empty;
  std::filesystem::remove(directory, not_empty);
}

/// "report-20260131T120000-1a2b3c4d.json"
bool is_report(std::string_view name) {
  constexpr std::string_view example = "report-20260131T120000-1a2b3c4d.json";
  return name.size() == example.size() && name.starts_with("report-") && name.ends_with(".json");
}

/// Every run stores its job first, so a directory without one is not surd's.
void refuse_foreign(storage::FileSystem& files, const WorkDirectory& work) {
  if (files.file_size(work.job())) return;
  for (const auto& path : {work.state(), work.cut(), work.root / "epochs", work.root / "spill"}) {
    std::error_code unknown;
    if (!std::filesystem::exists(path, unknown)) continue;
    throw base::UsageError(fmt::format(
        "{} was not made by surd, but a run would write to it: give a work directory of its own with --work",
        path.native()));
  }
}

}  // namespace

WorkClaim::WorkClaim(storage::FileSystem& files, const WorkDirectory& work, const std::string& job_text,
                     const std::string& run)
    : files_(files), work_(work), job_text_(job_text), created_(create(files, work.root)) {
  refuse_foreign(files, work);
  lock_.emplace(files, work.root, run, stale_seconds);
  fresh_ = !files.file_size(work.job());
  if (fresh_) storage::write_atomically(files, work.job(), job_text);
  storage::remove_stale_parts(files, work.state());
}

std::uint64_t WorkClaim::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& directory : {work_.root / "epochs", work_.root / "spill"}) {
    for (const auto& name : files_.list(directory)) bytes += files_.file_size(directory / name).value_or(0);
  }
  return bytes;
}

void WorkClaim::clear() {
  remove_files();
  lock_.reset();
  remove_if_empty(work_.root);
}

void WorkClaim::withdraw() {
  if (fresh_) remove_files();
  lock_.reset();
  if (created_) remove_if_empty(work_.root);
}

void WorkClaim::remove_files() {
  ranks::remove_stored_work(files_, work_.root);
  for (const auto& name : files_.list(work_.root)) {
    if (is_report(name)) files_.remove(work_.root / name);
  }
  files_.remove(work_.cut());
  files_.remove(work_.state());
  const auto job = work_.job();
  if (files_.file_size(job) == job_text_.size() && storage::read_file(files_, job) == job_text_) {
    files_.remove(job);
  }
}

}  // namespace surd::batch
