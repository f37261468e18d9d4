// Verifying and repairing memos.
#include "surd/sweep/detail/memo_segment.hpp"

namespace surd::sweep {

using namespace detail;
namespace {

SegmentReport verify_segment(storage::FileSystem& files, DefinitionCache& cache, const storage::Path& path) {
  SegmentReport report;
  report.path = path;
  Segment segment;
  segment.path = path;
  SegmentReader reader(files, cache, segment);
  while (const auto record = reader.next()) {
    ++report.records;
    if (record->block) report.points += record->block->entries;
  }
  report.bytes = files.file_size(path).value_or(segment.end);
  report.damage = std::move(segment.damage);
  return report;
}

/// Copies what is valid; what is to be written twice is, even if only one copy is left.
void copy_valid(storage::FileSystem& files, const storage::Path& from, SegmentWriter& to) {
  DefinitionCache cache(nullptr);
  Segment segment;
  segment.path = from;
  SegmentReader reader(files, cache, segment);
  while (const auto record = reader.next()) {
    switch (record->kind) {
      case RecordKind::origin:
        to.put_origin(segment.origin);
        break;
      case RecordKind::definition: {
        const auto text = decode_definition(record->payload);
        to.put_definition(definition_id(text), text);
        break;
      }
      case RecordKind::schema:
        to.put_schema(decode_schema(record->payload));
        break;
      case RecordKind::block:
        to.put_block(record->payload);
        break;
    }
  }
}

void rewrite(storage::FileSystem& files, const SegmentReport& report) {
  const auto part = unfinished(report.path);
  SegmentWriter writer(files, part);
  copy_valid(files, report.path, writer);
  writer.log().sync();
  writer.log().close();
  if (files.file_size(report.path) != report.bytes) {
    throw base::UsageError(report.path.native() +
                           " grew while it was repaired: repair when no job is writing");
  }
  if (writer.log().records() > 0) {
    files.rename(part, report.path);
  } else {
    files.remove(report.path);
  }
  files.sync_directory(report.path.parent_path());
}

}  // namespace

std::vector<SegmentReport> verify_memo(storage::FileSystem& files, const storage::Path& directory) {
  std::vector<SegmentReport> reports;
  DefinitionCache cache(nullptr);
  for (const auto& name : list_segments(files, directory)) {
    reports.push_back(verify_segment(files, cache, directory / name));
  }
  return reports;
}

std::uint64_t repair_memo(storage::FileSystem& files, const storage::Path& directory) {
  remove_unfinished(files, directory);
  std::uint64_t rewritten = 0;
  for (const auto& report : verify_memo(files, directory)) {
    if (report.damage.empty()) continue;
    rewrite(files, report);
    ++rewritten;
  }
  return rewritten;
}

}  // namespace surd::sweep
