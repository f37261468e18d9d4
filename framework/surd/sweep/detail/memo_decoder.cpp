// Reads the payloads that memo_encoder.cpp writes and documents.
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "surd/base/hash.hpp"
#include "surd/sweep/detail/memo_codec.hpp"

namespace surd::sweep::detail {
namespace {

/// Thrown here, and passed on by all readers: nothing may be concluded from what a newer surd wrote.
[[noreturn]] void refuse_version(std::uint8_t version) {
  throw NewerVersion(
      fmt::format("payload format version {}, this surd reads versions up to {}: use a newer surd", version,
                  payload_version));
}

void read_version(base::ByteReader& reader) {
  const auto version = reader.get<std::uint8_t>();
  if (version > payload_version) refuse_version(version);
  if (version == 0) throw base::FormatError("a payload of format version 0");
}

void require(bool held, const char* what) {
  if (!held) throw base::FormatError(what);
}

std::int64_t get_zigzag(base::ByteReader& reader) {
  const auto value = reader.get_varint();
  return static_cast<std::int64_t>((value >> 1) ^ (~(value & 1) + 1));
}

int get_int(base::ByteReader& reader) {
  const auto value = get_zigzag(reader);
  require(value >= std::numeric_limits<int>::min() && value <= std::numeric_limits<int>::max(),
          "a small number is large");
  return static_cast<int>(value);
}

/// A count of things that take at least `least_bytes` each of what is left.
std::size_t get_count(base::ByteReader& reader, std::size_t least_bytes) {
  const auto count = reader.get_varint();
  require(count <= reader.remaining() / least_bytes, "a count is beyond the end of its record");
  return static_cast<std::size_t>(count);
}

/// Entries in ascending order are stored as the number of those skipped.
std::uint64_t get_entry(base::ByteReader& reader, std::uint64_t& next, std::uint64_t entries) {
  const auto skipped = reader.get_varint();
  require(next < entries && skipped < entries - next, "an entry is beyond the end of its block");
  const auto entry = next + skipped;
  next = entry + 1;
  return entry;
}

std::uint64_t array_bytes(const std::vector<std::uint64_t>& shape) {
  if (std::ranges::count(shape, std::uint64_t{0}) > 0) return 0;
  std::uint64_t bytes = sizeof(double);
  for (const auto extent : shape) {
    require(extent <= values_limit_bytes / bytes, "an array of a schema is too large");
    bytes *= extent;
  }
  return bytes;
}

Schema::Column get_column(base::ByteReader& reader) {
  Schema::Column column;
  column.name = reader.get_text();
  column.type = reader.get<std::uint8_t>();
  require(column.type <= Schema::array_type, "a schema has a column of unknown type");
  if (column.type == 0) column.row_bytes = 1;
  if (column.type == 1 || column.type == 2) column.row_bytes = 8;
  if (column.type == Schema::array_type) {
    column.shape.resize(get_count(reader, 1));
    for (auto& extent : column.shape) extent = reader.get_varint();
    column.row_bytes = array_bytes(column.shape);
  }
  return column;
}

}  // namespace

Schema decode_schema(std::span<const std::byte> payload) {
  base::ByteReader reader(payload);
  read_version(reader);
  Schema schema;
  schema.id = base::hash64(payload);
  const auto count = get_count(reader, 2);
  for (std::size_t i = 0; i < count; ++i) {
    schema.columns.push_back(get_column(reader));
    schema.row_bytes += schema.columns.back().row_bytes;
    require(schema.row_bytes <= values_limit_bytes, "the rows of a schema are too large");
  }
  require(reader.remaining() == 0, "a schema is longer than its columns");
  return schema;
}

Origin decode_origin(std::span<const std::byte> payload) {
  base::ByteReader reader(payload);
  read_version(reader);
  Origin origin;
  origin.run = reader.get_text();
  origin.rank = get_int(reader);
  origin.host = reader.get_text();
  origin.program = reader.get_text();
  return origin;
}

std::string_view decode_definition(std::span<const std::byte> payload) {
  base::ByteReader reader(payload);
  read_version(reader);
  const auto text = reader.take(reader.remaining());
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

BlockHead decode_block_head(base::ByteReader& reader) {
  read_version(reader);
  BlockHead head;
  head.parts = reader.get<std::uint8_t>();
  head.definition = reader.get<std::uint64_t>();
  head.schema = reader.get<std::uint64_t>();
  return head;
}

void BlockView::read(base::ByteReader& reader, const BlockHead& head, const Schema* of_ok,
                     std::uint64_t position_limit) {
  const auto has = [&](std::uint8_t part) { return (head.parts & part) != 0; };
  require(head.parts < 16, "a block has unknown parts");
  schema = of_ok;
  read_runs(reader, position_limit);
  mean_seconds = has(seconds_part) ? 0 : reader.get<float>();
  seconds = reader.take(has(seconds_part) ? entries * sizeof(float) : 0);
  read_statuses(reader, has(statuses_part));
  read_attempts(reader, has(attempts_part));
  messages.clear();
  for (auto failures = entries - ok; failures > 0; --failures) messages.push_back(reader.get_text());
  read_captures(reader, has(captures_part));
  require((ok > 0) == (schema != nullptr), "a block has results and no schema, or the reverse");
  read_columns(reader);
  require(reader.remaining() == 0, "a block is longer than its columns");
}

void BlockView::read_runs(base::ByteReader& reader, std::uint64_t position_limit) {
  entries = reader.get_varint();
  require(entries > 0 && entries <= block_entry_limit, "a block has an impossible number of entries");
  const auto count = get_count(reader, 2);
  require(count <= entries, "a block has more runs than entries");
  runs.clear();
  std::uint64_t end = 0;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto first = end + static_cast<std::uint64_t>(get_zigzag(reader));  // wraps back for negative steps
    const auto more = reader.get_varint();
    require(more < entries - total, "the runs of a block hold more than its entries");
    require(first < position_limit && more < position_limit - first, "a position is outside its grid");
    runs.push_back({first, more + 1});
    end = first + more + 1;
    total += more + 1;
  }
  require(total == entries, "the runs of a block hold less than its entries");
}

void BlockView::read_statuses(base::ByteReader& reader, bool present) {
  statuses.clear();
  ok = 0;
  if (!present) {
    statuses.push_back({Status::ok, entries});
    ok = entries;
    return;
  }
  for (std::uint64_t total = 0; total < entries;) {
    const auto number = reader.get<std::uint8_t>();
    const auto count = reader.get_varint();
    require(number >= 1 && number <= static_cast<std::uint8_t>(Status::bad_output), "a status is unknown");
    require(count > 0 && count <= entries - total, "the statuses of a block do not fit its entries");
    const auto status = static_cast<Status>(number);
    statuses.push_back({status, count});
    total += count;
    if (status == Status::ok) ok += count;
  }
}

void BlockView::read_attempts(base::ByteReader& reader, bool present) {
  attempts.clear();
  if (!present) return;
  std::uint64_t next = 0;
  for (auto count = get_count(reader, 2); count > 0; --count) {
    const auto entry = get_entry(reader, next, entries);
    const auto number = reader.get_varint();
    require(number <= std::numeric_limits<std::uint32_t>::max(), "a number of attempts is impossible");
    attempts.emplace_back(entry, static_cast<std::uint32_t>(number));
  }
}

void BlockView::read_captures(base::ByteReader& reader, bool present) {
  captures.clear();
  if (!present) return;
  std::uint64_t next = 0;
  for (auto count = get_count(reader, 6); count > 0; --count) {
    CaptureView capture{};
    capture.entry = get_entry(reader, next, entries);
    capture.exit_code = get_int(reader);
    capture.signal = get_int(reader);
    capture.peak_bytes = reader.get_varint();
    capture.output = reader.get_text();
    capture.errors = reader.get_text();
    captures.push_back(capture);
  }
}

void BlockView::read_columns(base::ByteReader& reader) {
  const auto count = schema ? schema->columns.size() : 0;
  if (columns.size() != count) columns.resize(count);
  if (count == 0) return;
  require(schema->row_bytes == 0 || entries - ok <= block_padding_limit_bytes / schema->row_bytes,
          "a block mixes too many failures with results");
  std::vector<std::uint64_t> lengths;
  for (std::size_t i = 0; i < count; ++i) {
    auto& column = columns[i];
    column.texts.clear();
    column.rows = reader.take(ok * schema->columns[i].row_bytes);
    if (!schema->columns[i].is_text()) continue;
    lengths.clear();
    for (std::uint64_t row = 0; row < ok; ++row) lengths.push_back(reader.get_varint());
    for (const auto length : lengths) {
      const auto text = reader.take(length);
      column.texts.emplace_back(reinterpret_cast<const char*>(text.data()), text.size());
    }
  }
}

}  // namespace surd::sweep::detail
