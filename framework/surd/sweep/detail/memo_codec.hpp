// The payloads of a memo's records: encoding and decoding, from bytes to bytes. memo_encoder.cpp has the
// formats.
//
// Decoding trusts nothing: whatever the bytes are, it gives what a writer could have written, or throws
// FormatError, and allocates no more than a small multiple of the payload.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/sweep/memo.hpp"
#include "surd/sweep/outcome.hpp"
#include "surd/sweep/point_set.hpp"

namespace surd::sweep::detail {

inline constexpr std::uint64_t block_entry_limit = 65536;
/// Of every payload; readers refuse newer ones.
inline constexpr std::uint8_t payload_version = 1;
/// Entries without values are given empty rows when a block is read: at most this many bytes per block.
inline constexpr std::uint64_t block_padding_limit_bytes = std::uint64_t{16} << 20;

/// A payload that a newer surd wrote: no damage, and nothing may be concluded from it.
class NewerVersion : public base::FormatError {
 public:
  using base::FormatError::FormatError;
};

/// Names, types and shapes of the results of a block's ok entries.
struct Schema {
  static constexpr std::size_t text_type = 3;
  static constexpr std::size_t array_type = 4;
  struct Column {
    std::string name;
    std::size_t type = 0;              ///< Index into FieldValue's alternatives.
    std::vector<std::uint64_t> shape;  ///< Of an array.
    std::uint64_t row_bytes = 0;       ///< 0 for texts.
    [[nodiscard]] bool is_text() const noexcept { return type == text_type; }
  };
  std::uint64_t id = 0;  ///< Of its payload.
  std::vector<Column> columns;
  std::uint64_t row_bytes = 0;  ///< Of all columns.

  [[nodiscard]] bool matches(const Values& values) const noexcept;
};

/// @throws UsageError  if the values are unstorable.
[[nodiscard]] Schema schema_of(const Values& values);
void encode_schema(const Schema& schema, base::ByteWriter& out);
[[nodiscard]] Schema decode_schema(std::span<const std::byte> payload);

void encode_origin(const Origin& origin, base::ByteWriter& out);
[[nodiscard]] Origin decode_origin(std::span<const std::byte> payload);

/// Blocks refer to a definition by this number.
[[nodiscard]] std::uint64_t definition_id(std::string_view text) noexcept;
void encode_definition(std::string_view text, base::ByteWriter& out);
/// The text; valid as long as the payload.
[[nodiscard]] std::string_view decode_definition(std::span<const std::byte> payload);

/// Bits of a block's `parts`.
inline constexpr std::uint8_t statuses_part = 1;
inline constexpr std::uint8_t seconds_part = 2;
inline constexpr std::uint8_t attempts_part = 4;
inline constexpr std::uint8_t captures_part = 8;

/// `count` entries in a row that have one status.
struct StatusRun {
  Status status;
  std::uint64_t count;
};

/// Collects outcomes and gives them as the payload of one block. Reuses its memory from block to block.
class BlockEncoder {
 public:
  /// Makes ready to add `outcome`. False if the block must be finished first.
  /// @throws UsageError  if its values are unstorable.
  [[nodiscard]] bool prepare(const Outcome& outcome);
  [[nodiscard]] const Schema& schema() const noexcept { return schema_; }

  void add(std::uint64_t position, const Outcome& outcome);

  [[nodiscard]] bool empty() const noexcept { return entries_ == 0; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  [[nodiscard]] bool has_values() const noexcept { return entries_ > failures_; }
  /// About the size of the payload.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  /// Appends the payload to `out` and starts anew with the same schema.
  void finish(std::uint64_t definition, base::ByteWriter& out);

 private:
  struct Column {
    base::ByteWriter rows;  ///< Texts: their lengths.
    base::ByteWriter texts;
  };
  void add_values(const Values& values);
  void add_capture(const Capture& capture);
  void put_runs(base::ByteWriter& out) const;
  void put_rarities(base::ByteWriter& out) const;
  void clear();

  Schema schema_;
  std::uint64_t entries_ = 0;
  std::uint64_t failures_ = 0;
  std::size_t bytes_ = 0;
  std::vector<Run> runs_;
  std::vector<StatusRun> statuses_;
  std::vector<float> seconds_;
  double total_seconds_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> attempts_;  ///< Entry and number, where it is not 1.
  base::ByteWriter messages_;                                      ///< Of failed entries.
  base::ByteWriter captures_;
  std::uint64_t capture_count_ = 0;
  std::uint64_t after_capture_ = 0;  ///< Entry after the last one with a capture.
  std::vector<Column> columns_;
};

/// What a block refers to; read first, to find definition and schema.
struct BlockHead {
  std::uint8_t parts = 0;
  std::uint64_t definition = 0;
  std::uint64_t schema = 0;  ///< 0 if no entry is ok.
};
[[nodiscard]] BlockHead decode_block_head(base::ByteReader& reader);

/// The payload of a block taken apart and checked. Borrows payload and schema; reused from block to block.
struct BlockView {
  struct Column {
    std::span<const std::byte> rows;      ///< Of the ok entries; texts have none,
    std::vector<std::string_view> texts;  ///< but these.
  };
  struct CaptureView {
    std::uint64_t entry;
    int exit_code;
    int signal;
    std::uint64_t peak_bytes;
    std::string_view output;
    std::string_view errors;
  };

  const Schema* schema = nullptr;  ///< nullptr if no entry is ok.
  std::uint64_t entries = 0;
  std::uint64_t ok = 0;
  std::vector<Run> runs;
  std::vector<StatusRun> statuses;
  std::span<const std::byte> seconds;  ///< f32 per entry; empty if only the mean is known.
  float mean_seconds = 0;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> attempts;  ///< Ascending entries.
  std::vector<std::string_view> messages;                         ///< Of the failed entries, in order.
  std::vector<CaptureView> captures;                              ///< Ascending entries.
  std::vector<Column> columns;

  /// Reads what follows the head. `schema` may be nullptr if head.schema is 0. Positions must be below
  /// `position_limit`.
  void read(base::ByteReader& reader, const BlockHead& head, const Schema* schema,
            std::uint64_t position_limit);

  /// Calls f(positions, status, entry) for all stretches of consecutive positions of one status, in order;
  /// `entry` is that of the first.
  template <class F>
  void for_each_piece(F f) const;

 private:
  void read_runs(base::ByteReader& reader, std::uint64_t position_limit);
  void read_statuses(base::ByteReader& reader, bool present);
  void read_attempts(base::ByteReader& reader, bool present);
  void read_captures(base::ByteReader& reader, bool present);
  void read_columns(base::ByteReader& reader);
};

template <class F>
void BlockView::for_each_piece(F f) const {
  auto status = statuses.begin();
  std::uint64_t left = status == statuses.end() ? 0 : status->count;
  std::uint64_t entry = 0;
  for (auto run : runs) {
    while (run.count > 0) {
      const Run piece{run.first, std::min(run.count, left)};
      f(piece, status->status, entry);
      entry += piece.count;
      run = {piece.end(), run.count - piece.count};
      left -= piece.count;
      if (left == 0 && ++status != statuses.end()) left = status->count;
    }
  }
}

}  // namespace surd::sweep::detail
