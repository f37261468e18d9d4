#include "surd/table/detail/csv_reader.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"

namespace surd::table::detail {
namespace {

constexpr std::uint64_t least_memory_bytes = 128 * base::KiB;

std::vector<std::size_t> positions_of(const std::vector<bool>& columns) {
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i]) positions.push_back(i);
  }
  return positions;
}

/// Separators of a row begun that are kept: one more than a good row has, to know those with too many.
std::size_t kept_separators(const Schema& schema) { return schema.size() + 1; }

void skip_bytes(ByteSource& source, std::uint64_t bytes) {
  std::array<std::byte, 4096> skipped;
  while (bytes > 0) {
    const auto part = static_cast<std::size_t>(std::min<std::uint64_t>(bytes, skipped.size()));
    if (source.read(std::span(skipped).first(part)) < part) return;
    bytes -= part;
  }
}

}  // namespace

CsvPlan::CsvPlan(std::uint64_t memory_bytes, const Schema& schema, const std::vector<bool>& columns) {
  const auto memory = static_cast<std::size_t>(
      std::clamp<std::uint64_t>(memory_bytes, least_memory_bytes, std::uint64_t{4} << 30));
  std::size_t row_bytes = 1;
  for (std::size_t i = 0; i < schema.size(); ++i) {
    if (columns[i]) row_bytes += schema[i].type == Type::text ? 5U : 9U;
  }
  buffer_bytes = memory / 4;
  window_bytes = std::clamp<std::size_t>(memory / 128, 1024, 16 * base::KiB) / 64 * 64;
  batch_text_bytes = memory / 8;
  batch_rows = std::clamp<std::size_t>(memory / 8 / row_bytes, 1, 8192);
}

CsvReader::CsvReader(const CsvTable& table, const Split& split, const std::vector<bool>& columns,
                     memory::Budget& budget, std::uint64_t memory_bytes)
    : table_(&table),
      file_(&table.files.at(split.file)),
      split_(split),
      needed_(positions_of(columns)),
      plan_(memory_bytes, table.schema, columns),
      reservation_(budget.reserve(std::max(memory_bytes, least_memory_bytes),
                                  std::max(memory_bytes, least_memory_bytes), "reading " + file_->file.path)),
      log_(table.spec.on_bad_row),
      index_(plan_.window_bytes, kept_separators(table.schema)) {
  for (const auto column : needed_) {
    if (table.schema[column].type == Type::text) texts_.push_back(column);
  }
  firsts_.reserve(rows_at_once);
  chosen_.reserve(rows_at_once);
  check_unchanged(file_->file, *table_->disk);
  open(budget);
}

bool CsvReader::is_cut_at_end() const noexcept {
  return file_->compression == Compression::none && split_.end < file_->file.version.bytes;
}

void CsvReader::open(memory::Budget& budget) {
  auto begin = file_->data_begin;
  if (file_->compression != Compression::none) {
    split_.end = std::numeric_limits<std::uint64_t>::max();
  } else if (split_.begin > begin) {
    const auto reader = table_->disk->open(file_->file.path);
    CutSearch search(*reader, layout_of(*table_, *file_));
    begin = search.row_at(split_.begin, split_.end);
  }
  rows_end_ = begin;
  if (begin >= split_.end) {
    at_end_ = true;
    return;
  }
  const bool plain = file_->compression == Compression::none;
  auto source = open_bytes(file_->file, file_->compression, plain ? begin : 0, *table_->disk, budget);
  if (!plain) skip_bytes(*source, begin);
  buffer_.emplace(std::move(source), begin, plan_.buffer_bytes);
}

void CsvReader::prepare(Batch& batch) const {
  batch.clear(table_->schema);
  std::size_t texts = 0;
  for (const auto column : texts_) texts += batch.columns[column].bytes.capacity();
  for (const auto i : needed_) {
    auto& column = batch.columns[i];
    if (column.type == Type::text) {
      // One column's texts grew, then another's: start small again.
      if (texts > 2 * plan_.batch_text_bytes) column.bytes = {};
      column.ends.reserve(plan_.batch_rows);
    } else if (column.type == Type::float64) {
      column.numbers.reserve(plan_.batch_rows);
    } else {
      column.integers.reserve(plan_.batch_rows);
    }
  }
}

bool CsvReader::next(Batch& into) {
  do {
    prepare(into);
    batch_rows_ = 0;
    batch_text_ = 0;
    bad_in_batch_.clear();
    while ((next_row_ < usable_rows_ || scan_more()) && parse_some(into)) {
    }
    into.rows = batch_rows_;
    if (!bad_in_batch_.empty()) remove_bad_rows(into);
  } while (into.rows == 0 && (next_row_ < usable_rows_ || !at_end_));
  if (into.rows > 0) return true;
  if (!finished_) finish();
  return false;
}

bool CsvReader::scan_more() {
  if (at_end_) return false;
  auto begin = index_.row_begin(index_.rows());
  index_.drop_rows();
  next_row_ = 0;
  usable_rows_ = 0;
  index_.ascii = true;
  while (true) {
    if (scanned_ == buffer_->filled()) {
      if (buffer_->full(begin)) {
        skip_long_row();
        if (at_end_) return false;
        break;
      }
      const auto moved = buffer_->refill(begin);
      index_.shift(moved);
      begin -= moved;
      scanned_ -= moved;
      if (scanned_ == buffer_->filled() && buffer_->ended()) return scan_last_row();
    }
    const auto stop = std::min<std::size_t>(buffer_->filled(), scanned_ + plan_.window_bytes);
    scan(buffer_->data(), scanned_, static_cast<std::uint32_t>(stop), table_->delimiter, index_);
    scanned_ = static_cast<std::uint32_t>(stop);
    if (index_.rows() > 0) break;
    index_.drop_rows();
  }
  note_rows();
  return next_row_ < usable_rows_ || !at_end_;
}

bool CsvReader::scan_last_row() {
  at_end_ = true;
  const auto begin = index_.row_begin(0);
  const auto filled = buffer_->filled();
  rows_end_ = buffer_->offset_of(filled);
  if (begin == filled) return false;
  index_.ascii = false;
  buffer_->end_line();
  scan(buffer_->data(), filled, filled + 1, table_->delimiter, index_);
  scanned_ = filled + 1;
  usable_rows_ = index_.rows();
  if (usable_rows_ == 0) {
    auto row = describe(begin, filled);
    row.reason = reason_of(BadKind::unclosed, {});
    log_.add(std::move(row));
  }
  return usable_rows_ > 0;
}

/// Tells which rows of the index belong to the split.
void CsvReader::note_rows() {
  usable_rows_ = index_.rows();
  if (skip_next_row_) {
    next_row_ = 1;
    skip_next_row_ = false;
  }
  while (usable_rows_ > next_row_ && buffer_->offset_of(index_.row_begin(usable_rows_ - 1)) >= split_.end) {
    --usable_rows_;
  }
  const auto end = index_.row_begin(usable_rows_);
  if (buffer_->offset_of(end) < split_.end) return;
  at_end_ = true;
  rows_end_ = buffer_->offset_of(end);
}

/// Passes a row that does not fit the buffer, up to the window in which it ends. An error unless only a
/// sample is wanted.
void CsvReader::skip_long_row() {
  const auto row = describe(0, buffer_->filled());
  const auto measured = [&](std::uint32_t end) { return buffer_->offset_of(end) - row.offset; };
  skip_next_row_ = true;
  while (index_.rows() == 0) {
    index_.shift(buffer_->refill(buffer_->filled()));
    scanned_ = 0;
    if (buffer_->filled() == 0) break;
    while (scanned_ < buffer_->filled() && index_.rows() == 0) {
      index_.drop_rows();
      const auto stop = std::min<std::size_t>(buffer_->filled(), scanned_ + plan_.window_bytes);
      scan(buffer_->data(), scanned_, static_cast<std::uint32_t>(stop), table_->delimiter, index_);
      scanned_ = static_cast<std::uint32_t>(stop);
    }
    if (!table_->sample && measured(scanned_) > longest_measured_bytes) break;
  }
  if (!table_->sample) refuse_long_row(row, measured(index_.rows() > 0 ? index_.row_begin(1) : scanned_));
  if (index_.rows() == 0) {
    at_end_ = true;
    rows_end_ = buffer_->offset_of(0);
  }
}

void CsvReader::refuse_long_row(BadRow row, std::uint64_t bytes) const {
  if (!row.line_is_exact) {
    row.line = count_lines(file_->file, row.offset, *table_->disk) + 1;
    row.line_is_exact = true;
  }
  throw LongRow(row, bytes, plan_.buffer_bytes, 4 * plan_.buffer_bytes);
}

void CsvReader::finish() {
  finished_ = true;
  check_unchanged(file_->file, *table_->disk);
  if (!is_cut_at_end()) return;
  const auto reader = table_->disk->open(file_->file.path);
  CutSearch search(*reader, layout_of(*table_, *file_));
  bool agreed = true;
  if (!buffer_) {
    const auto state = search.advance(search.state_at(split_.begin - 1), split_.begin - 1, split_.end - 1);
    agreed = state == search.state_at(split_.end - 1);
  } else {
    const auto size = file_->file.version.bytes;
    agreed = search.row_at(split_.end, std::min(size, rows_end_ + 1)) == rows_end_;
  }
  if (agreed) return;
  throw base::UsageError(fmt::format(
      "{}: cannot tell where rows begin near byte {}: quotes there are not closed or text follows "
      "them, or a quoted text has more than {} without a quote; correct the file, or set 'split: "
      "false' for this input to read it from its begin",
      file_->file.path, split_.end, base::format_bytes(table_->search_window_bytes)));
}

CsvLayout layout_of(const CsvTable& table, const CsvFile& file) {
  return {table.delimiter, table.schema.size(), file.data_begin, file.file.version.bytes,
          table.search_window_bytes};
}

}  // namespace surd::table::detail
