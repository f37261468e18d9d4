#include "surd/ranks/detail/epoch_log.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"

namespace surd::ranks::detail {
namespace {

constexpr std::uint32_t format_version = 3;
enum Kind : std::uint8_t {
  header_kind = 1,
  commit_kind = 2,
  finished_kind = 3,
  renaming_kind = 4,
  release_kind = 5
};
constexpr std::string_view extension = ".log";

/// What one log holds.
struct Chapter {
  EpochLog::Origin origin;
  std::vector<Commit> commits;
  std::vector<Renaming> renamings;
  std::set<std::uint32_t> released;
  std::optional<Finished> finished;

  [[nodiscard]] bool is_finished(storage::FileSystem& files) const {
    const auto done = [&](const Renaming& renaming) { return renaming.is_done(files); };
    return finished || (!renamings.empty() && std::ranges::all_of(renamings, done));
  }
};

EpochLog::Origin get_header(base::ByteReader& from, const storage::Path& path) {
  const auto version = from.get<std::uint32_t>();
  if (version != format_version) {
    throw base::FormatError(fmt::format(
        "{} was written in format version {}, this surd reads version {}: go on with the surd that "
        "began the job, or remove the job's work directory to start afresh",
        path.native(), version, format_version));
  }
  EpochLog::Origin origin;
  origin.number = from.get<std::uint32_t>();
  origin.run = from.get_text();
  origin.rank = static_cast<int>(from.get<std::uint32_t>());
  origin.identity = from.get_text();
  return origin;
}

Finished get_finished(base::ByteReader& from) {
  Finished finished;
  finished.summary = get_summary(from);
  const bool has_size = from.get<std::uint8_t>() != 0;
  const auto size = from.get<std::uint64_t>();
  if (has_size) finished.output_bytes = size;
  return finished;
}

std::vector<Renaming> get_renamings(base::ByteReader& from) {
  std::vector<Renaming> renamings;
  for (auto count = from.get_varint(); count > 0; --count) {
    Renaming renaming;
    renaming.output.part = from.get_text();
    renaming.output.path = from.get_text();
    renaming.version.bytes = from.get<std::uint64_t>();
    renaming.version.modified_nanoseconds = from.get<std::int64_t>();
    renamings.push_back(std::move(renaming));
  }
  return renamings;
}

/// nullopt if no header is left.
std::optional<Chapter> read_chapter(storage::FileSystem& files, const storage::Path& path) {
  std::optional<Chapter> chapter;
  storage::LogReader log(files, path);
  while (const auto record = log.next()) {
    base::ByteReader from(record->payload);
    if (record->kind == header_kind) {
      chapter.emplace();
      chapter->origin = get_header(from, path);
    } else if (chapter && record->kind == commit_kind) {
      chapter->commits.push_back(get_commit(from));
      chapter->commits.back().place = {path, record->offset};
    } else if (chapter && record->kind == renaming_kind) {
      chapter->renamings = get_renamings(from);
    } else if (chapter && record->kind == release_kind) {
      for (auto count = from.get_varint(); count > 0; --count) {
        chapter->released.insert(from.get<std::uint32_t>());
      }
    } else if (chapter && record->kind == finished_kind) {
      chapter->finished = get_finished(from);
    }
  }
  return chapter;
}

std::string_view line_at(std::string_view text, std::size_t place) {
  const auto begin = place == 0 ? std::string_view::npos : text.rfind('\n', place - 1);
  const auto first = begin == std::string_view::npos ? 0 : begin + 1;
  return text.substr(first, text.find('\n', place) - first);
}

[[noreturn]] void refuse(const storage::Path& work, std::string_view was, std::string_view is) {
  const auto [a, b] = std::mismatch(was.begin(), was.end(), is.begin(), is.end());
  const auto place = static_cast<std::size_t>(a - was.begin());
  throw base::UsageError(fmt::format(
      "{} holds the unfinished work of another job, or of another input: it says\n  {}\nand this job\n  {}\n"
      "Run that job to its end, or remove the directory to start afresh, or give another with --work",
      work.native(), line_at(was, place), line_at(is, place)));
}

}  // namespace

bool output_stands(storage::FileSystem& files, const Finished& finished) {
  return !finished.output_bytes || files.file_size(finished.summary.output) == finished.output_bytes;
}

void put_artifacts(base::ByteWriter& into, const std::vector<stream::Artifact>& artifacts) {
  into.put_varint(artifacts.size());
  for (const auto& artifact : artifacts) {
    into.put_varint(artifact.first);
    into.put_varint(artifact.last);
    into.put_text(artifact.content);
  }
}

std::vector<stream::Artifact> get_artifacts(base::ByteReader& from) {
  std::vector<stream::Artifact> artifacts;
  for (auto count = from.get_varint(); count > 0; --count) {
    stream::Artifact artifact;
    artifact.first = from.get_varint();
    artifact.last = from.get_varint();
    artifact.content = from.get_text();
    artifacts.push_back(std::move(artifact));
  }
  return artifacts;
}

void put_commit(base::ByteWriter& into, const Commit& commit) {
  into.put(commit.stage);
  into.put(commit.lineage);
  into.put(commit.spill);
  into.put(commit.spill_bytes);
  into.put(commit.spill_digest);
  into.put_varint(commit.outputs.size());
  for (const auto& [path, bytes] : commit.outputs) {
    into.put_text(path.native());
    into.put_varint(bytes);
  }
  put_artifacts(into, commit.artifacts);
}

Commit get_commit(base::ByteReader& from) {
  Commit commit;
  commit.stage = from.get<std::uint32_t>();
  commit.lineage = from.get<std::uint64_t>();
  commit.spill = from.get<std::uint64_t>();
  commit.spill_bytes = from.get<std::uint64_t>();
  commit.spill_digest = from.get<std::uint64_t>();
  for (auto count = from.get_varint(); count > 0; --count) {
    const storage::Path path = from.get_text();
    commit.outputs[path] = from.get_varint();
  }
  commit.artifacts = get_artifacts(from);
  return commit;
}

void put_summary(base::ByteWriter& into, const stream::DataJob::Summary& summary) {
  into.put(summary.rows);
  into.put(summary.bytes);
  into.put(summary.bad_rows);
  into.put_text(summary.output);
}

stream::DataJob::Summary get_summary(base::ByteReader& from) {
  stream::DataJob::Summary summary;
  summary.rows = from.get<std::uint64_t>();
  summary.bytes = from.get<std::uint64_t>();
  summary.bad_rows = from.get<std::uint64_t>();
  summary.output = from.get_text();
  return summary;
}

std::uint64_t next_lineage(std::uint64_t lineage, const std::vector<stream::Artifact>& artifacts) {
  base::ByteWriter bytes;
  put_artifacts(bytes, artifacts);
  return base::hash64(bytes.bytes(), lineage);
}

storage::Path epochs_directory(const storage::Path& work) { return work / "epochs"; }

EpochLog::EpochLog(storage::FileSystem& files, const storage::Path& work, Origin origin)
    : origin_(std::move(origin)),
      log_(files, epochs_directory(work) / fmt::format("{}-{}{}", origin_.run, origin_.rank, extension)) {}

void EpochLog::append(const Commit& commit) {
  record_.clear();
  put_commit(record_, commit);
  append(commit_kind);
}

void EpochLog::append(const Finished& finished) {
  record_.clear();
  put_summary(record_, finished.summary);
  record_.put(static_cast<std::uint8_t>(finished.output_bytes ? 1 : 0));
  record_.put(finished.output_bytes.value_or(0));
  append(finished_kind);
}

void EpochLog::append(const std::vector<Renaming>& renamings) {
  record_.clear();
  record_.put_varint(renamings.size());
  for (const auto& [output, version] : renamings) {
    record_.put_text(output.part.native());
    record_.put_text(output.path.native());
    record_.put(version.bytes);
    record_.put(version.modified_nanoseconds);
  }
  append(renaming_kind);
}

void EpochLog::append_release(const std::set<std::uint32_t>& stages) {
  record_.clear();
  record_.put_varint(stages.size());
  for (const auto stage : stages) record_.put(stage);
  append(release_kind);
}

void EpochLog::append(std::uint8_t kind) {
  if (empty()) {
    base::ByteWriter header;
    header.put(format_version);
    header.put(origin_.number);
    header.put_text(origin_.run);
    header.put(static_cast<std::uint32_t>(origin_.rank));
    header.put_text(origin_.identity);
    log_.append(header_kind, header.bytes());
  }
  log_.append(kind, record_.bytes());
}

Epochs read_epochs(storage::FileSystem& files, const storage::Path& work,
                   std::optional<std::string_view> identity) {
  std::vector<Chapter> chapters;
  for (const auto& path : list_epochs(files, work)) {
    if (auto chapter = read_chapter(files, path)) chapters.push_back(std::move(*chapter));
  }
  std::ranges::stable_sort(chapters, {}, [](const Chapter& c) { return c.origin.number; });
  Epochs epochs;
  const Chapter* other = nullptr;
  for (auto& chapter : chapters) {
    epochs.identity = chapter.origin.identity;
    if (chapter.finished) epochs.finished = chapter.finished;
    // A run that did not see the log of another, as NFS may have it, has taken the same number. Spill files
    // are known by it, so only one of the two can count.
    const auto [run, first] = epochs.runs.try_emplace(chapter.origin.number, chapter.origin.run);
    if (run->second != chapter.origin.run) continue;
    if (identity && chapter.origin.identity != *identity) {
      other = &chapter;
    } else {
      std::ranges::move(chapter.commits, std::back_inserter(epochs.commits));
      std::ranges::move(chapter.renamings, std::back_inserter(epochs.renamings));
      for (const auto stage : chapter.released) epochs.released[stage] = chapter.origin.number;
    }
  }
  if (other == nullptr) return epochs;
  if (!epochs.finished && !other->is_finished(files)) refuse(work, other->origin.identity, *identity);
  epochs.finished.reset();
  epochs.other_identity = other->origin.identity;
  return epochs;
}

namespace {

void rewrite_without(storage::FileSystem& files, const storage::Path& path, const std::set<Place>& dropped) {
  const auto part = storage::part_path(path);
  storage::LogWriter kept(files, part);
  storage::LogReader log(files, path);
  while (const auto record = log.next()) {
    if (!dropped.contains({path, record->offset})) kept.append(record->kind, record->payload);
  }
  if (kept.records() == 0) {
    files.remove(path);
    return;
  }
  kept.sync();
  kept.close();
  files.rename(part, path);
}

}  // namespace

std::vector<storage::Path> list_epochs(storage::FileSystem& files, const storage::Path& work) {
  const auto directory = epochs_directory(work);
  std::vector<storage::Path> paths;
  for (const auto& name : files.list(directory)) {
    if (name.ends_with(extension)) paths.push_back(directory / name);
  }
  return paths;
}

void drop_commits(storage::FileSystem& files, const std::set<Place>& dropped,
                  const std::set<storage::Path>& also) {
  auto logs = also;
  for (const auto& place : dropped) logs.insert(place.log);
  for (const auto& path : logs) rewrite_without(files, path, dropped);
  if (!logs.empty()) files.sync_directory(logs.begin()->parent_path());
}

void remove_epochs(storage::FileSystem& files, const storage::Path& work, const storage::Path& kept) {
  const auto directory = epochs_directory(work);
  bool any = false;
  for (const auto& name : files.list(directory)) {
    if (directory / name == kept) continue;
    files.remove(directory / name);
    any = true;
  }
  if (any) files.sync_directory(directory);
}

}  // namespace surd::ranks::detail
