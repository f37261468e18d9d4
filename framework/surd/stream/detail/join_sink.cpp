#include "surd/external/join.hpp"
#include "surd/stream/detail/sinks.hpp"

namespace surd::stream::detail {
namespace {

std::vector<table::SortColumn> sort_columns(const std::vector<std::size_t>& columns) {
  std::vector<table::SortColumn> result;
  for (const auto column : columns) result.push_back({.column = column});
  return result;
}

class JoinSink : public Sink {
 public:
  JoinSink(const JoinTarget& target, const Setting& setting)
      : drop_nulls_(target.drop_nulls),
        keys_(target.by),
        rows_(target.schema, target.pack),
        writer_(target.partitions, setting.worker.budget, setting.memory.heavy, setting.worker.spills.own(),
                setting.worker.spills.own_number(), setting.worker.io) {}

  void begin_unit(std::uint64_t) override { count_ = 0; }

  void push(table::Batch& rows, std::uint64_t) override {
    keys_.encode(rows);
    rows_.encode(rows, row_bytes_, row_ends_);
    for (std::size_t i = 0; i < rows.rows; ++i) {
      const auto row = encoded_row(row_bytes_, row_ends_, i);
      if (keys_.is_null(rows, i)) {
        if (!drop_nulls_) put_null(row);
      } else {
        const auto key = keys_.key(i);
        const auto hash = keys_.hash(i);
        auto* const into = writer_.append(hash, external::join_record_bytes(key, row));
        external::put_join_record(into, hash, key, row);
      }
    }
    count_ += rows.rows;
  }

  void end_unit() override {}

  void finish(UnitOutput& into) override {
    into.rows = count_;
    into.partitions = writer_.finish();
  }

 private:
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

  bool drop_nulls_;
  JoinKeys keys_;
  table::RowCodec rows_;
  external::PartitionWriter writer_;
  std::vector<std::byte> row_bytes_;
  std::vector<std::uint32_t> row_ends_;
  std::uint64_t count_ = 0;
};

}  // namespace

JoinKeys::JoinKeys(std::vector<std::size_t> columns)
    : columns_(std::move(columns)), encoder_(sort_columns(columns_)) {}

void JoinKeys::encode(const table::Batch& rows) { encoder_.encode(rows, bytes_, ends_); }

std::span<const std::byte> JoinKeys::key(std::size_t row) const noexcept {
  return encoded_row(bytes_, ends_, row);
}

std::uint64_t JoinKeys::hash(std::size_t row) const noexcept { return external::hash_key(key(row)); }

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
