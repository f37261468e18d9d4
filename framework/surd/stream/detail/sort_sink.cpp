#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/sort.hpp"
#include "surd/external/top_n.hpp"
#include "surd/stream/detail/division.hpp"
#include "surd/stream/detail/sinks.hpp"

namespace surd::stream::detail {
namespace {

class SortSink : public Sink {
 public:
  SortSink(const SortTarget& target, const Setting& setting)
      : stretch_bytes_(bytes_per_commit(setting.memory.heavy, setting.worker.epoch_bytes)),
        step_(target.step),
        schema_(target.schema),
        memory_(setting.memory),
        ordinary_bytes_(
            std::min({setting.memory.heavy / 4, setting.memory.row, external::record_limit_bytes})),
        keys_(target.by),
        rows_(target.schema, all_columns(target.schema)),
        limit_(target.limit),
        worker_(setting.worker),
        memory_bytes_(setting.memory.heavy),
        builder_(sorted_rows_format(), setting.worker.budget, keeps_few() ? memory_bytes_ / 2 : memory_bytes_,
                 setting.worker.spills.own(), setting.worker.spills.own_number(), setting.worker.io),
        // Under pressure the runs get shorter; the merge still takes them all.
        subscription_(setting.worker.pressure.subscribe(
            memory::Level::high, [this, half = setting.memory.heavy / (keeps_few() ? 4 : 2)](memory::Level) {
              builder_.shrink(half);
            })) {}

  void begin_unit(std::uint64_t) override {}
  [[nodiscard]] std::uint64_t stretch_bytes() const override { return stretch_bytes_; }

  void push(table::Batch& rows, std::uint64_t) override {
    keys_.encode(rows, key_bytes_, key_ends_);
    rows_.encode(rows, row_bytes_, row_ends_);
    if (keeps_few() && !first_rows_) {
      first_rows_.emplace(sorted_rows_format(), limit_, worker_.budget, memory_bytes_ / 2, worker_.files,
                          worker_.scratch);
    }
    for (std::size_t i = 0; i < rows.rows; ++i) {
      const auto key = encoded_row(key_bytes_, key_ends_, i);
      const auto row = encoded_row(row_bytes_, row_ends_, i);
      if (key.size() + row.size() > ordinary_bytes_) check_length(rows, i, key.size(), row.size());
      first_rows_ ? first_rows_->push(key, row) : builder_.push(key, row);
    }
    count_ += rows.rows;
  }

  void end_unit() override {}

  void finish(UnitOutput& into) override {
    into.rows = std::exchange(count_, 0);
    if (first_rows_) {
      const auto sorted = std::move(*first_rows_).finish();
      for (auto block = sorted->next(); !block.empty(); block = sorted->next()) builder_.push(block);
    }
    first_rows_.reset();
    into.runs = builder_.finish();
  }

 private:
  /// @throws UsageError  if a row does not fit a record, or no run holds it.
  void check_length(const table::Batch& rows, std::size_t row, std::size_t key_bytes,
                    std::size_t row_bytes) const {
    const auto bytes = key_bytes + row_bytes;
    const auto least = external::least_run_memory(sorted_rows_format(), bytes);
    const auto needed = limit_ > 0 ? 2 * least : least;  // a half goes to few rows that are kept
    const bool fits = needed <= memory_.heavy;
    if (bytes <= external::record_limit_bytes && bytes <= memory_.row && fits) return;
    std::size_t longest = 0;
    std::size_t longest_bytes = 0;
    for (std::size_t i = 0; i < rows.columns.size(); ++i) {
      const auto& column = rows.columns[i];
      const auto text = column.type == table::Type::text ? column.text(row).size() : 0;
      if (text > longest_bytes) longest = i;
      longest_bytes = std::max(longest_bytes, text);
    }
    const auto what =
        fmt::format("{}: column {} of a row has {}, the row and its key {}", step_, schema_[longest].name,
                    base::format_bytes(longest_bytes), base::format_bytes(bytes));
    if (bytes > external::record_limit_bytes) {
      throw base::UsageError(fmt::format("{}; at most {} can be sorted", what,
                                         base::format_bytes(external::record_limit_bytes)));
    }
    throw base::UsageError(what + (fits ? memory_advice(memory_, &Division::row, bytes)
                                        : memory_advice(memory_, &Division::heavy, needed)));
  }

  /// So few rows are wanted that they most likely fit: others need not be sorted or written. (If they do not
  /// fit, TopN sorts them in scratch files.)
  [[nodiscard]] bool keeps_few() const noexcept {
    constexpr std::uint64_t row_bytes = 128;
    return limit_ > 0 && limit_ <= memory_bytes_ / 8 / row_bytes;
  }

  std::uint64_t stretch_bytes_;
  std::string step_;
  table::Schema schema_;
  Division memory_;
  std::uint64_t ordinary_bytes_;  ///< Keys and rows that need no closer look.
  table::KeyEncoder keys_;
  table::RowCodec rows_;
  std::uint64_t limit_;
  Worker& worker_;
  std::uint64_t memory_bytes_;
  std::optional<external::TopN> first_rows_;
  external::RunBuilder builder_;
  memory::Pressure::Subscription subscription_;
  std::vector<std::byte> key_bytes_;
  std::vector<std::uint32_t> key_ends_;
  std::vector<std::byte> row_bytes_;
  std::vector<std::uint32_t> row_ends_;
  std::uint64_t count_ = 0;
};

}  // namespace

external::RecordFormat sorted_rows_format() { return {.record_bytes = 0, .key = {}}; }

std::span<const std::byte> encoded_row(const std::vector<std::byte>& bytes,
                                       const std::vector<std::uint32_t>& ends, std::size_t row) noexcept {
  const std::size_t begin = row == 0 ? 0 : ends[row - 1];
  return std::span(bytes).subspan(begin, ends[row] - begin);
}

std::vector<std::size_t> all_columns(const table::Schema& schema) {
  std::vector<std::size_t> columns(schema.size());
  std::iota(columns.begin(), columns.end(), std::size_t{0});
  return columns;
}

std::unique_ptr<Sink> sort_sink(const SortTarget& target, const Setting& setting) {
  return std::make_unique<SortSink>(target, setting);
}

}  // namespace surd::stream::detail
