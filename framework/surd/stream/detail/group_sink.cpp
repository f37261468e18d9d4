#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/stream/detail/bind.hpp"
#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/sinks.hpp"

namespace surd::stream::detail {
namespace {

using external::Values;

Values values_of(const table::Column& column, external::ValueType type) {
  Values values;
  values.type = type;
  values.integers = column.integers;
  values.numbers = column.numbers;
  values.texts = {.bytes = std::as_bytes(std::span(column.bytes)), .ends = column.ends};
  values.nulls = column.nulls;
  return values;
}

class GroupSink : public Sink {
 public:
  GroupSink(const GroupTarget& target, const Setting& setting)
      : stretch_bytes_(bytes_per_commit(setting.memory.heavy, setting.worker.epoch_bytes)),
        target_(target),
        keys_(target.key_columns()),
        rows_(target.schema, all_columns(target.schema)),
        builder_(target.format(), target.partitions, setting.worker.budget, setting.memory.heavy,
                 setting.worker.spills.own(), setting.worker.spills.own_number(), setting.worker.io),
        subscription_(setting.worker.pressure.subscribe(
            memory::Level::high,
            [this, half = setting.memory.heavy / 2](memory::Level) { builder_.shrink(half); })),
        row_limit_(setting.memory.row),
        null_memory_bytes_(setting.memory.encode / 2),  // integer keys are not encoded
        worker_(setting.worker),
        values_(target.results.size()) {}

  void begin_unit(std::uint64_t unit) override {
    position_ = unit << 40U;  // positions need only ascend
  }
  [[nodiscard]] std::uint64_t stretch_bytes() const override { return stretch_bytes_; }

  void push(table::Batch& rows, std::uint64_t) override {
    if (rows.rows == 0) return;
    if (!target_.integer_keys) {
      keys_.encode(rows, key_bytes_, key_ends_);
      add(rows, builder_, {}, {.bytes = key_bytes_, .ends = key_ends_});
      return;
    }
    if (split_nulls(rows)) add_nulls();
    const auto& integers = rows.columns[target_.by[0]].integers;
    add(rows, builder_, {reinterpret_cast<const std::uint64_t*>(integers.data()), rows.rows}, {});
  }

  void end_unit() override {}

  void finish(UnitOutput& into) override {
    into.rows = std::exchange(count_, 0);
    into.partitions = builder_.finish();
    if (null_builder_) std::ranges::move(null_builder_->finish(), std::back_inserter(into.partitions));
    into.partitions.resize(target_.all_partitions());
  }

 private:
  void add(const table::Batch& rows, external::GroupBuilder& builder, std::span<const std::uint64_t> keys,
           external::ByteRows byte_keys) {
    if (rows.rows == 0) return;
    if (target_.first_rows) {
      rows_.encode(rows, row_bytes_, row_ends_);
      values_[0].type = external::ValueType::text;
      values_[0].texts = {.bytes = row_bytes_, .ends = row_ends_};
    } else {
      for (std::size_t i = 0; i < values_.size(); ++i) {
        const auto& spec = target_.results[i];
        if (spec.has_input) values_[i] = values_of(rows.columns[target_.inputs[i]], spec.input);
      }
    }
    check_lengths(rows.rows, byte_keys);
    builder.push({.rows = rows.rows,
                  .first_position = position_,
                  .keys = keys,
                  .byte_keys = byte_keys,
                  .values = values_});
    position_ += rows.rows;
    count_ += rows.rows;
  }

  /// @throws ShareTooSmall  for a row whose key and texts are too long to be handled.
  void check_lengths(std::size_t rows, const external::ByteRows& keys) const {
    std::vector<const external::ByteRows*> texts;
    if (keys.size() > 0) texts.push_back(&keys);
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const bool kept = target_.results[i].aggregate != external::Aggregate::count;
      if (kept && values_[i].texts.size() > 0) texts.push_back(&values_[i].texts);
    }
    std::size_t all = 0;
    for (const auto* column : texts) all += column->bytes.size();
    if (all <= row_limit_) return;
    for (std::size_t row = 0; row < rows; ++row) {
      std::size_t bytes = 0;
      for (const auto* column : texts) bytes += (*column)[row].size();
      if (bytes > row_limit_) {
        throw ShareTooSmall{fmt::format("a row to group has {}", base::format_bytes(bytes)), &Division::row,
                            bytes};
      }
    }
  }

  /// Moves rows whose key is null to null_rows_; false if there are none.
  bool split_nulls(table::Batch& rows) {
    const auto& key = rows.columns[target_.by[0]];
    if (std::ranges::find(key.nulls, std::uint8_t{1}) == key.nulls.end()) return false;
    null_rows_.clear(target_.schema);
    others_.clear();
    for (std::size_t row = 0; row < rows.rows; ++row) {
      if (!key.is_null(row)) {
        others_.push_back(static_cast<std::uint32_t>(row));
        continue;
      }
      for (std::size_t i = 0; i < rows.columns.size(); ++i) null_rows_.columns[i].push(rows.columns[i], row);
      ++null_rows_.rows;
    }
    table::keep_rows(rows, others_);
    return true;
  }

  /// One group, under the empty key.
  void add_nulls() {
    if (!null_builder_) {
      auto format = target_.format();
      format.key_bytes = 0;
      null_builder_.emplace(format, GroupTarget::null_partitions, worker_.budget, null_memory_bytes_,
                            worker_.spills.own(), worker_.spills.own_number(), worker_.io);
    }
    key_ends_.assign(null_rows_.rows, 0);
    add(null_rows_, *null_builder_, {}, {.bytes = {}, .ends = key_ends_});
  }

  std::uint64_t stretch_bytes_;
  GroupTarget target_;
  table::KeyEncoder keys_;
  table::RowCodec rows_;
  external::GroupBuilder builder_;
  memory::Pressure::Subscription subscription_;
  std::optional<external::GroupBuilder> null_builder_;  ///< Of integer keys, once a null has come.
  std::uint64_t row_limit_;
  std::uint64_t null_memory_bytes_;
  Worker& worker_;
  table::Batch null_rows_;
  std::vector<std::uint32_t> others_;
  std::vector<Values> values_;
  std::vector<std::byte> key_bytes_;
  std::vector<std::uint32_t> key_ends_;
  std::vector<std::byte> row_bytes_;
  std::vector<std::uint32_t> row_ends_;
  std::uint64_t position_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace

external::GroupFormat GroupTarget::format() const {
  return {.key_bytes = integer_keys ? 8U : 0U, .aggregates = results};
}

void GroupTarget::choose_keys() { integer_keys = by.size() == 1 && schema[by[0]].type == table::Type::int64; }

std::vector<table::SortColumn> GroupTarget::key_columns() const {
  std::vector<table::SortColumn> columns;
  for (const auto column : by) columns.push_back({.column = column});
  return columns;
}

std::unique_ptr<Sink> group_sink(const GroupTarget& target, const Setting& setting) {
  return std::make_unique<GroupSink>(target, setting);
}

}  // namespace surd::stream::detail
