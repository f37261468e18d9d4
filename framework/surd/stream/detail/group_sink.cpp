#include <utility>

#include "surd/stream/detail/bind.hpp"
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
      : stretch_bytes_(4 * setting.memory.heavy),  // groups met again are put together
        target_(target),
        keys_(target.key_columns()),
        rows_(target.schema, all_columns(target.schema)),
        builder_(target.format(), target.partitions, setting.worker.budget, setting.memory.heavy,
                 setting.worker.spills.own(), setting.worker.spills.own_number(), setting.worker.io),
        subscription_(setting.worker.pressure.subscribe(
            memory::Level::high,
            [this, half = setting.memory.heavy / 2](memory::Level) { builder_.shrink(half); })),
        values_(target.results.size()) {}

  void begin_unit(std::uint64_t unit) override {
    position_ = unit << 40U;  // positions need only ascend
  }
  [[nodiscard]] std::uint64_t stretch_bytes() const override { return stretch_bytes_; }

  void push(table::Batch& rows, std::uint64_t) override {
    external::GroupInput input;
    input.rows = rows.rows;
    input.first_position = position_;
    if (target_.integer_keys) {
      const auto& integers = rows.columns[target_.by[0]].integers;
      input.keys = {reinterpret_cast<const std::uint64_t*>(integers.data()), integers.size()};
    } else {
      keys_.encode(rows, key_bytes_, key_ends_);
      input.byte_keys = {.bytes = key_bytes_, .ends = key_ends_};
    }
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
    input.values = values_;
    builder_.push(input);
    position_ += rows.rows;
    count_ += rows.rows;
  }

  void end_unit() override {}

  void finish(UnitOutput& into) override {
    into.rows = std::exchange(count_, 0);
    into.partitions = builder_.finish();
  }

 private:
  std::uint64_t stretch_bytes_;
  GroupTarget target_;
  table::KeyEncoder keys_;
  table::RowCodec rows_;
  external::GroupBuilder builder_;
  memory::Pressure::Subscription subscription_;
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

std::vector<table::SortColumn> GroupTarget::key_columns() const {
  std::vector<table::SortColumn> columns;
  for (const auto column : by) columns.push_back({.column = column});
  return columns;
}

std::unique_ptr<Sink> group_sink(const GroupTarget& target, const Setting& setting) {
  return std::make_unique<GroupSink>(target, setting);
}

}  // namespace surd::stream::detail
