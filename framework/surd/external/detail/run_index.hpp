// The sparse index behind a run's records: which record, at which byte, begins with which key, about every
// 16 KiB. Entries are of one size, so that a reader can take any of them:
//
//   u64 number of the record   u64 its first byte, from the run's start   u64 size of its normalised key
//   u64 key words [key_words]
//
// Key words are the first normalised bytes of the key, big-endian, zeros after its end; all numbers are
// little-endian on disk. There are enough of them to tell apart keys that begin with 100 equal bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/external/detail/order.hpp"
#include "surd/external/run.hpp"

namespace surd::external::detail {

inline constexpr std::uint64_t index_stride_bytes = 16 << 10;
inline constexpr std::size_t most_key_words = 16;
inline constexpr std::size_t entry_head_words = 3;

/// Key words per entry.
[[nodiscard]] inline std::size_t key_words(const RecordFormat& format) noexcept {
  if (!format.fixed()) return most_key_words;
  std::size_t bytes = format.key.empty() ? format.record_bytes : 0;
  for (const auto& field : format.key) bytes += field.bytes;
  return std::min((bytes + 7) / 8, most_key_words);
}
[[nodiscard]] inline std::size_t index_entry_bytes(const RecordFormat& format) noexcept {
  return (entry_head_words + key_words(format)) * sizeof(std::uint64_t);
}
/// Memory for the index of a run of `run_bytes`, no entry left out.
[[nodiscard]] inline std::uint64_t full_index_bytes(const RecordFormat& format,
                                                    std::uint64_t run_bytes) noexcept {
  return (run_bytes / index_stride_bytes + 2) * index_entry_bytes(format);
}

/// Collects entries in memory that is given. When it is full, every second entry is dropped and from then on
/// entries are twice as far apart.
class IndexBuilder {
 public:
  /// `memory`: room for at least two entries, aligned to 8.
  IndexBuilder(const Order& order, std::span<std::byte> memory);

  /// Offers the record with this number at this byte of the run; call for records in order.
  void offer(const std::byte* record, std::uint64_t number, std::uint64_t byte) {
    if (byte >= next_byte_) add(record, number, byte);
  }
  /// What to write. Valid until the next offer() or clear().
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    return std::as_bytes(std::span(words_, used_));
  }
  void clear() noexcept {
    used_ = 0;
    next_byte_ = 0;
    stride_ = index_stride_bytes;
  }

 private:
  void add(const std::byte* record, std::uint64_t number, std::uint64_t byte);
  void thin() noexcept;

  const Order& order_;
  std::uint64_t* words_;
  std::size_t capacity_;  ///< In words, whole entries.
  std::size_t entry_;     ///< Words.
  std::size_t used_ = 0;
  std::uint64_t next_byte_ = 0;
  std::uint64_t stride_ = index_stride_bytes;
};

/// One entry of an index.
struct IndexEntry {
  std::uint64_t record = 0;
  std::uint64_t byte = 0;
  std::uint64_t key_bytes = 0;
  std::span<const std::uint64_t> words;
};

/// How many entries the index of `run` has.
[[nodiscard]] std::uint64_t index_size(const RecordFormat& format, const Run& run) noexcept;

/// Reads the entries of an index, a piece at a time.
class IndexReader {
 public:
  /// Pieces are of `piece_bytes`, or one entry.
  IndexReader(const RecordFormat& format, const RunFiles& files, const Run& run,
              std::uint64_t piece_bytes = 64 << 10);
  /// Entry i, cheap where i ascends. Valid until the next call.
  [[nodiscard]] IndexEntry entry(std::uint64_t i);

 private:
  const Run& run_;
  storage::ReadableFile& file_;
  std::uint64_t piece_bytes_;
  std::size_t entry_words_;
  std::uint64_t begin_ = 0;  ///< First entry of the piece.
  std::vector<std::uint64_t> piece_;
};

/// The file a run lies in. @throws LogicError  if `files` does not have it.
[[nodiscard]] storage::ReadableFile& file_of(const RunFiles& files, const Run& run);
/// Fills `into`. @throws FormatError  if the file ends before.
void read_exactly(storage::ReadableFile& file, std::uint64_t offset, std::span<std::byte> into);

}  // namespace surd::external::detail
