#include "surd/external/detail/run_index.hpp"

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::external::detail {

IndexBuilder::IndexBuilder(const Order& order, std::span<std::byte> memory)
    : order_(order),
      words_(reinterpret_cast<std::uint64_t*>(memory.data())),
      entry_(index_entry_bytes(order.format()) / sizeof(std::uint64_t)) {
  capacity_ = memory.size() / sizeof(std::uint64_t) / entry_ * entry_;
  base::expect(capacity_ >= 2 * entry_, "a run's index has no room");
}

void IndexBuilder::add(const std::byte* record, std::uint64_t number, std::uint64_t byte) {
  if (used_ == capacity_) {
    thin();
    const auto last_byte = words_[used_ - entry_ + 1];
    next_byte_ = last_byte + stride_;
    if (byte < next_byte_) return;
  }
  words_[used_] = number;
  words_[used_ + 1] = byte;
  words_[used_ + 2] = order_.key_size(record);
  for (std::size_t i = entry_head_words; i < entry_; ++i) {
    words_[used_ + i] = order_.word(record, 8 * (i - entry_head_words));
  }
  used_ += entry_;
  next_byte_ = byte + stride_;
}

void IndexBuilder::thin() noexcept {
  std::size_t kept = 0;
  for (std::size_t at = 0; at < used_; at += 2 * entry_, kept += entry_) {
    std::copy_n(words_ + at, entry_, words_ + kept);
  }
  used_ = kept;
  stride_ *= 2;
}

storage::ReadableFile& file_of(const RunFiles& files, const Run& run) {
  base::expect(run.file < files.size() && files[run.file] != nullptr, "a run's spill file is not open");
  return *files[run.file];
}

void read_exactly(storage::ReadableFile& file, std::uint64_t offset, std::span<std::byte> into) {
  const auto read = file.read_at(offset, into);
  if (read < into.size()) {
    throw base::FormatError(fmt::format("a spill file ends at byte {}: {} bytes of a run are missing",
                                        offset + read, into.size() - read));
  }
}

std::uint64_t index_size(const RecordFormat& format, const Run& run) noexcept {
  return run.index_bytes / index_entry_bytes(format);
}

IndexReader::IndexReader(const RecordFormat& format, const RunFiles& files, const Run& run,
                         std::uint64_t piece_bytes)
    : run_(run),
      file_(file_of(files, run)),
      piece_bytes_(piece_bytes),
      entry_words_(index_entry_bytes(format) / sizeof(std::uint64_t)) {}

IndexEntry IndexReader::entry(std::uint64_t i) {
  const auto held = piece_.size() / entry_words_;
  if (i < begin_ || i >= begin_ + held) {
    const auto entry_bytes = entry_words_ * sizeof(std::uint64_t);
    const auto left = run_.index_bytes / entry_bytes - i;
    begin_ = i;
    piece_.resize(std::min<std::uint64_t>(left, std::max<std::uint64_t>(1, piece_bytes_ / entry_bytes)) *
                  entry_words_);
    read_exactly(file_, run_.index_offset + i * entry_bytes, std::as_writable_bytes(std::span(piece_)));
  }
  const auto words = std::span(piece_).subspan((i - begin_) * entry_words_, entry_words_);
  return {words[0], words[1], words[2], words.subspan(entry_head_words)};
}

}  // namespace surd::external::detail
