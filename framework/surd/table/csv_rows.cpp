// The parts of CsvReader that turn rows found into values, and bad ones into reports.
#include <algorithm>
#include <span>

#include <fmt/format.h>
#include <simdjson.h>

#include "surd/table/detail/csv_reader.hpp"

namespace surd::table::detail {
namespace {

constexpr std::size_t shown_bytes = 40;

/// A value as messages show it.
std::string shown(std::string_view field) {
  const bool cut = field.size() > shown_bytes;
  if (cut) field = field.substr(0, shown_bytes);
  const bool utf8 = simdjson::validate_utf8(field.data(), field.size());
  std::string text;
  for (const char byte : field) {
    const auto code = static_cast<unsigned char>(byte);
    if (code < 0x20 || code == 0x7F || (code >= 0x80 && !utf8)) {
      text += fmt::format("\\x{:02X}", code);
    } else {
      text += byte;
    }
  }
  return "'" + text + (cut ? "...'" : "'");
}

}  // namespace

std::string reason_of(BadKind kind, std::string_view field) {
  switch (kind) {
    case BadKind::integer:
      return shown(field) + " is no integer";
    case BadKind::integer_range:
      return shown(field) + " is beyond the integers of 64 bits";
    case BadKind::number:
      return shown(field) + " is no float";
    case BadKind::number_range:
      return shown(field) + " is beyond the floats of 64 bits";
    case BadKind::boolean:
      return shown(field) + " is no boolean (true or false)";
    case BadKind::utf8:
      return shown(field) + " is not UTF-8";
    case BadKind::quotes:
      return shown(field) + " has text behind its closing quote";
    case BadKind::unclosed:
      return "a quote is not closed before the end of the file";
    case BadKind::columns:
      break;
  }
  return "wrong number of columns";
}

/// Collects rows to parse in firsts_ and chosen_, and those with a wrong number of columns in bad_rows_.
/// False if the batch has no room for the next row.
bool CsvReader::choose_rows() {
  firsts_.clear();
  chosen_.clear();
  const auto* const separators = index_.separators();
  const auto* const row_ends = index_.row_ends();
  const auto columns = table_->schema.size();
  const auto room = std::min(rows_at_once, plan_.batch_rows - batch_rows_);
  for (; next_row_ < usable_rows_ && firsts_.size() < room; ++next_row_) {
    const auto row = static_cast<std::uint32_t>(next_row_);
    const auto first = next_row_ == 0 ? 0 : row_ends[next_row_ - 1];
    const auto last = row_ends[next_row_] - 1;
    const auto begin = index_.row_begin(next_row_);
    const auto size = separators[last] - begin;
    const bool blank = first == last && (size == 0 || (size == 1 && buffer_->data()[begin] == '\r'));
    if (blank) continue;
    if (last - first + 1 != columns) {
      bad_rows_.push_back({row, 0, BadKind::columns});
      continue;
    }
    std::size_t texts = 0;
    for (const auto column : texts_) texts += separators[first + column] - *(separators + first + column - 1);
    if (batch_text_ > 0 && batch_text_ + texts > plan_.batch_text_bytes) return false;
    batch_text_ += texts;
    firsts_.push_back(first);
    chosen_.push_back(row);
  }
  return batch_rows_ + firsts_.size() < plan_.batch_rows;
}

bool CsvReader::parse_some(Batch& into) {
  bad_rows_.clear();
  bad_fields_.clear();
  const bool has_room = choose_rows();
  const CsvRows rows{buffer_->data(), index_.separators(), firsts_, table_->schema.size(), index_.ascii};
  for (const auto column : needed_)
    parse_column(rows, column, table_->nulls, into.columns[column], bad_fields_);
  const auto first_batch_row = batch_rows_;
  batch_rows_ += firsts_.size();
  if (!bad_rows_.empty() || !bad_fields_.empty()) report_bad(first_batch_row);
  return has_room;
}

/// Each bad row once, by its first bad column, in order.
void CsvReader::report_bad(std::size_t first_batch_row) {
  for (const auto& field : bad_fields_) {
    bad_in_batch_.push_back(static_cast<std::uint32_t>(first_batch_row + field.row));
    bad_rows_.push_back({chosen_[field.row], field.column, field.kind});
  }
  std::sort(bad_rows_.begin(), bad_rows_.end(), [](const BadField& a, const BadField& b) {
    return a.row != b.row ? a.row < b.row : a.column < b.column;
  });
  const auto same_row = [](const BadField& a, const BadField& b) { return a.row == b.row; };
  bad_rows_.erase(std::unique(bad_rows_.begin(), bad_rows_.end(), same_row), bad_rows_.end());
  for (const auto& bad : bad_rows_) report(bad);
}

void CsvReader::report(const BadField& bad) {
  const auto first = index_.row_ends()[static_cast<std::ptrdiff_t>(bad.row) - 1];
  const auto last = index_.row_ends()[bad.row] - 1;
  auto row = describe(index_.row_begin(bad.row), index_.separators()[last]);
  const auto columns = table_->schema.size();
  if (bad.kind == BadKind::columns) {
    const std::size_t found = last - first + 1;
    // Of a row that was scanned in several pieces, only so many separators are kept.
    row.reason =
        fmt::format("{}{} columns instead of {}", found > columns + 1 ? "at least " : "", found, columns);
  } else {
    const CsvRows rows{buffer_->data(), index_.separators(), std::span(&first, 1), columns, false};
    row.column = table_->schema[bad.column].name;
    row.reason = reason_of(bad.kind, rows.field(0, bad.column));
  }
  log_.add(std::move(row));
}

BadRow CsvReader::describe(std::uint32_t begin, std::uint32_t end) {
  BadRow row;
  row.file = file_->file.path;
  row.offset = buffer_->offset_of(begin);
  if (end > begin && buffer_->data()[end - 1] == '\r') --end;
  if (log_.keeps_text()) {
    row.text.assign(buffer_->data() + begin, std::min<std::size_t>(end - begin, BadRowLog::kept_text_bytes));
  }
  const auto behind = std::count(buffer_->data() + begin, buffer_->data() + scanned_, '\n');
  row.line = index_.lines - static_cast<std::uint64_t>(behind) + 1;
  row.line_is_exact = file_->compression != Compression::none || split_.begin <= file_->data_begin;
  if (row.line_is_exact) {
    row.line += file_->first_line - 1;
  } else if (log_.policy() == OnBadRow::error) {
    row.line = count_lines(file_->file, row.offset, *table_->disk) + 1;
    row.line_is_exact = true;
  }
  return row;
}

void CsvReader::remove_bad_rows(Batch& batch) {
  std::sort(bad_in_batch_.begin(), bad_in_batch_.end());
  std::vector<std::uint32_t> good;
  good.reserve(batch.rows);
  auto bad = bad_in_batch_.begin();
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    while (bad != bad_in_batch_.end() && *bad < row) ++bad;
    if (bad == bad_in_batch_.end() || *bad != row) good.push_back(row);
  }
  keep_rows(batch, good);
}

}  // namespace surd::table::detail
