#include "surd/sweep/detail/memo_block.hpp"

#include <algorithm>
#include <cstring>

namespace surd::sweep::detail {
namespace {

template <class T>
T load(std::span<const std::byte> bytes, std::size_t index) {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

void SelectedBlock::begin(const BlockView& view, const Origin& origin) {
  view_ = &view;
  origin_ = &origin;
  entries_.clear();
  positions_.clear();
}

void SelectedBlock::select(std::uint64_t entry, std::uint64_t count, std::uint64_t first) {
  for (std::uint64_t i = 0; i < count; ++i) {
    entries_.push_back(static_cast<std::uint32_t>(entry + i));
    positions_.push_back(first + i);
  }
}

bool SelectedBlock::finish() {
  if (entries_.empty()) return false;
  rank_entries();
  take_columns();
  return true;
}

/// Finds status and rank of the selected entries in one pass over the block's runs of statuses.
void SelectedBlock::rank_entries() {
  statuses_.clear();
  ranks_.clear();
  auto run = view_->statuses.begin();
  std::uint64_t run_begin = 0;
  std::uint64_t ok_before = 0;
  for (const auto entry : entries_) {
    while (entry >= run_begin + run->count) {
      run_begin += run->count;
      if (run->status == Status::ok) ok_before += run->count;
      ++run;
    }
    const auto in_run = entry - run_begin;
    const auto rank = (run->status == Status::ok ? ok_before : run_begin - ok_before) + in_run;
    statuses_.push_back(run->status);
    ranks_.push_back(static_cast<std::uint32_t>(rank));
  }
}

void SelectedBlock::take_columns() {
  const auto count = view_->schema ? view_->schema->columns.size() : 0;
  columns_.resize(count);
  rows_.resize(count);
  const auto last = entries_.size() - 1;
  const bool stretch = std::ranges::all_of(statuses_, [](Status s) { return s == Status::ok; }) &&
                       ranks_[last] - ranks_[0] == last;
  for (std::size_t i = 0; i < count; ++i) {
    const auto& of = view_->schema->columns[i];
    auto& column = columns_[i];
    column.name = of.name;
    column.type = of.type;
    column.shape = of.shape;
    if (stretch) {
      column.values =
          view_->columns[i].rows.subspan(ranks_[0] * of.row_bytes, entries_.size() * of.row_bytes);
    } else {
      gather(i, rows_[i]);
      column.values = rows_[i];
    }
  }
}

/// Rows of entries that are not ok stay zero.
void SelectedBlock::gather(std::size_t column, std::vector<std::byte>& rows) const {
  const auto row_bytes = view_->schema->columns[column].row_bytes;
  const auto from = view_->columns[column].rows;
  rows.assign(entries_.size() * row_bytes, std::byte{0});
  if (row_bytes == 0) return;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (statuses_[i] != Status::ok) continue;
    std::memcpy(rows.data() + i * row_bytes, from.data() + ranks_[i] * row_bytes, row_bytes);
  }
}

double SelectedBlock::seconds(std::size_t i) const {
  if (view_->seconds.empty()) return static_cast<double>(view_->mean_seconds);
  return static_cast<double>(load<float>(view_->seconds, entries_[i]));
}

Outcome SelectedBlock::outcome(std::size_t i) const {
  Outcome outcome;
  outcome.status = statuses_[i];
  outcome.seconds = seconds(i);
  if (outcome.status == Status::ok) {
    for (std::size_t c = 0; c < columns_.size(); ++c) {
      outcome.values.emplace_back(columns_[c].name, value(c, ranks_[i]));
    }
  } else {
    outcome.message = view_->messages[ranks_[i]];
  }
  const auto entry = std::uint64_t{entries_[i]};
  const auto tried =
      std::ranges::lower_bound(view_->attempts, entry, {}, [](const auto& a) { return a.first; });
  if (tried != view_->attempts.end() && tried->first == entry) outcome.attempts = tried->second;
  const auto kept = std::ranges::lower_bound(view_->captures, entry, {}, &BlockView::CaptureView::entry);
  if (kept != view_->captures.end() && kept->entry == entry) {
    outcome.capture = Capture{kept->exit_code, kept->signal, kept->peak_bytes, std::string(kept->output),
                              std::string(kept->errors)};
  }
  return outcome;
}

FieldValue SelectedBlock::value(std::size_t column, std::size_t row) const {
  const auto& of = view_->schema->columns[column];
  const auto& from = view_->columns[column];
  switch (of.type) {
    case 0:
      return load<std::uint8_t>(from.rows, row) != 0;
    case 1:
      return load<std::int64_t>(from.rows, row);
    case 2:
      return load<double>(from.rows, row);
    case Schema::text_type:
      return std::string(from.texts[row]);
    default: {
      Array array(of.shape, std::vector<double>(of.row_bytes / sizeof(double)));
      if (of.row_bytes > 0) {
        std::memcpy(array.values.data(), from.rows.data() + row * of.row_bytes, of.row_bytes);
      }
      return array;
    }
  }
}

}  // namespace surd::sweep::detail
