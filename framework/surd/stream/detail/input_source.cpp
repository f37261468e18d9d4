#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/stream/detail/segment.hpp"
#include "surd/stream/detail/source.hpp"

namespace surd::stream::detail {
namespace {

class InputSource : public Source {
 public:
  InputSource(std::shared_ptr<const BoundQuery> query, std::uint64_t unit_bytes)
      : query_(std::move(query)), splits_(query_->input->splits(unit_bytes)) {}

  [[nodiscard]] std::uint64_t units() const override { return splits_.size(); }

  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t) const override {
    // Splits of some formats count rows, and those of compressed files have no size: the mean serves.
    return splits_.empty() ? 0 : query_->input->bytes() / splits_.size();
  }

  [[nodiscard]] std::uint64_t beside_bytes() const override {
    return query_->input->beside_bytes(query_->needed);
  }

  void run(std::uint64_t first, std::uint64_t last, const Setting& setting, Flow& flow) override {
    table::Batch rows;
    for (auto unit = first; unit < last; ++unit) {
      flow.begin(unit);
      const auto reader = query_->input->read(splits_[unit], query_->needed, setting.worker.budget,
                                              setting.memory.reader, &setting.worker.io);
      std::uint64_t position = unit << 40U;
      while (!flow.full() && next(*reader, rows, setting.memory)) {
        const auto count = rows.rows;
        push(rows, position, flow);
        position += count;
        report(*reader, flow, false);
      }
      report(*reader, flow, true);
      flow.end();
    }
  }

 private:
  void push(table::Batch& rows, std::uint64_t position, Flow& flow) const {
    try {
      flow.push(rows, position);
    } catch (const RowError& e) {
      throw base::UsageError(fmt::format("{}: {}", place_of(e.position()), e.what()));
    }
  }

  /// Rows are counted without blank and bad ones, from where the split begins.
  [[nodiscard]] std::string place_of(std::uint64_t position) const {
    const auto unit = position >> 40U;
    const auto& split = splits_.at(unit);
    const auto row = position - (unit << 40U) + 1;
    const bool first = unit == 0 || splits_[unit - 1].file != split.file;
    const auto path = query_->input->file_path(split.file);
    return first ? fmt::format("{}, row {}", path, row)
                 : fmt::format("{}, row {} of the part from {} on", path, row, split.begin);
  }

  static bool next(table::BatchReader& reader, table::Batch& rows, const Division& memory) {
    try {
      return reader.next(rows);
    } catch (const table::LongRow& row) {
      throw base::UsageError(row.what() + advice(row, memory));
    }
  }

  static std::string advice(const table::LongRow& row, const Division& memory) {
    const auto needed = row.memory_for(row.row_bytes());
    if (needed > most_reader_bytes) {
      return fmt::format("; no --memory allows more than {}",
                         base::format_bytes(row.limit(most_reader_bytes)));
    }
    return memory_advice(memory, &Division::reader, needed);
  }

  /// Bad rows as they come, their number at the end.
  static void report(table::BatchReader& reader, Flow& flow, bool end) {
    if (reader.bad_rows() == 0) return;
    flow.bad(reader.take_bad_rows(), end ? reader.bad_rows() : 0);
  }

  std::shared_ptr<const BoundQuery> query_;
  std::vector<table::Split> splits_;
};

}  // namespace

std::unique_ptr<Source> input_source(std::shared_ptr<const BoundQuery> query, std::uint64_t unit_bytes) {
  return std::make_unique<InputSource>(std::move(query), unit_bytes);
}

std::vector<std::size_t> stretches(const std::vector<std::uint64_t>& bytes, std::uint64_t unit_bytes) {
  std::vector<std::size_t> begins{0};
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += bytes[i];
    if (sum >= unit_bytes || i + 1 == bytes.size()) {
      begins.push_back(i + 1);
      sum = 0;
    }
  }
  return begins;
}

}  // namespace surd::stream::detail
