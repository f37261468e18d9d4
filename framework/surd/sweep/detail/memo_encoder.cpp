// Writes the payloads of a memo's records (storage/log.hpp has what surrounds a payload); memo_decoder.cpp
// reads them. Little-endian; every payload begins with its format version, u8 1. "varint" is LEB128, "zigzag"
// a varint of a signed number, "text" a varint length and the bytes.
//
// origin      text run, zigzag rank, text host, text program
// definition  Definition::text() up to the end; its id is the XXH3-64 of the text
// schema      varint columns; per column: text name, u8 type (index into FieldValue), varint dimensions and
//             varint extents (arrays only); its id is the XXH3-64 of the payload
// block       u8 parts: 1 statuses, 2 seconds of each entry, 4 attempts, 8 captures
//             u64 definition id
//             u64 schema id, 0 if no entry is ok
//             varint entries (1 to 65,536), varint runs; per run: zigzag first position less the end of the
//             run
//               before it (0 for the first), varint length - 1
//             f32 mean seconds, or with part 2: f32 per entry
//             part 1: (u8 status, varint entries in a row) until all have one; without it all are ok
//             part 4: varint count, then per entry of more or less than one attempt: varint entries skipped
//             since
//               the last, varint attempts
//             text message per entry that is not ok
//             part 8: varint count, then per entry with a capture: varint entries skipped since the last,
//             zigzag
//               exit code, zigzag signal, varint peak bytes, text output, text errors
//             columns in the schema's order, rows of the ok entries only: bool u8, i64, f64, arrays f64
//             row-major;
//               texts: all lengths as varints, then all bytes
//
// A segment begins with its origin; a definition or schema comes before the first block that refers to it.
// Those three are written twice in a row, so that one damaged byte costs no more than its own block. A merged
// segment has an origin before the blocks of each of its sources.
#include "surd/base/hash.hpp"
#include "surd/sweep/detail/memo_codec.hpp"

namespace surd::sweep::detail {
namespace {

/// Points shorter than this are too many to spend 4 bytes each on their duration.
constexpr double seconds_of_interest = 100e-6;

void put_zigzag(base::ByteWriter& out, std::int64_t value) {
  out.put_varint((static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63));
}

std::uint64_t row_bytes(const FieldValue& value) {
  if (std::holds_alternative<std::string>(value)) return 0;
  if (std::holds_alternative<bool>(value)) return 1;
  const auto* array = std::get_if<Array>(&value);
  return sizeof(double) * (array ? array->values.size() : 1);
}

}  // namespace

bool Schema::matches(const Values& values) const noexcept {
  if (values.size() != columns.size()) return false;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto& value = values[i].value;
    if (value.index() != columns[i].type || values[i].name != columns[i].name) return false;
    const auto* array = std::get_if<Array>(&value);
    if (array && (array->shape != columns[i].shape || array->values.size() * 8 != columns[i].row_bytes)) {
      return false;
    }
  }
  return true;
}

Schema schema_of(const Values& values) {
  if (const auto why = why_unstorable(values); !why.empty()) throw base::UsageError(why);
  Schema schema;
  for (const auto& [name, value] : values) {
    const auto* array = std::get_if<Array>(&value);
    schema.columns.push_back(
        {name, value.index(), array ? array->shape : std::vector<std::uint64_t>{}, row_bytes(value)});
    schema.row_bytes += schema.columns.back().row_bytes;
  }
  base::ByteWriter payload;
  encode_schema(schema, payload);
  schema.id = base::hash64(payload.bytes());
  return schema;
}

void encode_schema(const Schema& schema, base::ByteWriter& out) {
  out.put(payload_version);
  out.put_varint(schema.columns.size());
  for (const auto& column : schema.columns) {
    out.put_text(column.name);
    out.put(static_cast<std::uint8_t>(column.type));
    if (column.type != Schema::array_type) continue;
    out.put_varint(column.shape.size());
    for (const auto extent : column.shape) out.put_varint(extent);
  }
}

void encode_origin(const Origin& origin, base::ByteWriter& out) {
  out.put(payload_version);
  out.put_text(origin.run);
  put_zigzag(out, origin.rank);
  out.put_text(origin.host);
  out.put_text(origin.program);
}

std::uint64_t definition_id(std::string_view text) noexcept { return base::hash64(text); }

void encode_definition(std::string_view text, base::ByteWriter& out) {
  out.put(payload_version);
  out.append(text.data(), text.size());
}

bool BlockEncoder::prepare(const Outcome& outcome) {
  if (entries_ >= block_entry_limit) return false;
  if (outcome.status != Status::ok) {
    return !has_values() || (failures_ + 1) * schema_.row_bytes <= block_padding_limit_bytes;
  }
  const bool known = schema_.id != 0 && schema_.matches(outcome.values);
  if (has_values()) return known;
  if (!known) {
    schema_ = schema_of(outcome.values);
    columns_.resize(schema_.columns.size());
  }
  return failures_ * schema_.row_bytes <= block_padding_limit_bytes;
}

void BlockEncoder::add(std::uint64_t position, const Outcome& outcome) {
  if (!runs_.empty() && runs_.back().end() == position) {
    ++runs_.back().count;
  } else {
    runs_.push_back({position, 1});
    bytes_ += 4;
  }
  if (!statuses_.empty() && statuses_.back().status == outcome.status) {
    ++statuses_.back().count;
  } else {
    statuses_.push_back({outcome.status, 1});
    bytes_ += 2;
  }
  seconds_.push_back(static_cast<float>(outcome.seconds));
  total_seconds_ += outcome.seconds;
  bytes_ += sizeof(float);
  if (outcome.attempts != 1) {
    attempts_.emplace_back(entries_, outcome.attempts);
    bytes_ += 4;
  }
  if (outcome.capture) add_capture(*outcome.capture);
  if (outcome.status == Status::ok) {
    add_values(outcome.values);
    bytes_ += schema_.row_bytes;
  } else {
    messages_.put_text(outcome.message);
    bytes_ += outcome.message.size() + 1;
    ++failures_;
  }
  ++entries_;
}

void BlockEncoder::add_values(const Values& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& column = columns_[i];
    const auto& value = values[i].value;
    switch (value.index()) {
      case 0:
        column.rows.put(static_cast<std::uint8_t>(*std::get_if<bool>(&value)));
        break;
      case 1:
        column.rows.put(*std::get_if<std::int64_t>(&value));
        break;
      case 2:
        column.rows.put(*std::get_if<double>(&value));
        break;
      case Schema::text_type: {
        const auto& text = *std::get_if<std::string>(&value);
        column.rows.put_varint(text.size());
        column.texts.append(text.data(), text.size());
        bytes_ += text.size() + 2;
        break;
      }
      default:
        column.rows.put_all(std::span(std::get_if<Array>(&value)->values));
    }
  }
}

void BlockEncoder::add_capture(const Capture& capture) {
  captures_.put_varint(entries_ - after_capture_);
  after_capture_ = entries_ + 1;
  ++capture_count_;
  put_zigzag(captures_, capture.exit_code);
  put_zigzag(captures_, capture.signal);
  captures_.put_varint(capture.peak_bytes);
  captures_.put_text(capture.output);
  captures_.put_text(capture.errors);
  bytes_ += capture.output.size() + capture.errors.size() + 16;
}

void BlockEncoder::finish(std::uint64_t definition, base::ByteWriter& out) {
  const bool all_ok = failures_ == 0;
  const bool each_seconds = total_seconds_ > seconds_of_interest * static_cast<double>(entries_);
  const auto part = [](bool present, std::uint8_t bit) { return present ? bit : std::uint8_t{0}; };
  out.put(payload_version);
  out.put(static_cast<std::uint8_t>(part(!all_ok, statuses_part) | part(each_seconds, seconds_part) |
                                    part(!attempts_.empty(), attempts_part) |
                                    part(capture_count_ > 0, captures_part)));
  out.put(definition);
  out.put(has_values() ? schema_.id : std::uint64_t{0});
  put_runs(out);
  if (each_seconds) {
    out.put_all(std::span<const float>(seconds_));
  } else {
    out.put(static_cast<float>(total_seconds_ / static_cast<double>(entries_)));
  }
  if (!all_ok) {
    for (const auto& [status, count] : statuses_) {
      out.put(status);
      out.put_varint(count);
    }
  }
  put_rarities(out);
  if (has_values()) {
    for (const auto& column : columns_) {
      out.put_all(column.rows.bytes());
      out.put_all(column.texts.bytes());
    }
  }
  clear();
}

void BlockEncoder::put_runs(base::ByteWriter& out) const {
  out.put_varint(entries_);
  out.put_varint(runs_.size());
  std::uint64_t end = 0;
  for (const auto& run : runs_) {
    put_zigzag(out, static_cast<std::int64_t>(run.first - end));
    out.put_varint(run.count - 1);
    end = run.end();
  }
}

void BlockEncoder::put_rarities(base::ByteWriter& out) const {
  if (!attempts_.empty()) {
    out.put_varint(attempts_.size());
    std::uint64_t next = 0;
    for (const auto& [entry, count] : attempts_) {
      out.put_varint(entry - next);
      out.put_varint(count);
      next = entry + 1;
    }
  }
  out.put_all(messages_.bytes());
  if (capture_count_ > 0) {
    out.put_varint(capture_count_);
    out.put_all(captures_.bytes());
  }
}

void BlockEncoder::clear() {
  entries_ = failures_ = capture_count_ = after_capture_ = 0;
  bytes_ = 0;
  total_seconds_ = 0;
  runs_.clear();
  statuses_.clear();
  seconds_.clear();
  attempts_.clear();
  messages_.clear();
  captures_.clear();
  for (auto& column : columns_) {
    column.rows.clear();
    column.texts.clear();
  }
}

}  // namespace surd::sweep::detail
