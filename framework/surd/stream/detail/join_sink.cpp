#include "surd/external/join.hpp"

#include <algorithm>
#include <cstring>
#include <optional>

#include "surd/stream/detail/keyed_rows.hpp"
#include "surd/stream/detail/sinks.hpp"

namespace surd::stream::detail {
namespace {

std::vector<table::SortColumn> sort_columns(const std::vector<std::size_t>& columns) {
  std::vector<table::SortColumn> result;
  result.reserve(columns.size());
  for (const auto column : columns) result.push_back({.column = column});
  return result;
}

class JoinSink : public Sink {
 public:
  JoinSink(const JoinTarget& target, const Setting& setting)
      : target_(target),
        keys_(target.by, target.integer_keys),
        rows_(target.schema, target.pack),
        writer_(target.partitions, setting.worker.budget, setting.memory.heavy, setting.worker.spills.own(),
                setting.worker.spills.own_number(), setting.worker.io),
        null_memory_bytes_(setting.memory.encode / 2),
        worker_(setting.worker) {
    if (target.integer_keys) keyed_.emplace(target.schema, target.by[0], target.pack);
  }

  void begin_unit(std::uint64_t) override { count_ = 0; }

  void push(table::Batch& rows, std::uint64_t) override {
    keys_.encode(rows);
    if (keyed_) {
      keyed_->encode(rows, row_bytes_);
      put_keyed(rows);
    } else {
      rows_.encode(rows, row_bytes_, row_ends_);
      for (std::size_t i = 0; i < rows.rows; ++i) put(rows, i);
    }
    count_ += rows.rows;
  }

  void end_unit() override {}

  void finish(UnitOutput& into) override {
    into.rows = count_;
    into.partitions = writer_.finish();
    if (null_writer_) std::ranges::move(null_writer_->finish(), std::back_inserter(into.partitions));
    into.partitions.resize(target_.all_partitions());
  }

 private:
  void put(const table::Batch& rows, std::size_t i) {
    const auto row = encoded_row(row_bytes_, row_ends_, i);
    if (keys_.is_null(rows, i)) {
      if (!target_.drop_nulls) put_null(row);
      return;
    }
    const auto key = keys_.key(i);
    const auto hash = keys_.hash(i);
    auto* const into = writer_.append(hash, external::join_record_bytes(key, row));
    external::put_join_record(into, hash, key, row);
  }

  void put_keyed(const table::Batch& rows) {
    const auto bytes = keyed_->record_bytes();
    const auto& key = rows.columns[target_.by[0]];
    if (key.nulls.empty()) {
      hashes_.resize(key.integers.size());
      std::ranges::transform(key.integers, hashes_.begin(), [](std::int64_t number) {
        return external::hash_key(static_cast<std::uint64_t>(number));
      });
      return writer_.append_packed(hashes_, row_bytes_);
    }
    auto rest = std::span<const std::byte>(row_bytes_);
    for (std::size_t i = 0; i < rows.rows; ++i, rest = rest.subspan(bytes)) {
      const auto record = rest.first(bytes);
      if (!key.is_null(i)) {
        const auto hash = external::hash_key(static_cast<std::uint64_t>(key.integers[i]));
        writer_.append_packed({&hash, 1}, record);
      } else if (!target_.drop_nulls) {
        const auto hash = external::hash_key(record);  // they may be many: spread them
        null_writer().append_packed({&hash, 1}, record);
      }
    }
  }

  external::PartitionWriter& null_writer() {
    if (!null_writer_) {
      null_writer_.emplace(JoinTarget::null_partitions, worker_.budget, null_memory_bytes_,
                           worker_.spills.own(), worker_.spills.own_number(), worker_.io);
    }
    return *null_writer_;
  }

  /// Rows with null keys are spread by their content: they may be many.
  void put_null(std::span<const std::byte> row) {
    const auto hash = external::hash_key(row);
    auto* into = writer_.append(hash, external::join_record_bytes({}, row));
    const auto put = [&into](const void* data, std::size_t size) {
      if (size > 0) std::memcpy(into, data, size);
      into += size;
    };
    const auto row_bytes = static_cast<std::uint32_t>(row.size());
    put(&hash, sizeof hash);
    put(&external::null_key, sizeof external::null_key);
    put(&row_bytes, sizeof row_bytes);
    put(row.data(), row.size());
  }

  JoinTarget target_;
  JoinKeys keys_;
  table::RowCodec rows_;
  std::optional<KeyedRows> keyed_;
  /// In the same memory throughout, and all of a task at once: results are in an order that depends on its
  /// extents.
  external::PartitionWriter writer_;
  std::optional<external::PartitionWriter> null_writer_;  ///< Of keyed rows, once a null has come.
  std::uint64_t null_memory_bytes_;
  Worker& worker_;
  std::vector<std::byte> row_bytes_;
  std::vector<std::uint32_t> row_ends_;
  std::vector<std::uint64_t> hashes_;
  std::uint64_t count_ = 0;
};

}  // namespace

JoinKeys::JoinKeys(std::vector<std::size_t> columns, bool integers)
    : columns_(std::move(columns)), are_integers_(integers), encoder_(sort_columns(columns_)) {}

void JoinKeys::encode(const table::Batch& rows) {
  if (are_integers_) {
    integers_ = rows.columns[columns_[0]].integers;
  } else {
    encoder_.encode(rows, bytes_, ends_);
  }
}

std::span<const std::byte> JoinKeys::key(std::size_t row) const noexcept {
  return are_integers_ ? std::as_bytes(integers_.subspan(row, 1)) : encoded_row(bytes_, ends_, row);
}

std::uint64_t JoinKeys::hash(std::size_t row) const noexcept {
  if (are_integers_) return external::hash_key(static_cast<std::uint64_t>(integers_[row]));
  return external::hash_key(key(row));
}

bool JoinKeys::is_null(const table::Batch& rows, std::size_t row) const noexcept {
  for (const auto column : columns_) {
    if (rows.columns[column].is_null(row)) return true;
  }
  return false;
}

std::unique_ptr<Sink> join_sink(const JoinTarget& target, const Setting& setting) {
  return std::make_unique<JoinSink>(target, setting);
}

}  // namespace surd::stream::detail
