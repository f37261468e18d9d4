#include <algorithm>
#include <bit>
#include <optional>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/stream/detail/batch_builder.hpp"
#include "surd/stream/detail/source.hpp"

namespace surd::stream::detail {
namespace {

using external::Groups;
using external::ResultColumn;

class GroupSource : public Source {
 public:
  GroupSource(const GroupTarget& target, table::Schema schema, std::span<const Artifact> parts,
              std::uint64_t unit_bytes)
      : target_(target), schema_(std::move(schema)), table_(parts, target.all_partitions()) {
    std::vector<std::uint64_t> bytes;
    for (std::size_t p = 0; p < target.all_partitions(); ++p) bytes.push_back(table_.bytes(p));
    if (table_.bytes() > 0) begins_ = stretches(bytes, unit_bytes);
  }

  [[nodiscard]] std::uint64_t units() const override { return begins_.size() - 1; }

  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override {
    std::uint64_t bytes = 0;
    for (auto p = begins_[unit]; p < begins_[unit + 1]; ++p) bytes += table_.bytes(p);
    return bytes;
  }

  void run(std::uint64_t first, std::uint64_t last, const Setting& setting, Flow& flow) override {
    std::optional<Merge> keys;
    bool wanted_all = true;
    for (auto unit = first; unit < last; ++unit) {
      flow.begin(unit);
      const auto nulls = first_null(begins_[unit], begins_[unit + 1]);
      if (begins_[unit] < nulls && !flow.full()) {
        if (!keys || keys->end() < nulls) {
          keys.reset();  // its memory first
          keys.emplace(*this, unit, wanted_all ? last : unit + 1, setting);
        }
        keys->push_until(nulls, flow);
      }
      if (flow.full()) wanted_all = false;
      if (flow.full() || nulls < begins_[unit + 1]) keys.reset();
      if (nulls < begins_[unit + 1] && !flow.full()) {
        Merge(*this, unit, setting).push_until(begins_[unit + 1], flow);
      }
      flow.end();
    }
  }

 private:
  /// Of partitions [first, last), those of rows without a key come last.
  [[nodiscard]] std::uint64_t first_null(std::uint64_t first, std::uint64_t last) const {
    return std::clamp<std::uint64_t>(target_.partitions, first, last);
  }

  /// Partitions, all of keys or all of rows without one, by one merger: it takes its memory once, and reads
  /// ahead.
  class Merge {
   public:
    /// Those of keys from `unit` on: of all units before `last`, or as many as have few extents.
    Merge(const GroupSource& source, std::uint64_t unit, std::uint64_t last, const Setting& setting)
        : Merge(source, setting, source.begins_[unit]) {
      const auto most_bytes = setting.memory.heavy / 32;  // nobody reserves them
      for (; unit < last && extent_bytes_ < most_bytes; ++unit) {
        add_until(source.first_null(source.begins_[unit], source.begins_[unit + 1]));
      }
      open();
    }
    /// Those of rows without a key of one unit.
    Merge(const GroupSource& source, std::uint64_t unit, const Setting& setting)
        : Merge(source, setting, source.first_null(source.begins_[unit], source.begins_[unit + 1])) {
      add_until(source.begins_[unit + 1]);
      open();
    }

    [[nodiscard]] std::uint64_t end() const noexcept { return end_; }

    /// Gives the groups of the partitions before `end` that were not given yet.
    void push_until(std::uint64_t end, Flow& flow) {
      auto position = first_ << 40U;
      const auto count = std::ranges::lower_bound(numbers_, end) - numbers_.begin();
      while (merger_ && !flow.full() &&
             source_.next(*merger_, static_cast<std::size_t>(count), null_key_, setting_.memory, groups_)) {
        if (source_.target_.first_rows) {
          position = source_.push_first_rows(groups_, setting_, flow, position);
        } else {
          const auto rows = groups_.rows;
          source_.to_rows(groups_, null_key_, rows_);
          flow.push(rows_, position);
          position += rows;
        }
      }
      first_ = end;
    }

   private:
    Merge(const GroupSource& source, const Setting& setting, std::uint64_t first)
        : source_(source),
          setting_(setting),
          first_(first),
          end_(first),
          null_key_(first >= source.target_.partitions),
          files_(setting.worker.spills) {}

    void add_until(std::uint64_t end) {
      for (; end_ < end; ++end_) {
        if (source_.table_.bytes(end_) == 0) continue;
        numbers_.push_back(end_);
        for (auto& part : partitions_.emplace_back(source_.table_.parts(end_))) {
          part.file = files_.index(part.file);
          extent_bytes_ += sizeof part + part.extents.size() * sizeof part.extents[0];
        }
      }
    }

    void open() {
      if (partitions_.empty()) return;
      auto format = source_.target_.format();
      if (null_key_) format.key_bytes = 0;
      merger_.emplace(format, files_.list(), std::move(partitions_[0]), setting_.worker.budget,
                      setting_.memory.heavy, setting_.worker.files, setting_.worker.scratch,
                      setting_.worker.io);
      for (std::size_t i = 1; i < partitions_.size(); ++i) merger_->add(std::move(partitions_[i]));
      partitions_ = {};
    }

    const GroupSource& source_;
    const Setting& setting_;
    std::uint64_t first_;  ///< Partition whose groups come next.
    std::uint64_t end_;    ///< Behind the last one.
    bool null_key_;
    OpenFiles files_;
    std::vector<std::vector<external::PartitionExtents>> partitions_;  ///< Until the merger has them.
    std::uint64_t extent_bytes_ = 0;
    std::vector<std::uint64_t> numbers_;  ///< Of the merger's partitions.
    std::optional<external::GroupMerger> merger_;
    Groups groups_;
    table::Batch rows_;
  };

  bool next(external::GroupMerger& merger, std::size_t end, bool null_key, const Division& memory,
            Groups& groups) const {
    try {
      return merger.next(groups, end);
    } catch (const external::GroupError& e) {
      auto text = fmt::format("{}: {}", target_.step, e.with(key_text(e.key(), null_key)));
      if (e.memory_share() > 0) {
        const auto needed =
            static_cast<std::uint64_t>(e.memory_share() * static_cast<double>(memory.heavy)) + 1;
        text += memory_advice(memory, &Division::heavy, needed) + ", and more if the group goes on";
      }
      throw base::UsageError(text);
    }
  }

  /// "product = 'apple', year = 2024"
  [[nodiscard]] std::string key_text(const external::GroupError::Key& key, bool null_key) const {
    std::vector<table::Column> values(target_.by.size());
    for (std::size_t i = 0; i < values.size(); ++i) values[i].clear(target_.schema[target_.by[i]].type);
    if (null_key) {
      values[0].push_null();
    } else if (target_.integer_keys) {
      values[0].push_integer(static_cast<std::int64_t>(key.number));
    } else {
      table::KeyEncoder(target_.key_columns()).decode(key.bytes, values);
    }
    std::string text;
    for (std::size_t i = 0; i < values.size(); ++i) {
      text +=
          fmt::format("{}{} = {}", i == 0 ? "" : ", ", target_.schema[target_.by[i]].name, shown(values[i]));
    }
    return text.empty() ? "of all rows" : text;
  }

  static std::string shown(const table::Column& value) {
    if (value.is_null(0)) return "null";
    switch (value.type) {
      case table::Type::int64:
        return fmt::format("{}", value.integers[0]);
      case table::Type::float64:
        return fmt::format("{}", value.numbers[0]);
      case table::Type::boolean:
        return value.integers[0] != 0 ? "true" : "false";
      case table::Type::text:
        break;
    }
    const auto text = value.text(0);
    return fmt::format("'{}{}'", text.substr(0, 64), text.size() > 64 ? "..." : "");
  }

  /// Keys, then results.
  void to_rows(Groups& groups, bool null_key, table::Batch& rows) const {
    rows.clear(schema_);
    rows.rows = groups.rows;
    if (null_key) {
      for (std::size_t i = 0; i < groups.rows; ++i) rows.columns[0].push_null();
    } else if (target_.integer_keys) {
      auto& integers = rows.columns[0].integers;
      integers.resize(groups.rows);
      std::memcpy(integers.data(), groups.keys.data(), groups.rows * sizeof integers[0]);
    } else if (!target_.by.empty()) {
      decode_keys(groups, rows);
    }
    for (std::size_t i = 0; i < groups.results.size(); ++i) {
      move_result(groups.results[i], rows.columns[target_.by.size() + i]);
    }
  }

  void decode_keys(const Groups& groups, table::Batch& rows) const {
    const table::KeyEncoder encoder(target_.key_columns());
    std::vector<table::Column> keys(
        std::make_move_iterator(rows.columns.begin()),
        std::make_move_iterator(rows.columns.begin() + static_cast<std::ptrdiff_t>(target_.by.size())));
    for (std::size_t i = 0; i < groups.rows; ++i) {
      encoder.decode(encoded_row(groups.key_bytes, groups.key_ends, i), keys);
    }
    std::move(keys.begin(), keys.end(), rows.columns.begin());
  }

  static void move_result(ResultColumn& from, table::Column& into) {
    into.integers.swap(from.integers);
    into.numbers.swap(from.numbers);
    const auto* text = reinterpret_cast<const char*>(from.bytes.data());
    into.bytes.assign(text, text + from.bytes.size());
    into.ends.swap(from.ends);
    into.nulls.swap(from.nulls);
  }

  /// Groups whose one result is a packed row.
  std::uint64_t push_first_rows(const Groups& groups, const Setting& setting, Flow& flow,
                                std::uint64_t position) const {
    BatchBuilder builder(schema_, setting.memory.batch);
    const auto& packed = groups.results.at(0);
    for (std::size_t i = 0; i < groups.rows; ++i) {
      builder.add(encoded_row(packed.bytes, packed.ends, i));
      if (!builder.full() && i + 1 < groups.rows) continue;
      const auto count = builder.rows().rows;
      flow.push(builder.rows(), position);
      position += count;
      builder.clear();
    }
    return position;
  }

  GroupTarget target_;
  table::Schema schema_;
  PartitionTable table_;
  std::vector<std::size_t> begins_{0};
};

}  // namespace

std::unique_ptr<Source> group_source(const GroupTarget& target, table::Schema schema,
                                     std::span<const Artifact> parts, std::uint64_t unit_bytes) {
  return std::make_unique<GroupSource>(target, std::move(schema), parts, unit_bytes);
}

}  // namespace surd::stream::detail
