#include <algorithm>

#include "surd/external/sort.hpp"
#include "surd/stream/detail/batch_builder.hpp"
#include "surd/stream/detail/source.hpp"

namespace surd::stream::detail {
namespace {

using external::CutPosition;
using external::Run;
using external::RunRange;

/// The row in a record of sorted_rows_format(): behind the key.
std::span<const std::byte> row_of(std::span<const std::byte> record) {
  std::uint32_t key_bytes = 0;
  std::memcpy(&key_bytes, record.data(), sizeof key_bytes);
  return record.subspan(external::variable_header_bytes + key_bytes);
}

class MergeSource : public Source {
 public:
  MergeSource(table::Schema schema, std::vector<Run> runs, Range range, std::uint64_t unit_bytes)
      : schema_(std::move(schema)), runs_(std::move(runs)) {
    std::uint64_t records = 0;
    for (const auto& run : runs_) {
      records += run.records;
      bytes_ += run.bytes;
    }
    begin_ = std::min(range.skip, records);
    rows_ = std::min(range.take, records - begin_);
    if (rows_ == 0) return;
    bytes_ = static_cast<std::uint64_t>(static_cast<double>(bytes_) / static_cast<double>(records) *
                                        static_cast<double>(rows_));
    units_ = std::clamp<std::uint64_t>(bytes_ / std::max<std::uint64_t>(1, unit_bytes), 1, rows_);
  }

  [[nodiscard]] std::uint64_t units() const override { return units_; }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t) const override { return bytes_ / units_; }

  void run(std::uint64_t first, std::uint64_t last, const Setting& setting, Flow& flow) override {
    OpenFiles files(setting.worker.spills);
    auto local = runs_;
    for (auto& run : local) run.file = files.index(run.file);
    const auto format = sorted_rows_format();
    auto sorted = external::merge_runs(format, files.list(), ranges(format, files, local, first, last),
                                       setting.worker.budget, setting.memory.heavy, setting.worker.io);
    BatchBuilder builder(schema_, setting.memory.batch);
    auto position = border(first);
    auto unit = first;
    flow.begin(unit);
    const auto pass_on = [&] {
      const auto count = builder.rows().rows;
      if (count > 0 && !flow.full()) flow.push(builder.rows(), position);
      position += count;
      builder.clear();
    };
    for (auto block = sorted->next(); !block.empty(); block = sorted->next()) {
      while (!block.empty()) {
        const auto size = external::record_size(format, block.data());
        builder.add(row_of(block.first(size)));
        block = block.subspan(size);
        const bool border_reached = position + builder.rows().rows == border(unit + 1);
        if (builder.full() || border_reached) pass_on();
        if (!border_reached) continue;
        flow.end();
        if (++unit < last) flow.begin(unit);
      }
    }
    if (unit != last) throw base::FormatError("a merge of sorted runs ended before its last row");
  }

 private:
  /// Number of the first row of a unit, in the sorted whole.
  [[nodiscard]] std::uint64_t border(std::uint64_t unit) const {
    return begin_ + rows_ / units_ * unit + rows_ % units_ * unit / units_;
  }

  [[nodiscard]] std::vector<RunRange> ranges(const external::RecordFormat& format, const OpenFiles& files,
                                             const std::vector<Run>& runs, std::uint64_t first,
                                             std::uint64_t last) const {
    const auto cuts = external::split_runs(format, files.list(), runs, {border(first), border(last)});
    std::vector<RunRange> result;
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto& from = cuts[0][i];
      const auto& to = cuts[1][i];
      result.push_back({.run = runs[i],
                        .first_record = from.records,
                        .first_byte = from.bytes,
                        .records = to.records - from.records,
                        .bytes = to.bytes - from.bytes});
    }
    return result;
  }

  table::Schema schema_;
  std::vector<Run> runs_;
  std::uint64_t begin_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t units_ = 0;
};

}  // namespace

std::unique_ptr<Source> merge_source(table::Schema schema, std::vector<Run> runs, Range range,
                                     std::uint64_t unit_bytes) {
  return std::make_unique<MergeSource>(std::move(schema), std::move(runs), range, unit_bytes);
}

BatchBuilder::BatchBuilder(table::Schema schema, std::uint64_t bytes)
    : schema_(std::move(schema)), codec_(schema_, all_columns(schema_)), limit_(bytes / 2) {
  clear();  // half: columns take more than packed rows, by the ends of texts and the growth of vectors
}

void BatchBuilder::clear() {
  rows_.clear(schema_);
  bytes_ = 0;
}

}  // namespace surd::stream::detail
