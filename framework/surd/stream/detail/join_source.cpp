#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/join.hpp"
#include "surd/stream/detail/keyed_rows.hpp"
#include "surd/stream/detail/source.hpp"

namespace surd::stream::detail {
namespace {

using external::PartitionExtents;

/// Makes rows of the result from pairs of rows.
class PairBuilder {
 public:
  PairBuilder(const JoinPlan& plan, const Division& memory)
      : plan_(plan),
        left_(plan.left.schema, plan.left.pack),
        right_(plan.right.schema, plan.right.pack),
        limit_(memory.batch / 2),
        row_limit_(memory.row) {
    if (plan.left.integer_keys) {
      keyed_left_.emplace(plan.left.schema, plan.left.by[0], plan.left.pack);
      keyed_right_.emplace(plan.right.schema, plan.right.by[0], plan.right.pack);
    }
    clear();
  }

  [[nodiscard]] external::JoinFormat format() const {
    return {.key_bytes = 8,
            .left_record_bytes = keyed_left_->record_bytes(),
            .right_record_bytes = keyed_right_->record_bytes()};
  }
  /// Of keyed rows.
  void add(const external::JoinRows& rows) {
    keyed_left_->decode(rows.left, rows_.columns, 0);
    if (plan_.schema.size() > plan_.left.pack.size()) {
      keyed_right_->decode(rows.right, rows_.columns, plan_.left.pack.size());
    }
    rows_.rows += rows.left.size();
    bytes_ += rows.left.size() * 8 * plan_.schema.size();
  }

  void add(std::span<const std::byte> left, std::span<const std::byte> right) {
    left_.decode(left, rows_.columns);
    add_right(right, left.size());
  }

  /// Rows of the plan's left schema come next.
  void begin(const table::Batch& left) {
    left_row_bytes_ = left.rows == 0 ? 0 : left.memory_bytes() / left.rows;
  }
  void add(const table::Batch& left, std::size_t row, std::span<const std::byte> right) {
    for (std::size_t i = 0; i < plan_.left.pack.size(); ++i) {
      rows_.columns[i].push(left.columns[plan_.left.pack[i]], row);
    }
    add_right(right, left_row_bytes_);
  }

  [[nodiscard]] bool full() const noexcept { return rows_.rows >= 4096 || bytes_ >= limit_; }
  [[nodiscard]] table::Batch& rows() noexcept { return rows_; }

  void clear() {
    rows_.clear(plan_.schema);
    bytes_ = 0;
  }

 private:
  void add_right(std::span<const std::byte> right, std::uint64_t left_bytes) {
    const auto row_bytes = left_bytes + right.size();
    if (row_bytes > row_limit_) {
      throw ShareTooSmall{fmt::format("a joined row has {}", base::format_bytes(row_bytes)), &Division::row,
                          row_bytes};
    }
    const auto first = plan_.left.pack.size();
    const auto columns = plan_.schema.size() - first;
    if (columns > 0 && keyed_right_) {
      keyed_right_->decode({&right, 1}, rows_.columns, first);
    } else if (columns > 0 && !right.empty()) {
      right_.decode(right, rows_.columns, first);
    } else {
      for (std::size_t i = 0; i < columns; ++i) rows_.columns[first + i].push_null();
    }
    bytes_ += row_bytes;
    ++rows_.rows;
  }

  const JoinPlan& plan_;
  table::RowCodec left_;
  table::RowCodec right_;
  std::optional<KeyedRows> keyed_left_;
  std::optional<KeyedRows> keyed_right_;
  std::uint64_t limit_;
  std::uint64_t row_limit_;
  std::uint64_t bytes_ = 0;
  std::uint64_t left_row_bytes_ = 0;
  table::Batch rows_;
};

/// Some parts of a partition of the left, and all of the right's.
struct Task {
  std::size_t partition = 0;
  std::size_t first_part = 0;
  std::size_t parts = 0;
};

class JoinSource : public Source {
 public:
  JoinSource(const JoinPlan& plan, std::span<const Artifact> left, std::span<const Artifact> right,
             std::uint64_t unit_bytes)
      : plan_(plan), left_(left, plan.left.all_partitions()), right_(right, plan.right.partitions) {
    std::vector<std::uint64_t> bytes;
    for (std::size_t p = 0; p < plan.left.all_partitions(); ++p) {
      const auto right_bytes = p < right_.partitions() ? right_.bytes(p) : 0;
      std::vector<std::uint64_t> part_bytes;
      for (const auto& part : left_.parts(p)) part_bytes.push_back(part.bytes());
      // A partition with a heavy key is cut by the left's parts: each goes on its own over the right.
      const auto begins = stretches(part_bytes, std::max(unit_bytes, right_bytes));
      for (std::size_t i = 0; i + 1 < begins.size(); ++i) {
        tasks_.push_back({.partition = p, .first_part = begins[i], .parts = begins[i + 1] - begins[i]});
        auto& size = bytes.emplace_back(right_bytes);
        for (auto part = begins[i]; part < begins[i + 1]; ++part) size += part_bytes[part];
      }
    }
    begins_ = stretches(bytes, unit_bytes);
    for (std::size_t unit = 0; unit + 1 < begins_.size(); ++unit) {
      auto& sum = unit_bytes_.emplace_back(0);
      for (auto i = begins_[unit]; i < begins_[unit + 1]; ++i) sum += bytes[i];
    }
  }

  [[nodiscard]] std::uint64_t units() const override { return unit_bytes_.size(); }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t unit) const override { return unit_bytes_[unit]; }

  void run(std::uint64_t first, std::uint64_t last, const Setting& setting, Flow& flow) override {
    PairBuilder builder(plan_, setting.memory);
    for (auto unit = first; unit < last; ++unit) {
      flow.begin(unit);
      for (auto i = begins_[unit]; i < begins_[unit + 1] && !flow.full(); ++i) {
        join(tasks_[i], setting, builder, flow);
      }
      flow.end();
    }
  }

 private:
  void join(const Task& task, const Setting& setting, PairBuilder& builder, Flow& flow) {
    OpenFiles files(setting.worker.spills);
    auto left = left_.parts(task.partition);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(task.first_part + task.parts), left.end());
    left.erase(left.begin(), left.begin() + static_cast<std::ptrdiff_t>(task.first_part));
    std::vector<PartitionExtents> right;  // null keys have none
    if (task.partition < right_.partitions()) right = right_.parts(task.partition);
    for (auto& part : left) part.file = files.index(part.file);
    for (auto& part : right) part.file = files.index(part.file);
    const auto pass_on = [&] {
      if (builder.rows().rows > 0) flow.push(builder.rows(), 0);
      builder.clear();
    };
    const external::JoinSide left_side{files.list(), std::move(left)};
    const external::JoinSide right_side{files.list(), std::move(right)};
    const auto& worker = setting.worker;
    if (plan_.left.integer_keys) {
      external::join_partition(plan_.kind, builder.format(), left_side, right_side, worker.budget,
                               setting.memory.heavy, worker.files, worker.scratch, worker.io,
                               [&](const external::JoinRows& rows) {
                                 builder.add(rows);
                                 if (builder.full()) pass_on();
                               });
    } else {
      external::join_partition(
          plan_.kind, left_side, right_side, worker.budget, setting.memory.heavy, worker.files,
          worker.scratch, worker.io,
          [&](std::span<const std::byte> left_row, std::span<const std::byte> right_row) {
            builder.add(left_row, right_row);
            if (builder.full()) pass_on();
          });
    }
    pass_on();
  }

  JoinPlan plan_;
  PartitionTable left_;
  PartitionTable right_;
  std::vector<Task> tasks_;
  std::vector<std::size_t> begins_;
  std::vector<std::uint64_t> unit_bytes_;
};

/// What a right side takes as a BroadcastTable.
std::uint64_t table_bytes(const JoinTarget& target, const PartitionTable& right) {
  if (!target.integer_keys) return external::BroadcastTable::least_memory(right.records(), right.bytes());
  constexpr std::array<std::byte, 8> key{};
  const auto record_bytes = KeyedRows(target.schema, target.by[0], target.pack).record_bytes();
  return external::BroadcastTable::least_memory(
      right.records(), right.records() * (record_bytes + external::join_record_bytes(key, {})));
}

/// The right side in memory.
class BroadcastJoin : public Operator {
 public:
  BroadcastJoin(const JoinPlan& plan, std::span<const Artifact> right, const Setting& setting, Operator& next)
      : plan_(plan),
        keys_(plan.left.by, plan.left.integer_keys),
        table_(setting.worker.budget, setting.memory.broadcast / 2),
        builder_(plan_, setting.memory),
        next_(next) {
    if (plan.right.integer_keys) right_record_bytes_ = builder_.format().right_record_bytes;
    const PartitionTable table(right, plan.right.partitions);
    check_memory(table, setting.memory);
    for (std::size_t p = 0; p < plan.right.partitions; ++p) {
      if (auto parts = table.parts(p); !parts.empty()) load(std::move(parts), setting);
    }
  }

  void push(table::Batch& rows, std::uint64_t) override {
    keys_.encode(rows);
    builder_.begin(rows);
    for (std::size_t i = 0; i < rows.rows; ++i) match(rows, i);
    pass_on();
  }

  void end_unit() override { next_.end_unit(); }

 private:
  void check_memory(const PartitionTable& right, const Division& memory) const {
    const auto bytes = table_bytes(plan_.right, right);
    if (2 * bytes <= memory.broadcast) return;
    throw ShareTooSmall{
        fmt::format("the {} rows of the right side take {}", right.records(), base::format_bytes(bytes)),
        &Division::broadcast, 2 * bytes};
  }

  void load(std::vector<PartitionExtents> parts, const Setting& setting) {
    OpenFiles files(setting.worker.spills);
    for (auto& part : parts) part.file = files.index(part.file);
    external::PartitionReader reader(files.list(), std::move(parts), setting.worker.budget,
                                     setting.memory.broadcast / 2, setting.worker.io, right_record_bytes_);
    for (auto block = reader.next(); !block.empty(); block = reader.next()) {
      base::ByteReader records(block);
      while (records.remaining() > 0) plan_.right.integer_keys ? insert_keyed(records) : insert(records);
    }
  }

  void insert_keyed(base::ByteReader& records) {
    const auto record = records.take(right_record_bytes_);
    std::uint64_t key = 0;
    std::memcpy(&key, record.data(), sizeof key);
    insert(external::hash_key(key), record.first(sizeof key), record);
  }

  void insert(base::ByteReader& records) {
    const auto hash = records.get<std::uint64_t>();
    const auto key_bytes = records.get<std::uint32_t>();
    const auto row_bytes = records.get<std::uint32_t>();
    const auto key = records.take(key_bytes);
    insert(hash, key, records.take(row_bytes));
  }

  void insert(std::uint64_t hash, std::span<const std::byte> key, std::span<const std::byte> row) {
    base::expect(table_.insert(hash, key, row), "more rows of a join's right side than were counted");
  }

  void match(const table::Batch& rows, std::size_t row) {
    using external::JoinKind;
    std::span<const std::span<const std::byte>> found;
    if (!keys_.is_null(rows, row)) found = table_.find(keys_.hash(row), keys_.key(row));
    switch (plan_.kind) {
      case JoinKind::semi:
        if (!found.empty()) add(rows, row, {});
        return;
      case JoinKind::anti:
        if (found.empty()) add(rows, row, {});
        return;
      case JoinKind::left:
        if (found.empty()) add(rows, row, {});
        break;
      case JoinKind::inner:
        break;
    }
    for (const auto& right : found) add(rows, row, right);
  }

  void add(const table::Batch& rows, std::size_t row, std::span<const std::byte> right) {
    builder_.add(rows, row, right);
    if (builder_.full()) pass_on();
  }

  void pass_on() {
    if (builder_.rows().rows > 0) next_.push(builder_.rows(), 0);
    builder_.clear();
  }

  JoinPlan plan_;
  JoinKeys keys_;
  external::BroadcastTable table_;
  PairBuilder builder_;
  std::uint32_t right_record_bytes_ = 0;  ///< Of keyed rows.
  Operator& next_;
};

}  // namespace

bool is_small(const JoinTarget& target, std::span<const Artifact> right) {
  return table_bytes(target, PartitionTable(right, target.partitions)) <= broadcast_limit_bytes;
}

std::unique_ptr<Source> join_source(const JoinPlan& plan, std::span<const Artifact> left,
                                    std::span<const Artifact> right, std::uint64_t unit_bytes) {
  return std::make_unique<JoinSource>(plan, left, right, unit_bytes);
}

std::unique_ptr<Operator> broadcast_join(const JoinPlan& plan, std::span<const Artifact> right,
                                         const Setting& setting, Operator& next) {
  return std::make_unique<BroadcastJoin>(plan, right, setting, next);
}

}  // namespace surd::stream::detail
