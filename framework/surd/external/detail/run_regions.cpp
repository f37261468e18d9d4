#include "surd/external/detail/run_regions.hpp"

#include <algorithm>
#include <limits>

#include "surd/base/error.hpp"
#include "surd/external/detail/run_index.hpp"

namespace surd::external::detail {
namespace {

constexpr std::uint64_t up(std::uint64_t bytes) noexcept { return (bytes + 7) / 8 * 8; }

}  // namespace

void RecordTable::assign(const Bracket& bracket, std::span<const std::byte> bytes,
                         std::span<std::byte> table) {
  bytes_ = bytes;
  first_ = bracket.begin_record;
  first_byte_ = bracket.begin_byte;
  const auto records = bracket.high - bracket.begin_record;
  if (order_.fixed()) {
    base::expect(bytes.size() == records * order_.format().record_bytes, "a bracket has a wrong end");
    return;
  }
  offsets_ = reinterpret_cast<std::uint32_t*>(table.data());
  std::size_t at = 0;
  std::uint64_t number = 0;
  for (; number < records; ++number) {
    offsets_[number] = static_cast<std::uint32_t>(at);
    const auto rest = bytes.size() - at;
    if (rest < variable_header_bytes || order_.size(bytes.data() + at) > rest) break;
    at += order_.size(bytes.data() + at);
  }
  offsets_[number] = static_cast<std::uint32_t>(at);
  if (number != records || at != bytes.size()) {
    throw base::FormatError("a run's index does not fit its records: its spill file is damaged");
  }
}

bool RunRegions::fit(const std::vector<Bracket>& brackets) const noexcept {
  auto left = std::min<std::uint64_t>(memory_.size(), std::numeric_limits<std::uint32_t>::max());
  for (const auto& bracket : brackets) {
    if (bracket.low == bracket.high) continue;
    const auto bytes = bracket.end_byte - bracket.begin_byte;
    const auto records = bracket.high - bracket.begin_record;
    if (bytes > left || records > left) return false;
    const auto all = up(bytes) + up(RecordTable::table_bytes(order_, records));
    if (all > left) return false;
    left -= all;
  }
  return true;
}

void RunRegions::load(const std::vector<Bracket>& brackets) {
  auto left = memory_;
  const auto take = [&](std::uint64_t bytes) {
    const auto part = left.first(bytes);
    left = left.subspan(up(bytes));
    return part;
  };
  for (std::size_t run = 0; run < brackets.size(); ++run) {
    const auto& bracket = brackets[run];
    if (bracket.low == bracket.high) continue;
    const auto part = take(bracket.end_byte - bracket.begin_byte);
    read_exactly(file_of(files_, runs_[run]), runs_[run].offset + bracket.begin_byte, part);
    const auto records = bracket.high - bracket.begin_record;
    tables_[run].assign(bracket, part, take(RecordTable::table_bytes(order_, records)));
  }
}

CutPosition RunRegions::set_pivot(std::size_t run, const Bracket&, std::uint64_t number) {
  pivot_ = tables_[run].record(number);
  return {number, tables_[run].byte_of(number)};
}

CutPosition RunRegions::count(std::size_t run, const Bracket& bracket, bool or_equal) {
  auto low = bracket.low;
  auto high = bracket.high;
  if (low == high) return {high, bracket.end_byte};
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto order = order_.compare(tables_[run].record(middle), pivot_);
    if (order < 0 || (or_equal && order == 0)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {low, tables_[run].byte_of(low)};
}

}  // namespace surd::external::detail
