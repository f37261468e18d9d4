// Where rows begin behind a cut through a CSV file, without reading all that stands before the cut.
//
// Whether a line end ends a row depends on whether it stands inside of quotes, and that on all quotes before
// it. But nearly every quote tells by its neighbours what it is (speculative parsing: Ge, Li, Eilebrecht,
// Chandramouli, Kossmann, "Speculative distributed CSV data parsing for big data analytics", SIGMOD 2019,
// doi:10.1145/3299869.3319898). Of a run of quotes, with a separator a delimiter, a line end or the begin of
// the file:
//   separator, quotes, other byte        a quoted field goes on behind it
//   other byte, odd number of quotes     behind it no quoted field is open
//   all else                             tells nothing alone: `,",` may open or close
// So the search goes back to the nearest run that tells, and forward again from there byte by byte. This is
// right if quoted fields are well formed; quotes inside of unquoted fields do no harm. Where the search
// window holds no such run, both beginnings are tried on what follows, and the one whose rows have the right
// number of columns more often is taken.
//
// The answer is a function of the file and the cut alone, so both sides of a cut agree on it. A reader that
// comes to the end of its split, and so knows the truth if its own begin was right, checks it against the
// answer: if all splits of a file were read without an error, all cuts were right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "surd/storage/file_system.hpp"
#include "surd/table/detail/csv_scanner.hpp"

namespace surd::table::detail {

/// What a search needs to know of the file.
struct CsvLayout {
  char delimiter = ',';
  std::size_t columns = 1;
  std::uint64_t data_begin = 0;  ///< Where the first row begins, behind the header.
  std::uint64_t bytes = 0;
  std::uint64_t window_bytes = std::uint64_t{1} << 20;  ///< How far a search goes back.
};

/// The state behind `text` if it is `state` before it.
[[nodiscard]] CsvState advance(CsvState state, std::string_view text, char delimiter) noexcept;

class CutSearch {
 public:
  CutSearch(storage::ReadableFile& file, const CsvLayout& layout);

  /// Where the first row begins at or behind `cut`; `limit` if none does before it.
  [[nodiscard]] std::uint64_t row_at(std::uint64_t cut, std::uint64_t limit);
  /// The state before the byte at `position`, data_begin at least.
  [[nodiscard]] CsvState state_at(std::uint64_t position);
  /// The state at `to`, if it is `state` at `from`.
  [[nodiscard]] CsvState advance(CsvState state, std::uint64_t from, std::uint64_t to);

  static constexpr std::size_t memory_bytes = 64U << 10;

 private:
  struct Anchor {
    std::uint64_t at = 0;
    CsvState state = CsvState::field_start;
    bool certain = true;
  };

  [[nodiscard]] std::string_view read(std::uint64_t begin, std::uint64_t end);
  [[nodiscard]] Anchor anchor_before(std::uint64_t position);
  [[nodiscard]] std::int64_t score(CsvState state, std::uint64_t from);

  storage::ReadableFile* file_;
  CsvLayout layout_;
  std::unique_ptr<char[]> buffer_;
};

}  // namespace surd::table::detail
