// Merging the segments of a memo into one.
//
// One pass finds what is done, a second copies. Outcomes of wanted points are stored anew under the wanted
// definition, in larger blocks; points of the wanted subject outside the wanted grid likewise, under their
// own; blocks of other subjects are copied as they are. Memory: two bits per wanted point and a few blocks.
#include "surd/sweep/detail/memo_block.hpp"
#include "surd/sweep/detail/memo_segment.hpp"

namespace surd::sweep {

using namespace detail;
namespace {

constexpr std::size_t block_bytes = 256 * 1024;

class Compactor {
 public:
  Compactor(storage::FileSystem& files, const Definition& wanted, const PointSet& done,
            const storage::Path& path)
      : files_(files), wanted_text_(wanted.text()), done_(done), cache_(&wanted), out_(files, path) {}

  void copy(const storage::Path& path);
  /// Makes everything durable. False if nothing was kept: then there is no file.
  [[nodiscard]] bool finish();

 private:
  /// A block that is being filled.
  struct Pending {
    std::string definition;
    BlockEncoder encoder;
  };

  void copy_block(const SegmentRecord& record);
  void copy_whole(const SegmentRecord& record);
  void keep_winners(const SegmentRecord& record);
  void keep_strangers(const SegmentRecord& record);
  void append(const SelectedBlock& selected, std::uint64_t id, const std::string& definition);
  void flush(std::uint64_t id, Pending& pending);
  void flush_all();

  storage::FileSystem& files_;
  std::string wanted_text_;
  const PointSet& done_;
  PointSet written_;
  DefinitionCache cache_;
  SegmentWriter out_;
  Segment source_;
  std::map<std::uint64_t, std::string> texts_;  ///< Definitions of the source by id.
  std::map<std::uint64_t, Pending> pending_;    ///< By id of the definition.
  std::vector<bool> on_grid_;                   ///< Per entry of a block.
  SelectedBlock selected_;
  base::ByteWriter payload_;
};

void Compactor::copy(const storage::Path& path) {
  source_ = {};
  source_.path = path;
  texts_.clear();
  SegmentReader reader(files_, cache_, source_);
  while (const auto record = reader.next()) {
    if (record->kind == RecordKind::origin) flush_all();
    if (record->kind == RecordKind::definition) {
      const auto text = decode_definition(record->payload);
      texts_.try_emplace(definition_id(text), text);
    }
    if (record->block) copy_block(*record);
  }
  flush_all();
}

void Compactor::copy_block(const SegmentRecord& record) {
  out_.put_origin(source_.origin);
  if (record.stored->kinship == Kinship::unrelated || record.stored->disjoint) {
    copy_whole(record);
    return;
  }
  on_grid_.assign(record.block->entries, false);
  keep_winners(record);
  keep_strangers(record);
}

void Compactor::copy_whole(const SegmentRecord& record) {
  base::ByteReader reader(record.payload);
  const auto head = decode_block_head(reader);
  out_.put_definition(head.definition, texts_.at(head.definition));
  if (record.block->schema) out_.put_schema(*record.block->schema);
  out_.put_block(record.payload);
}

/// First successes, and failures of points that nothing succeeded at; nothing of other versions.
void Compactor::keep_winners(const SegmentRecord& record) {
  selected_.begin(*record.block, source_.origin);
  const bool counts = record.stored->kinship == Kinship::same;
  for_each_wanted(*record.block, *record.stored, cache_, [&](Run at, Status status, std::uint64_t entry) {
    for (std::uint64_t i = 0; i < at.count; ++i) {
      on_grid_[entry + i] = true;
      const auto position = at.first + i;
      const bool ok = status == Status::ok;
      if (!counts || (ok ? written_ : done_).contains(position)) continue;
      if (ok) written_.add(position);
      selected_.select(entry + i, 1, position);
    }
  });
  if (selected_.finish()) append(selected_, definition_id(wanted_text_), wanted_text_);
}

/// Points that are not on the wanted grid.
void Compactor::keep_strangers(const SegmentRecord& record) {
  selected_.begin(*record.block, source_.origin);
  std::uint64_t entry = 0;
  for (const auto& run : record.block->runs) {
    for (std::uint64_t i = 0; i < run.count; ++i, ++entry) {
      if (!on_grid_[entry]) selected_.select(entry, 1, run.first + i);
    }
  }
  if (!selected_.finish()) return;
  base::ByteReader reader(record.payload);
  const auto id = decode_block_head(reader).definition;
  append(selected_, id, texts_.at(id));
}

void Compactor::append(const SelectedBlock& selected, std::uint64_t id, const std::string& definition) {
  auto& pending = pending_[id];
  auto& encoder = pending.encoder;
  pending.definition = definition;
  for (std::size_t i = 0; i < selected.size(); ++i) {
    const auto outcome = selected.outcome(i);
    if (encoder.bytes() >= block_bytes || !encoder.prepare(outcome)) {
      flush(id, pending);
      base::expect(encoder.prepare(outcome), "an empty block refused an outcome");
    }
    encoder.add(selected.position(i), outcome);
  }
}

void Compactor::flush(std::uint64_t id, Pending& pending) {
  if (pending.encoder.empty()) return;
  out_.put_definition(id, pending.definition);
  if (pending.encoder.has_values()) out_.put_schema(pending.encoder.schema());
  payload_.clear();
  pending.encoder.finish(id, payload_);
  out_.put_block(payload_.bytes());
}

void Compactor::flush_all() {
  for (auto& [id, pending] : pending_) flush(id, pending);
  pending_.clear();
}

bool Compactor::finish() {
  out_.log().sync();
  out_.log().close();
  return out_.log().records() > 0;
}

}  // namespace

std::pair<std::uint64_t, std::uint64_t> compact_memo(storage::FileSystem& files,
                                                     const storage::Path& directory, const Definition& wanted,
                                                     const Origin& origin) {
  remove_unfinished(files, directory);
  const auto names = list_segments(files, directory);
  std::uint64_t before = 0;
  for (const auto& name : names) before += files.file_size(directory / name).value_or(0);
  if (names.empty()) return {0, 0};

  const Memo memo(files, directory, wanted);
  const auto path = free_segment_path(files, directory, origin);
  Compactor compactor(files, wanted, memo.done(), unfinished(path));
  for (const auto& name : names) compactor.copy(directory / name);
  if (compactor.finish()) {
    files.rename(unfinished(path), path);
    files.sync_directory(directory);
  }
  for (const auto& name : names) files.remove(directory / name);
  files.sync_directory(directory);
  return {before, files.file_size(path).value_or(0)};
}

}  // namespace surd::sweep
