// Reads one segment of a memo record by record: follows its origins, definitions and schemas, takes its blocks
// apart, and notes what cannot be used.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/hash.hpp"
#include "surd/storage/log.hpp"
#include "surd/sweep/memo.hpp"
#include "surd/sweep/memo_codec.hpp"
#include "surd/sweep/subject.hpp"
#include "surd/sweep/translation.hpp"

namespace surd::sweep {

/// A definition that a segment's blocks refer to.
struct StoredDefinition {
  std::string text;
  Definition definition;
  std::optional<Translation> translation;  ///< To the wanted definition, if there is one.
};

/// Every distinct definition met in a memo, parsed once.
class DefinitionCache {
 public:
  /// `wanted` may be nullptr; else it must outlive the cache.
  explicit DefinitionCache(const Definition* wanted) : wanted_(wanted) {}

  /// @throws FormatError  if the text is no definition.
  [[nodiscard]] std::shared_ptr<StoredDefinition> find(std::string_view text);

 private:
  const Definition* wanted_;
  std::map<base::Hash128, std::shared_ptr<StoredDefinition>> known_;
};

/// What is remembered of a segment from one look at it to the next.
struct Segment {
  storage::Path path;
  std::uint64_t end = 0;  ///< After the last valid record read.
  Origin origin;          ///< Of the blocks that come next.
  std::map<std::uint64_t, std::shared_ptr<StoredDefinition>> definitions;
  std::map<std::uint64_t, Schema> schemas;
  std::vector<storage::LogDamage> damage;  ///< By offset.
};

/// Names of the segments in a memo's directory, sorted.
[[nodiscard]] std::vector<std::string> list_segments(storage::FileSystem& files, const storage::Path& directory);

/// "<run>-<rank>.log"
[[nodiscard]] std::string segment_name(const Origin& origin);

/// Which of `parts` readers reads a segment: a function of its name alone, so that readers that see the directory
/// at different times agree. Ranks of one run are spread evenly.
[[nodiscard]] int part_of(std::string_view name, int parts);

/// A valid record.
struct SegmentRecord {
  RecordKind kind;
  std::uint64_t offset;
  std::span<const std::byte> payload;  ///< Valid until the next call, like what follows.
  const BlockView* block = nullptr;    ///< Only for blocks.
  StoredDefinition* stored = nullptr;  ///< Of the block, or the definition itself.
};

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
  StoredDefinition* definition_ = nullptr;
  const Schema* schema_ = nullptr;
};

}  // namespace surd::sweep
