#include "surd/sweep/memo.hpp"

#include <algorithm>

#include "surd/sweep/detail/memo_state.hpp"

namespace surd::sweep {

using namespace detail;

void Memo::State::refresh() {
  const auto names = list_segments(files, directory);
  std::erase_if(segments, [&](const auto& known) { return !std::ranges::binary_search(names, known.first); });
  for (const auto& name : names) look_at(name);
  done_collector.flush();
  failed_collector.flush();
  failed -= done;
  sum_up();
}

/// Reads what a segment has gained. One that vanishes meanwhile was compacted: what it held is in another.
void Memo::State::look_at(const std::string& name) {
  const auto path = directory / name;
  const auto size = files.file_size(path);
  if (!size) return;
  auto& known = segments[name];
  if (*size == known.size) return;
  if (*size < known.segment.end) known = {};  // rewritten by a repair
  known.segment.path = path;
  known.size = *size;
  try {
    scan(known);
  } catch (const base::IoError&) {
    if (files.file_size(path)) throw;
    segments.erase(name);
  }
}

void Memo::State::scan(KnownSegment& known) {
  SegmentReader reader(files, cache, known.segment);
  while (const auto record = reader.next()) {
    ++known.records;
    if (record->block) count(*record, known);
  }
}

void Memo::State::count(const SegmentRecord& record, KnownSegment& known) {
  const auto& block = *record.block;
  const auto& stored = *record.stored;
  const bool counted = counts(stored);
  const bool own_version = stored.kinship == Kinship::same;
  auto* const others =
      own_version || stored.disjoint ? nullptr : &other_versions[stored.definition.subject.version];
  std::uint64_t wanted_entries = 0;
  if (options.visit) shown.begin(block, known.segment.origin);
  for_each_wanted(block, stored, cache, [&](Run at, Status status, std::uint64_t entry) {
    wanted_entries += at.count;
    const bool ok = status == Status::ok;
    if (ok && others) others->add(at);
    if (!counted) return;
    if (ok && own_version && options.keep_other_versions) own.add(at);
    (ok ? done_collector : failed_collector).add(at);
    if (options.visit) shown.select(entry, at.count, at.first);
  });
  known.points += block.entries;
  known.unrelated_points += block.entries - wanted_entries;
  if (options.visit && shown.finish()) options.visit(shown);
}

void Memo::State::sum_up() {
  statistics = {};
  damage.clear();
  statistics.segments = segments.size();
  for (const auto& [name, known] : segments) {
    statistics.records += known.records;
    statistics.bytes += known.size;
    statistics.points += known.points;
    statistics.unrelated_points += known.unrelated_points;
    damage.insert(damage.end(), known.segment.damage.begin(), known.segment.damage.end());
  }
  for (const auto& [version, points] : other_versions) {
    if (!points.empty()) statistics.other_versions[version] = points.size();
  }
}

Memo::Memo(storage::FileSystem& files, storage::Path directory, const Definition& wanted, MemoOptions options)
    : state_(std::make_unique<State>(files, std::move(directory), wanted, std::move(options))) {
  refresh();
}
Memo::Memo(Memo&&) noexcept = default;
Memo& Memo::operator=(Memo&&) noexcept = default;
Memo::~Memo() = default;

void Memo::refresh() { state_->refresh(); }
const PointSet& Memo::done() const noexcept { return state_->done; }
const PointSet& Memo::failed() const noexcept { return state_->failed; }
const MemoStatistics& Memo::statistics() const noexcept { return state_->statistics; }
const std::vector<storage::LogDamage>& Memo::damage() const noexcept { return state_->damage; }

}  // namespace surd::sweep
