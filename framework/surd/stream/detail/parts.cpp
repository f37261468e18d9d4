#include "surd/stream/detail/parts.hpp"

#include <algorithm>

namespace surd::stream::detail {

using external::RunRange;

SortedParts::SortedParts(std::vector<external::Run> runs, Range range, std::uint64_t unit_bytes)
    : runs_(std::move(runs)) {
  std::uint64_t records = 0;
  for (const auto& run : runs_) {
    records += run.records;
    bytes_ += run.bytes;
  }
  begin_ = std::min(range.skip, records);
  rows_ = std::min(range.take, records - begin_);
  if (rows_ == 0) return;
  const auto row_bytes = static_cast<double>(bytes_) / static_cast<double>(records);
  bytes_ = static_cast<std::uint64_t>(row_bytes * static_cast<double>(rows_));
  units_ = std::clamp<std::uint64_t>(bytes_ / std::max<std::uint64_t>(1, unit_bytes), 1, rows_);
}

std::unique_ptr<external::RecordStream> SortedParts::merge(const external::RecordFormat& format,
                                                           OpenFiles& files, std::uint64_t first,
                                                           std::uint64_t last, Worker& worker,
                                                           std::uint64_t memory_bytes) const {
  auto runs = runs_;
  for (auto& run : runs) run.file = files.index(run.file);
  const auto cuts = external::split_runs(format, files.list(), runs, {border(first), border(last)},
                                         worker.budget, std::min<std::uint64_t>(memory_bytes / 4, 8 << 20));
  std::vector<RunRange> ranges;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& from = cuts[0][i];
    const auto& to = cuts[1][i];
    if (from.records == to.records) continue;
    ranges.push_back({.run = runs[i],
                      .first_record = from.records,
                      .first_byte = from.bytes,
                      .records = to.records - from.records,
                      .bytes = to.bytes - from.bytes});
  }
  return external::merge_runs(format, files.list(), std::move(ranges), worker.budget, memory_bytes,
                              worker.io);
}

}  // namespace surd::stream::detail
