#include "surd/sweep/detail/memo_segment.hpp"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

namespace surd::sweep::detail {
namespace {

constexpr std::string_view extension = ".log";
constexpr std::string_view unfinished_extension = ".part";

/// More damage than this in one segment is not told apart.
constexpr std::size_t damage_limit = 10000;

constexpr std::size_t kept_translations = 4;

}  // namespace

std::shared_ptr<const StoredDefinition> DefinitionCache::find(std::string_view text) {
  const auto key = base::hash128(text);
  if (const auto known = known_.find(key); known != known_.end()) return known->second;
  auto stored = std::make_shared<StoredDefinition>(StoredDefinition{Definition::parse(text)});
  if (wanted_) {
    const Translation translation(stored->definition, *wanted_);
    stored->kinship = translation.kinship();
    stored->identical = translation.identical();
    stored->disjoint = translation.disjoint();
  }
  return known_[key] = std::move(stored);
}

Translation& DefinitionCache::translation(const StoredDefinition& stored) {
  const auto known = std::ranges::find(recent_, &stored, [](const auto& entry) { return entry.first; });
  if (known != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, known);
  } else {
    recent_.emplace_front(&stored, Translation(stored.definition, *wanted_));
    if (recent_.size() > kept_translations) recent_.pop_back();
  }
  return recent_.front().second;
}

std::vector<std::string> list_segments(storage::FileSystem& files, const storage::Path& directory) {
  auto names = files.list(directory);
  std::erase_if(names, [](const std::string& name) { return !name.ends_with(extension); });
  return names;
}

storage::Path free_segment_path(storage::FileSystem& files, const storage::Path& directory,
                                const Origin& origin) {
  const auto stem = fmt::format("{}-{}", origin.run, origin.rank);
  auto path = directory / fmt::format("{}{}", stem, extension);
  for (int n = 2; files.file_size(path); ++n) path = directory / fmt::format("{}.{}{}", stem, n, extension);
  return path;
}

storage::Path unfinished(const storage::Path& segment) {
  return segment.native() + std::string(unfinished_extension);
}

void remove_unfinished(storage::FileSystem& files, const storage::Path& directory) {
  for (const auto& name : files.list(directory)) {
    if (name.ends_with(fmt::format("{}{}", extension, unfinished_extension))) files.remove(directory / name);
  }
}

int part_of(std::string_view name, int parts) {
  const auto whole = name.substr(0, name.size() - std::min(name.size(), extension.size()));
  const auto dash = whole.rfind('-');
  const auto run = whole.substr(0, dash);
  std::uint64_t rank = 0;
  if (dash != std::string_view::npos)
    std::from_chars(whole.data() + dash + 1, whole.data() + whole.size(), rank);
  const auto count = static_cast<std::uint64_t>(parts);
  return static_cast<int>((base::hash64(run) % count + rank % count) % count);
}

SegmentReader::SegmentReader(storage::FileSystem& files, DefinitionCache& cache, Segment& segment)
    : cache_(cache), segment_(segment), log_(files, segment.path, segment.end) {
  // What was noted of the end so far is looked at again.
  std::erase_if(segment.damage, [&](const storage::LogDamage& d) { return d.offset >= segment.end; });
}

std::optional<SegmentRecord> SegmentReader::next() {
  while (const auto record = log_.next()) {
    try {
      return decode(*record);
    } catch (const NewerVersion& newer) {
      throw base::FormatError(fmt::format("{}: the record at byte {} has {}", segment_.path.native(),
                                          record->offset, newer.what()));
    } catch (const base::FormatError& flaw) {
      note(record->offset, flaw.what());
    }
  }
  finish();
  return std::nullopt;
}

SegmentRecord SegmentReader::decode(const storage::LogRecord& record) {
  SegmentRecord result{static_cast<RecordKind>(record.kind), record.offset, record.payload};
  switch (result.kind) {
    case RecordKind::origin:
      segment_.origin = decode_origin(record.payload);
      break;
    case RecordKind::definition: {
      const auto text = decode_definition(record.payload);
      const auto known = segment_.definitions.find(definition_id(text));
      if (known == segment_.definitions.end()) {
        segment_.definitions[definition_id(text)] = cache_.find(text);
      }
      break;
    }
    case RecordKind::schema: {
      auto schema = decode_schema(record.payload);
      segment_.schemas.try_emplace(schema.id, std::move(schema));
      break;
    }
    case RecordKind::block:
      decode_block(result);
      break;
    default:
      throw base::FormatError("a record of unknown kind");
  }
  return result;
}

void SegmentReader::decode_block(SegmentRecord& record) {
  base::ByteReader reader(record.payload);
  const auto head = decode_block_head(reader);
  if (!definition_ || definition_id_ != head.definition) {
    const auto found = segment_.definitions.find(head.definition);
    if (found == segment_.definitions.end()) throw base::FormatError("a block whose definition is missing");
    definition_id_ = head.definition;
    definition_ = found->second.get();
  }
  const Schema* schema = nullptr;
  if (head.schema != 0) {
    if (!schema_ || schema_->id != head.schema) {
      const auto found = segment_.schemas.find(head.schema);
      if (found == segment_.schemas.end()) throw base::FormatError("a block whose schema is missing");
      schema_ = &found->second;
    }
    schema = schema_;
  }
  view_.read(reader, head, schema, definition_->definition.grid.size());
  record.block = &view_;
  record.stored = definition_;
}

void SegmentReader::note(std::uint64_t offset, const char* reason) {
  if (flaws_.size() < damage_limit)
    flaws_.push_back({segment_.path, offset, log_.end() - offset, false, reason});
}

void SegmentReader::finish() {
  segment_.end = log_.end();
  auto& damage = segment_.damage;
  damage.insert(damage.end(), log_.damage().begin(), log_.damage().end());
  damage.insert(damage.end(), flaws_.begin(), flaws_.end());
  flaws_.clear();
  std::ranges::stable_sort(damage, {}, &storage::LogDamage::offset);
  if (damage.size() > damage_limit) damage.resize(damage_limit);
}

void SegmentWriter::put_origin(const Origin& origin) {
  payload_.clear();
  encode_origin(origin, payload_);
  if (std::ranges::equal(payload_.bytes(), origin_)) return;
  put_twice(RecordKind::origin);
  origin_.assign(payload_.bytes().begin(), payload_.bytes().end());
}

void SegmentWriter::put_definition(std::uint64_t id, std::string_view text) {
  if (!written_.emplace(RecordKind::definition, id).second) return;
  payload_.clear();
  encode_definition(text, payload_);
  put_twice(RecordKind::definition);
}

void SegmentWriter::put_schema(const Schema& schema) {
  if (!written_.emplace(RecordKind::schema, schema.id).second) return;
  payload_.clear();
  encode_schema(schema, payload_);
  put_twice(RecordKind::schema);
}

void SegmentWriter::put_block(std::span<const std::byte> payload) {
  log_.append(static_cast<std::uint8_t>(RecordKind::block), payload);
}

void SegmentWriter::put_twice(RecordKind kind) {
  for (int copy = 0; copy < 2; ++copy) log_.append(static_cast<std::uint8_t>(kind), payload_.bytes());
}

}  // namespace surd::sweep::detail
