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
  for (std::size_t i = 2; i < entry_; ++i) words_[used_ + i] = order_.word(record, 8 * (i - 2));
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

IndexEntries read_index(const RecordFormat& format, const RunFiles& files, const Run& run,
                        std::uint64_t first, std::uint64_t last, std::uint64_t step) {
  const auto entry_bytes = index_entry_bytes(format);
  const auto entry_words = entry_bytes / sizeof(std::uint64_t);
  IndexEntries entries{key_words(format), {}};
  if (first >= last) return entries;
  entries.words.reserve((last - first + step - 1) / step * entry_words);
  constexpr std::uint64_t piece_entries = 1024;
  std::vector<std::uint64_t> piece(std::min(last - first, piece_entries) * entry_words);
  for (auto at = first; at < last;) {
    const auto count = std::min(last - at, piece_entries);
    const auto words = std::span(piece).first(count * entry_words);
    read_exactly(file_of(files, run), run.index_offset + at * entry_bytes, std::as_writable_bytes(words));
    for (std::uint64_t i = (step - (at - first) % step) % step; i < count; i += step) {
      const auto entry = words.subspan(i * entry_words, entry_words);
      entries.words.insert(entries.words.end(), entry.begin(), entry.end());
    }
    at += count;
  }
  return entries;
}

}  // namespace surd::external::detail
