// Merging runs: what is common to all kinds.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/detail/merge.hpp"
#include "surd/external/detail/run_index.hpp"
#include "surd/external/sort.hpp"

namespace surd::external {
namespace {

using base::FormatError;
using base::UsageError;

/// Longest record to provide for where nothing is known about it.
std::uint64_t presumed_longest(const RecordFormat& format) noexcept {
  return format.fixed() ? format.record_bytes : 4 << 10;
}

class EmptyStream final : public RecordStream {
 public:
  std::span<const std::byte> next() override { return {}; }
};

/// Writes the blocks of a stream to a run, each behind the merging of the next.
class RunWriter {
 public:
  RunWriter(const detail::Order& order, SpillFile& spill, storage::AsyncIo& io,
            std::span<std::byte> index_memory)
      : order_(order), spill_(spill), io_(io), index_(order, index_memory) {
    run_.offset = spill.bytes();
  }

  void write(RecordStream& sorted) {
    storage::AsyncIo::Ticket before = 0;
    for (auto block = sorted.next(); !block.empty(); block = sorted.next()) {
      const auto ticket = spill_.append(io_, block).ticket;
      describe(block);
      io_.wait(std::exchange(before, ticket));  // its buffer is the one that the next block will fill
    }
    io_.wait(before);
  }

  Run finish() {
    run_.index_bytes = index_.bytes().size();
    run_.index_offset = spill_.append_now(io_, index_.bytes());
    return run_;
  }

 private:
  void describe(std::span<const std::byte> block) {
    run_.checksum += checksum(order_.format(), block);
    for (const auto* at = block.data(); at < block.data() + block.size();) {
      const auto bytes = order_.size(at);
      index_.offer(at, run_.records, run_.bytes);
      run_.longest_bytes = std::max<std::uint64_t>(run_.longest_bytes, bytes);
      run_.bytes += bytes;
      ++run_.records;
      at += bytes;
    }
  }

  const detail::Order& order_;
  SpillFile& spill_;
  storage::AsyncIo& io_;
  detail::IndexBuilder index_;
  Run run_;
};

}  // namespace

std::unique_ptr<RecordStream> merge_runs(const RecordFormat& format, const RunFiles& files,
                                         std::vector<RunRange> ranges, memory::Budget& budget,
                                         std::uint64_t memory_bytes, storage::AsyncIo& io) {
  std::erase_if(ranges, [](const RunRange& range) { return range.records == 0; });
  if (ranges.empty()) return std::make_unique<EmptyStream>();
  auto order = std::make_shared<const detail::Order>(format);
  std::uint64_t longest = 0;
  for (const auto& range : ranges) longest = std::max(longest, range.run.longest_bytes);
  const auto shape = detail::merge_shape(*order, ranges.size(), longest, memory_bytes);
  if (!shape.fits) {
    throw UsageError(
        fmt::format("merging {} runs of records of up to {} needs {} of memory, but has {}", ranges.size(),
                    base::format_bytes(longest),
                    base::format_bytes(detail::least_merge_bytes(*order, ranges.size(), longest)),
                    base::format_bytes(memory_bytes)));
  }
  detail::Workspace memory(budget, shape.memory_bytes, shape.memory_bytes, "merging sorted runs");
  const bool scalar = order->scalar_bytes() > 0;
  detail::MergeParts parts{std::move(order), files, ranges, shape, std::move(memory), io};
  return scalar ? detail::merge_scalars(std::move(parts)) : detail::merge_records(std::move(parts));
}

std::uint64_t fan_in(const RecordFormat& format, std::uint64_t memory_bytes, std::uint64_t longest_bytes) {
  const detail::Order order(format);
  const auto longest = std::max(longest_bytes, presumed_longest(format));
  const auto fits = [&](std::uint64_t runs) {
    return detail::merge_shape(order, runs, longest, memory_bytes).fits;
  };
  if (!fits(1)) return 0;
  std::uint64_t low = 1;
  std::uint64_t high = 2;
  while (fits(high)) high *= 2;
  while (low + 1 < high) {
    const auto middle = low + (high - low) / 2;
    (fits(middle) ? low : high) = middle;
  }
  return low;
}

std::uint64_t least_merge_memory(const RecordFormat& format, std::uint64_t runs,
                                 std::uint64_t longest_bytes) {
  return detail::least_merge_bytes(detail::Order(format), runs, longest_bytes);
}

Run merge_to_run(const RecordFormat& format, const RunFiles& files, const std::vector<Run>& runs,
                 memory::Budget& budget, std::uint64_t memory_bytes, SpillFile& spill,
                 std::uint64_t file_number, storage::AsyncIo& io) {
  const detail::Order order(format);
  std::uint64_t bytes = 0;
  std::uint64_t records = 0;
  std::uint64_t sum = 0;
  std::vector<RunRange> ranges;
  for (const auto& run : runs) {
    bytes += run.bytes;
    records += run.records;
    sum += run.checksum;
    ranges.push_back(whole(run));
  }
  const auto index_bytes = std::clamp<std::uint64_t>(detail::full_index_bytes(format, bytes), 1024,
                                                     std::max<std::uint64_t>(memory_bytes / 16, 1024));
  detail::Workspace index(budget, index_bytes, index_bytes, "the index of a merged run");
  const auto sorted = merge_runs(format, files, std::move(ranges), budget, memory_bytes - index_bytes, io);
  RunWriter writer(order, spill, io, index.take(index_bytes));
  writer.write(*sorted);
  auto run = writer.finish();
  run.file = file_number;
  if (run.records != records || run.checksum != sum) {
    throw FormatError(fmt::format("merging runs of {} records gave {} records{}: a spill file is damaged",
                                  records, run.records, run.records == records ? " of other content" : ""));
  }
  return run;
}

}  // namespace surd::external
