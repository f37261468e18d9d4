#include "surd/stream/detail/segment.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include <fmt/format.h>

#include "surd/base/random.hpp"
#include "surd/base/units.hpp"

namespace surd::stream::detail {

using table::Batch;
using table::Schema;
using table::Type;

namespace {

/// Whether the row at `position` is in the sample: a pure function of both.
bool sampled(const Sample& sample, std::uint64_t position) {
  const auto block = base::philox(
      {static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(position >> 32), 0x73616D70U, 0U},
      {static_cast<std::uint32_t>(sample.seed), static_cast<std::uint32_t>(sample.seed >> 32)});
  const auto bits = (std::uint64_t{block[1]} << 32) | block[0];
  return static_cast<double>(bits >> 11) * 0x1.0p-53 < sample.share;
}

/// What `columns` first columns hold, with 8 bytes for each number.
std::uint64_t bytes_of(const Batch& rows, std::size_t columns) {
  std::uint64_t bytes = 8 * columns * rows.rows;
  for (std::size_t i = 0; i < columns; ++i) bytes += rows.columns[i].bytes.size();
  return bytes;
}

}  // namespace

Segment::Segment(Schema input, const std::vector<Step>& steps, const Schema& result, const Division& memory,
                 Operator& next)
    : input_slots_(input.size()), batch_limit_(memory.batch), row_limit_(memory.row), next_(next) {
  for (std::size_t i = 0; i < input.size(); ++i) {
    slots_.push_back(input[i].type);
    names_.push_back({std::move(input[i].name), i});
  }
  for (const auto& step : steps) {
    if (const auto* filter = std::get_if<Filter>(&step)) add(*filter);
    if (const auto* derive = std::get_if<Derive>(&step)) add(*derive);
    if (const auto* select = std::get_if<Select>(&step)) add(*select);
    if (const auto* sample = std::get_if<Sample>(&step)) add(*sample);
  }
  for (const auto& field : result) result_slots_.push_back(slot_of(field.name));
  result_.columns.resize(result_slots_.size());
  spare_.resize(slots_.size() - input_slots_);
  const auto texts =
      std::count(slots_.begin() + static_cast<std::ptrdiff_t>(input_slots_), slots_.end(), Type::text);
  makes_texts_ = texts > 0;
  growth_ = 4.0 * static_cast<double>(texts);  // a guess, until some rows are seen
}

std::size_t Segment::slot_of(const std::string& name) const {
  for (const auto& [known, slot] : names_) {
    if (known == name) return slot;
  }
  throw base::UsageError(fmt::format("no column '{}'", name));
}

Schema Segment::visible() const {
  Schema schema;
  for (std::size_t i = 0; i < slots_.size(); ++i) schema.push_back({fmt::format("\x01{}", i), slots_[i]});
  for (const auto& [name, slot] : names_) schema[slot].name = name;
  return schema;
}

std::size_t Segment::new_slot(Type type) {
  slots_.push_back(type);
  return slots_.size() - 1;
}

void Segment::add(const Filter& step) {
  auto& added = steps_.emplace_back();
  added.kind = Stepping::Kind::filter;
  added.words = to_text(Step(step));
  added.expression.emplace(step.condition, visible());
}

void Segment::add(const Derive& step) {
  auto& added = steps_.emplace_back();
  added.kind = Stepping::Kind::derive;
  added.words = to_text(Step(step));
  added.expression.emplace(step.expression, visible());
  added.slot = new_slot(added.expression->type());
  const auto same = [&](const Name& name) { return name.name == step.column; };
  const auto known = std::find_if(names_.begin(), names_.end(), same);
  if (known != names_.end()) {
    known->slot = added.slot;
  } else {
    names_.push_back({step.column, added.slot});
  }
}

void Segment::add(const Select& step) {
  std::vector<Name> names;
  for (std::size_t i = 0; i < step.columns.size(); ++i) {
    auto slot = slot_of(step.columns[i]);
    const auto taken = [&](const Name& name) { return name.slot == slot; };
    if (std::any_of(names.begin(), names.end(), taken)) {  // one column under two names
      auto& copy = steps_.emplace_back();
      copy.kind = Stepping::Kind::copy;
      copy.from = slot;
      copy.slot = slot = new_slot(slots_[slot]);
    }
    names.push_back({step.names.empty() ? step.columns[i] : step.names[i], slot});
  }
  names_ = std::move(names);
}

void Segment::add(const Sample& step) {
  if (!positions_) positions_ = new_slot(Type::int64);
  auto& added = steps_.emplace_back();
  added.kind = Stepping::Kind::sample;
  added.sample = step;
}

void Segment::push(Batch& rows, std::uint64_t position) {
  if (rows.rows == 0) return;
  if (!makes_texts_ || end_of_piece(rows, 0) == rows.rows) return push_piece(rows, position);
  std::size_t last = 0;
  for (std::size_t first = 0; first < rows.rows; first = last) {
    last = end_of_piece(rows, first);
    piece_.columns.resize(rows.columns.size());
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
      const auto& from = rows.columns[i];
      piece_.columns[i].clear(from.type);
      if (from.size() > 0) piece_.columns[i].append(from, first, last - first);
    }
    piece_.rows = last - first;
    push_piece(piece_, position + first);
  }
}

std::size_t Segment::end_of_piece(const Batch& rows, std::size_t first) const {
  const auto most = static_cast<double>(batch_limit_) / std::max(growth_, 0.01);
  if (first == 0 && static_cast<double>(bytes_of(rows, input_slots_)) <= most) return rows.rows;
  std::uint64_t bytes = 0;
  for (auto row = first; row < rows.rows; ++row) {
    bytes += 8 * input_slots_;
    for (std::size_t i = 0; i < input_slots_; ++i) {
      if (!rows.columns[i].ends.empty()) bytes += rows.columns[i].text(row).size();
    }
    if (row > first && static_cast<double>(bytes) > most) return row;
  }
  return rows.rows;
}

void Segment::note_growth(const Batch& rows, std::uint64_t bytes_before) {
  std::uint64_t bytes = 0;
  for (auto i = input_slots_; i < slots_.size(); ++i) bytes += rows.columns[i].bytes.size();
  growth_ = std::max(growth_, static_cast<double>(bytes) / static_cast<double>(bytes_before));
  if (rows.rows == 1 && bytes > row_limit_) {
    throw ShareTooSmall{fmt::format("what is derived of a row has {}", base::format_bytes(bytes)),
                        &Division::row, bytes};
  }
}

void Segment::push_piece(Batch& rows, std::uint64_t position) {
  const auto bytes_before = std::max<std::uint64_t>(1, makes_texts_ ? bytes_of(rows, input_slots_) : 0);
  growth_ = growth_ / 2;
  rows.columns.resize(slots_.size());
  for (std::size_t i = 0; i < spare_.size(); ++i) std::swap(rows.columns[input_slots_ + i], spare_[i]);
  for (std::size_t i = input_slots_; i < slots_.size(); ++i) rows.columns[i].clear(slots_[i]);
  if (positions_) {
    auto& positions = rows.columns[*positions_].integers;
    positions.resize(rows.rows);
    std::iota(positions.begin(), positions.end(), static_cast<std::int64_t>(position));
  }
  position_ = position;
  origins_.clear();
  for (auto& step : steps_) {
    apply(step, rows);
    if (rows.rows == 0) break;
    if (makes_texts_) note_growth(rows, bytes_before);
  }
  if (rows.rows > 0) pass_on(rows, position);
  for (std::size_t i = 0; i < spare_.size(); ++i) std::swap(rows.columns[input_slots_ + i], spare_[i]);
  rows.columns.resize(input_slots_);
}

void Segment::apply(Stepping& step, Batch& rows) {
  switch (step.kind) {
    case Stepping::Kind::filter:
      evaluate(step, rows);
      return keep(rows);
    case Stepping::Kind::derive:
      return evaluate(step, rows);
    case Stepping::Kind::copy:
      rows.columns[step.slot] = rows.columns[step.from];
      return;
    case Stepping::Kind::sample: {
      const auto& positions = rows.columns[*positions_].integers;
      kept_.clear();
      for (std::uint32_t i = 0; i < rows.rows; ++i) {
        if (sampled(step.sample, static_cast<std::uint64_t>(positions[i]))) kept_.push_back(i);
      }
      return keep(rows);
    }
  }
}

void Segment::evaluate(Stepping& step, Batch& rows) {
  try {
    if (step.kind == Stepping::Kind::filter) return step.expression->select(rows, kept_);
    step.expression->evaluate(rows, rows.columns[step.slot]);
  } catch (const base::UsageError& e) {
    fail_at_row(step, rows, e.what());
  }
}

/// Looks for the first row that fails by halving: rows before `good` do not, rows before `bad` do.
void Segment::fail_at_row(Stepping& step, const Batch& rows, const std::string& what) {
  auto reason = what;
  std::size_t good = 0;
  std::size_t bad = rows.rows;
  while (good + 1 < bad) {
    const auto middle = good + (bad - good) / 2;
    std::vector<std::uint32_t> first(middle - good);
    std::iota(first.begin(), first.end(), static_cast<std::uint32_t>(good));
    auto some = rows;
    table::keep_rows(some, first);
    some.rows = first.size();
    table::Column values;
    try {
      step.expression->evaluate(some, values);
      good = middle;
    } catch (const base::UsageError& e) {
      reason = e.what();
      bad = middle;
    }
  }
  throw RowError(step.words + ": " + reason, position_ + (origins_.empty() ? good : origins_[good]));
}

void Segment::keep(Batch& rows) {
  if (kept_.size() == rows.rows) return;
  if (origins_.empty()) {
    origins_ = kept_;
  } else {
    for (std::size_t i = 0; i < kept_.size(); ++i) origins_[i] = origins_[kept_[i]];
    origins_.resize(kept_.size());
  }
  table::keep_rows(rows, kept_);
  rows.rows = kept_.size();
}

void Segment::swap_slots(Batch& rows) {
  for (std::size_t i = 0; i < result_slots_.size(); ++i) {
    std::swap(result_.columns[i], rows.columns[result_slots_[i]]);
  }
}

void Segment::pass_on(Batch& rows, std::uint64_t position) {
  swap_slots(rows);
  result_.rows = rows.rows;
  next_.push(result_, position);
  result_.columns.resize(result_slots_.size());
  swap_slots(rows);
}

}  // namespace surd::stream::detail
