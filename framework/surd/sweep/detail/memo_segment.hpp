// Reads one segment of a memo record by record: follows its origins, definitions and schemas, takes its
// blocks apart, and notes what cannot be used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "surd/base/hash.hpp"
#include "surd/storage/log.hpp"
#include "surd/sweep/detail/memo_codec.hpp"
#include "surd/sweep/memo.hpp"
#include "surd/sweep/subject.hpp"
#include "surd/sweep/translation.hpp"

namespace surd::sweep::detail {

/// A definition that blocks refer to, and how it relates to the wanted one.
struct StoredDefinition {
  Definition definition;
  Kinship kinship = Kinship::unrelated;
  bool identical = false;  ///< As of Translation.
  bool disjoint = true;
};

/// Every distinct definition met in a memo, parsed once.
class DefinitionCache {
 public:
  /// `wanted` may be nullptr: then all are unrelated. Else it must outlive the cache.
  explicit DefinitionCache(const Definition* wanted) : wanted_(wanted) {}

  /// @throws FormatError  if the text is no definition.
  [[nodiscard]] std::shared_ptr<const StoredDefinition> find(std::string_view text);

  /// Translates positions of `stored`, one of this cache, to the wanted grid. Valid until the next call: only
  /// the last few are kept, since each may take 8 MiB.
  [[nodiscard]] Translation& translation(const StoredDefinition& stored);

 private:
  const Definition* wanted_;
  std::map<base::Hash128, std::shared_ptr<const StoredDefinition>> known_;
  std::list<std::pair<const StoredDefinition*, Translation>> recent_;  ///< Latest first.
};

/// What is remembered of a segment from one look at it to the next.
struct Segment {
  storage::Path path;
  std::uint64_t end = 0;  ///< After the last valid record read.
  Origin origin;          ///< Of the blocks that come next.
  std::map<std::uint64_t, std::shared_ptr<const StoredDefinition>> definitions;
  std::map<std::uint64_t, Schema> schemas;
  std::vector<storage::LogDamage> damage;  ///< By offset.
};

/// Calls f(positions in the wanted grid, status, entry) for the entries of `block` that are on the wanted
/// grid, in stretches of consecutive positions of one status; `entry` is that of the first.
template <class F>
void for_each_wanted(const BlockView& block, const StoredDefinition& stored, DefinitionCache& cache, F f) {
  if (stored.disjoint) return;
  if (stored.identical) {
    block.for_each_piece(f);
    return;
  }
  auto& translate = cache.translation(stored);
  block.for_each_piece([&](Run piece, Status status, std::uint64_t entry) {
    Run stretch;
    std::uint64_t begin = 0;  // entry of the stretch's first position
    for (std::uint64_t i = 0; i < piece.count; ++i) {
      const auto at = translate(piece.first + i);
      if (!at) continue;
      if (stretch.count > 0 && *at == stretch.end() && entry + i == begin + stretch.count) {
        ++stretch.count;
        continue;
      }
      if (stretch.count > 0) f(stretch, status, begin);
      stretch = {*at, 1};
      begin = entry + i;
    }
    if (stretch.count > 0) f(stretch, status, begin);
  });
}

/// Names of the segments in a memo's directory, sorted.
[[nodiscard]] std::vector<std::string> list_segments(storage::FileSystem& files,
                                                     const storage::Path& directory);

/// directory/<run>-<rank>.log; <run>-<rank>.2.log if that exists (a run that writes a memo twice), and so on.
[[nodiscard]] storage::Path free_segment_path(storage::FileSystem& files, const storage::Path& directory,
                                              const Origin& origin);

/// The name under which a segment is written that replaces others when it is whole; no name of a segment.
[[nodiscard]] storage::Path unfinished(const storage::Path& segment);

/// Removes unfinished segments that a crash left behind.
void remove_unfinished(storage::FileSystem& files, const storage::Path& directory);

/// Which of `parts` readers reads a segment: a function of its name alone, so that readers that see the
/// directory at different times agree. Ranks of one run are spread evenly.
[[nodiscard]] int part_of(std::string_view name, int parts);

/// A valid record.
struct SegmentRecord {
  RecordKind kind;
  std::uint64_t offset;
  std::span<const std::byte> payload;        ///< Valid until the next call, like what follows.
  const BlockView* block = nullptr;          ///< Only for blocks.
  const StoredDefinition* stored = nullptr;  ///< Of the block, or the definition itself.
};

/// Reads on where the last reader of a segment ended.
class SegmentReader {
 public:
  /// Goes on from segment.end. All must outlive it.
  SegmentReader(storage::FileSystem& files, DefinitionCache& cache, Segment& segment);

  /// The next record whose content is valid; nullopt at the end. Damage is added to the segment.
  /// @throws FormatError  if a newer surd wrote it; IoError.
  [[nodiscard]] std::optional<SegmentRecord> next();

 private:
  [[nodiscard]] SegmentRecord decode(const storage::LogRecord& record);
  void decode_block(SegmentRecord& record);
  void note(std::uint64_t offset, const char* reason);
  void finish();

  DefinitionCache& cache_;
  Segment& segment_;
  storage::LogReader log_;
  BlockView view_;
  std::vector<storage::LogDamage> flaws_;
  std::uint64_t definition_id_ = 0;  ///< Of the last block; so is what follows.
  const StoredDefinition* definition_ = nullptr;
  const Schema* schema_ = nullptr;
};

/// Writes one segment: origins, definitions and schemas once, before the first block that needs them.
class SegmentWriter {
 public:
  SegmentWriter(storage::FileSystem& files, storage::Path path) : log_(files, std::move(path)) {}

  /// Of the blocks to come.
  void put_origin(const Origin& origin);
  void put_definition(std::uint64_t id, std::string_view text);
  void put_schema(const Schema& schema);
  void put_block(std::span<const std::byte> payload);

  [[nodiscard]] storage::LogWriter& log() noexcept { return log_; }

 private:
  void put_twice(RecordKind kind);

  storage::LogWriter log_;
  base::ByteWriter payload_;
  std::vector<std::byte> origin_;  ///< Payload of the last one.
  std::set<std::pair<RecordKind, std::uint64_t>> written_;
};

}  // namespace surd::sweep::detail
