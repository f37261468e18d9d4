#include "surd/table/detail/csv_scanner.hpp"

#include <algorithm>
#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "surd/table/csv_scanner.cpp"  // compiled once per instruction set
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef SURD_TABLE_CSV_SCANNER_ONCE
#define SURD_TABLE_CSV_SCANNER_ONCE
namespace surd::table::detail {

/// A scan in progress: what is added to the index, kept in registers.
struct ScanCursor {
  std::uint32_t* separators;
  std::size_t count;
  std::uint32_t* row_ends;
  std::size_t rows;
  std::uint64_t lines;
  CsvState state;
  bool ascii;
};

/// Bits of one block of up to 64 bytes.
struct BlockBits {
  std::uint64_t quotes = 0;
  std::uint64_t delimiters = 0;
  std::uint64_t line_ends = 0;
};

inline constexpr std::uint32_t block_bytes = 64;

/// Bit i: an odd number of bits is set in [0, i].
inline std::uint64_t prefix_xor(std::uint64_t bits) noexcept {
  for (unsigned shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

inline std::uint64_t separators_by_bytes(const char* text, std::uint32_t size, char delimiter,
                                         CsvState& state) noexcept {
  std::uint64_t separators = 0;
  for (std::uint32_t i = 0; i < size; ++i) {
    const bool outside = state != CsvState::quoted;
    state = step(state, text[i], delimiter);
    if (outside && state == CsvState::field_start) separators |= std::uint64_t{1} << i;
  }
  return separators;
}

/// The separators of a block; `state` moves to its end.
inline std::uint64_t separators_of(const BlockBits& bits, const char* text, std::uint32_t size,
                                   char delimiter, CsvState& state) noexcept {
  const auto any = bits.delimiters | bits.line_ends;
  const unsigned last = size - 1;
  if (bits.quotes == 0) {
    if (state == CsvState::quoted) return 0;
    state = (any >> last & 1U) != 0 ? CsvState::field_start : CsvState::unquoted;
    return any;
  }
  const auto inside = prefix_xor(bits.quotes) ^ (state == CsvState::quoted ? ~std::uint64_t{0} : 0);
  const auto opening = bits.quotes & inside;
  const auto closing = bits.quotes & ~inside;
  const auto separators = any & ~inside;
  const bool may_open = state == CsvState::field_start || state == CsvState::after_quote;
  if ((opening & ~((separators | closing) << 1 | std::uint64_t{may_open})) != 0) {
    return separators_by_bytes(text, size, delimiter, state);
  }
  if ((inside >> last & 1U) != 0) {
    state = CsvState::quoted;
  } else if ((closing >> last & 1U) != 0) {
    state = CsvState::after_quote;
  } else {
    state = (separators >> last & 1U) != 0 ? CsvState::field_start : CsvState::unquoted;
  }
  return separators;
}

/// Appends the separators of the block that begins at `at`.
inline void put(ScanCursor& cursor, std::uint32_t at, std::uint64_t separators, std::uint64_t line_ends) {
  for (auto ends = separators & line_ends; ends != 0; ends &= ends - 1) {
    const auto up_to = ends ^ (ends - 1);
    cursor.row_ends[cursor.rows++] = static_cast<std::uint32_t>(cursor.count) +
                                     static_cast<std::uint32_t>(std::popcount(separators & up_to));
  }
  // Eight at a time without a test each: the index has room for what is written beyond.
  const auto count = static_cast<unsigned>(std::popcount(separators));
  auto* into = cursor.separators + cursor.count;
  for (unsigned done = 0; done < count; done += 8) {
    for (unsigned i = 0; i < 8; ++i) {
      into[done + i] = at + static_cast<std::uint32_t>(std::countr_zero(separators));
      separators &= separators - 1;
    }
  }
  cursor.count += count;
}

}  // namespace surd::table::detail
#endif

HWY_BEFORE_NAMESPACE();
namespace surd::table::detail::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Bytes = hn::CappedTag<std::uint8_t, block_bytes>;

template <class Mask>
std::uint64_t to_bits(Bytes d, Mask mask) {
  std::uint64_t bits = 0;
  hn::StoreMaskBits(d, mask, reinterpret_cast<std::uint8_t*>(&bits));
  return bits;
}

void ScanBlocks(const char* text, std::uint32_t begin, std::uint32_t end, char delimiter,
                ScanCursor& result) {
  const Bytes d;
  const auto lanes = static_cast<std::uint32_t>(hn::Lanes(d));
  const auto quote = hn::Set(d, '"');
  const auto separator = hn::Set(d, static_cast<std::uint8_t>(delimiter));
  const auto newline = hn::Set(d, '\n');
  ScanCursor cursor = result;
  auto all = hn::Zero(d);
  for (std::uint32_t at = begin; at < end; at += block_bytes) {
    BlockBits bits;
    for (std::uint32_t i = 0; i < block_bytes; i += lanes) {
      const auto bytes = hn::LoadU(d, reinterpret_cast<const std::uint8_t*>(text + at + i));
      bits.quotes |= to_bits(d, hn::Eq(bytes, quote)) << i;
      bits.delimiters |= to_bits(d, hn::Eq(bytes, separator)) << i;
      bits.line_ends |= to_bits(d, hn::Eq(bytes, newline)) << i;
      all = hn::Or(all, bytes);
    }
    const auto size = std::min(end - at, block_bytes);
    if (size < block_bytes) {
      const auto valid = (std::uint64_t{1} << size) - 1;
      bits = {bits.quotes & valid, bits.delimiters & valid, bits.line_ends & valid};
    }
    cursor.lines += static_cast<std::uint64_t>(std::popcount(bits.line_ends));
    put(cursor, at, separators_of(bits, text + at, size, delimiter, cursor.state), bits.line_ends);
  }
  // Bytes behind the end count too: at worst texts are checked that need not be.
  cursor.ascii = cursor.ascii && hn::AllTrue(d, hn::Lt(all, hn::Set(d, 0x80)));
  result = cursor;
}

}  // namespace surd::table::detail::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace surd::table::detail {

HWY_EXPORT(ScanBlocks);

namespace {
/// Written beyond the separators of a block.
constexpr std::size_t slack = 2 * block_bytes;
}  // namespace

CsvIndex::CsvIndex(std::size_t window_bytes, std::size_t kept)
    : separators_(std::make_unique_for_overwrite<std::uint32_t[]>(1 + kept + window_bytes + slack)),
      row_ends_(std::make_unique_for_overwrite<std::uint32_t[]>(1 + window_bytes + slack)),
      kept_(kept) {
  row_ends_[0] = 0;
  restart(0);
}

std::size_t CsvIndex::memory_bytes(std::size_t window_bytes, std::size_t kept) noexcept {
  return (2 + kept + 2 * (window_bytes + slack)) * sizeof(std::uint32_t);
}

void CsvIndex::restart(std::uint32_t begin) noexcept {
  separators_[0] = begin - 1;
  count_ = 0;
  rows_ = 0;
  state = CsvState::field_start;
}

void CsvIndex::drop_rows() noexcept {
  const std::size_t done = row_ends_[rows_];
  const auto left = std::min(count_ - done, kept_);
  std::copy_n(separators_.get() + done, left + 1, separators_.get());
  count_ = left;
  rows_ = 0;
}

void CsvIndex::shift(std::uint32_t bytes) noexcept {
  for (std::size_t i = 0; i <= count_; ++i) separators_[i] -= bytes;
}

void scan(const char* text, std::uint32_t begin, std::uint32_t end, char delimiter, CsvIndex& index) {
  if (begin == end) return;
  ScanCursor cursor{index.separators_.get() + 1,
                    index.count_,
                    index.row_ends_.get() + 1,
                    index.rows_,
                    index.lines,
                    index.state,
                    index.ascii};
  HWY_DYNAMIC_DISPATCH(ScanBlocks)(text, begin, end, delimiter, cursor);
  index.count_ = cursor.count;
  index.rows_ = cursor.rows;
  index.lines = cursor.lines;
  index.state = cursor.state;
  index.ascii = cursor.ascii;
}

}  // namespace surd::table::detail
#endif
