#include <algorithm>

#include "surd/external/sort.hpp"
#include "surd/stream/detail/batch_builder.hpp"
#include "surd/stream/detail/merge_pass.hpp"
#include "surd/stream/detail/source.hpp"

namespace surd::stream::detail {
namespace {

using external::Run;

/// The row in a record of sorted_rows_format(): behind the key.
std::span<const std::byte> row_of(std::span<const std::byte> record) {
  std::uint32_t key_bytes = 0;
  std::memcpy(&key_bytes, record.data(), sizeof key_bytes);
  return record.subspan(external::variable_header_bytes + key_bytes);
}

class MergeSource : public Source {
 public:
  MergeSource(table::Schema schema, std::vector<Run> runs, Range range, std::uint64_t unit_bytes,
              std::string step)
      : schema_(std::move(schema)), parts_(std::move(runs), range, unit_bytes), step_(std::move(step)) {}

  [[nodiscard]] std::uint64_t units() const override { return parts_.units(); }
  [[nodiscard]] std::uint64_t unit_bytes(std::uint64_t) const override { return parts_.unit_bytes(); }

  void run(std::uint64_t first, std::uint64_t last, const Setting& setting, Flow& flow) override {
    OpenFiles files(setting.worker.spills);
    const auto format = sorted_rows_format();
    check_memory(format, setting.memory);
    const auto sorted = parts_.merge(format, files, first, last, setting.worker, setting.memory.heavy);
    BatchBuilder builder(schema_, setting.memory.batch);
    auto position = parts_.border(first);
    auto unit = first;
    flow.begin(unit);
    for (auto block = sorted->next(); !block.empty(); block = sorted->next()) {
      while (!block.empty()) {
        const auto size = external::record_size(format, block.data());
        builder.add(row_of(block.first(size)));
        block = block.subspan(size);
        const bool at_border = position + builder.rows().rows == parts_.border(unit + 1);
        if (!builder.full() && !at_border) continue;
        const auto count = builder.rows().rows;
        if (!flow.full()) flow.push(builder.rows(), position);
        position += count;
        builder.clear();
        if (!at_border) continue;
        flow.end();
        if (++unit < last) flow.begin(unit);
      }
    }
    if (unit != last) throw base::FormatError("a merge of sorted runs ended before its last row");
  }

 private:
  void check_memory(const external::RecordFormat& format, const Division& memory) const {
    const auto longest = external::longest_of(parts_.runs());
    const auto least = external::least_merge_memory(format, parts_.runs().size(), longest);
    if (least <= memory.heavy) return;
    const auto share = [&](std::uint64_t bytes) { return divide_like(memory, bytes).heavy; };
    refuse_long_rows(step_, longest, memory.whole, memory_for(least, share));
  }

  table::Schema schema_;
  SortedParts parts_;
  std::string step_;  ///< For errors.
};

}  // namespace

std::unique_ptr<Source> merge_source(table::Schema schema, std::vector<Run> runs, Range range,
                                     std::uint64_t unit_bytes, std::string step) {
  return std::make_unique<MergeSource>(std::move(schema), std::move(runs), range, unit_bytes,
                                       std::move(step));
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
