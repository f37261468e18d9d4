#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/table/detail/formats.hpp"

namespace surd::table {

std::string to_text(const BadRow& row) {
  auto text = row.file;
  if (row.line != 0 && row.line_is_exact) {
    text += fmt::format(":{}", row.line);
  } else {
    text += fmt::format(", byte {}", row.offset);
  }
  if (!row.column.empty()) text += fmt::format(", column {}", row.column);
  return text + ": " + row.reason;
}

LongRow::LongRow(const BadRow& where, std::uint64_t row_bytes, std::uint64_t limit_bytes,
                 std::uint64_t memory_bytes)
    : UsageError(fmt::format("{}the row has {}{}, but at most {} fit into the memory for reading",
                             to_text(where), row_bytes > longest_measured_bytes ? "more than " : "",
                             base::format_bytes(std::min(row_bytes, longest_measured_bytes)),
                             base::format_bytes(limit_bytes))),
      row_bytes_(row_bytes),
      share_((memory_bytes + limit_bytes - 1) / limit_bytes) {}

namespace detail {

void BadRowLog::add(BadRow row) {
  if (policy_ == OnBadRow::error) {
    const bool packed = without_compression(row.file) != row.file;
    throw base::UsageError(
        to_text(row) + (packed ? "; see that the file is whole (gzip -t, zstd -t)" : "") +
        "; correct the row, set the column's type under 'types', or set on_bad_row: skip or "
        "quarantine to go on without such rows");
  }
  if (!keeps_text()) row.text.clear();
  if (row.text.size() > kept_text_bytes) row.text.resize(kept_text_bytes);
  ++count_;
  rows_.push_back(std::move(row));
}

std::vector<BadRow> BadRowLog::take() { return std::exchange(rows_, {}); }

}  // namespace detail
}  // namespace surd::table
