// Packed rows: frames of u32 rows, u32 bytes, u32 end of each row, the rows.
#include <algorithm>
#include <cstring>

#include "surd/stream/detail/sinks.hpp"
#include "surd/stream/detail/spill_writer.hpp"

namespace surd::stream::detail {
namespace {

class RowsSink : public Sink {
 public:
  RowsSink(const RowsTarget& target, const Setting& setting)
      : limit_(target.limit),
        codec_(target.schema, all_columns(target.schema)),
        writer_(setting.worker, setting.memory.encode) {}

  void begin_unit(std::uint64_t) override { count_ = 0; }

  [[nodiscard]] bool full() const override { return limit_ > 0 && count_ >= limit_; }

  void push(table::Batch& rows, std::uint64_t) override {
    auto wanted = rows.rows;
    if (limit_ > 0) wanted = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, limit_ - count_));
    if (wanted == 0) return;
    codec_.encode(rows, bytes_, ends_);
    put_number(static_cast<std::uint32_t>(wanted));
    put_number(ends_[wanted - 1]);
    put(ends_.data(), wanted * sizeof ends_[0]);
    put(bytes_.data(), ends_[wanted - 1]);
    writer_.spill_if_full();
    count_ += wanted;
  }

  void end_unit() override {}

  void finish(UnitOutput& into) override {
    into.rows = count_;
    into.piece = writer_.finish();
    into.piece.records = count_;
  }

 private:
  void put_number(std::uint32_t value) { put(&value, sizeof value); }
  void put(const void* data, std::size_t size) {
    const auto* bytes = static_cast<const char*>(data);
    writer_.buffer().insert(writer_.buffer().end(), bytes, bytes + size);
  }

  std::uint64_t limit_;
  table::RowCodec codec_;
  SpillWriter writer_;
  std::vector<std::byte> bytes_;
  std::vector<std::uint32_t> ends_;
  std::uint64_t count_ = 0;
};

}  // namespace

std::unique_ptr<Sink> rows_sink(const RowsTarget& target, const Setting& setting) {
  return std::make_unique<RowsSink>(target, setting);
}

}  // namespace surd::stream::detail
