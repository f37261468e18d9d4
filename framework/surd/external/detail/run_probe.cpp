#include "surd/external/detail/run_probe.hpp"

#include <algorithm>

#include "surd/base/error.hpp"
#include "surd/external/detail/run_index.hpp"

namespace surd::external::detail {
namespace {

constexpr std::uint64_t cache_bytes = 4 << 20;
constexpr std::uint64_t fixed_window_bytes = 4 << 10;

}  // namespace

RunProbe::RunProbe(const Order& order, const RunFiles& files, const std::vector<Run>& runs)
    : order_(order), files_(files), runs_(runs) {
  std::uint64_t longest = 0;
  for (const auto& run : runs) longest = std::max(longest, run.longest_bytes);
  const auto bytes = order.fixed() ? std::max(fixed_window_bytes, longest) : index_stride_bytes + longest;
  windows_.resize(std::clamp<std::size_t>(cache_bytes / bytes, 1, std::max<std::size_t>(runs.size(), 1)));
}

const std::byte* RunProbe::record(std::size_t run, std::uint64_t number) {
  auto& held = window(run, number);
  return held.bytes.data() + walk(held, number);
}

std::uint64_t RunProbe::byte_of(std::size_t run, std::uint64_t number) {
  if (number == runs_[run].records) return runs_[run].bytes;
  if (order_.fixed()) return number * order_.format().record_bytes;
  auto& held = window(run, number);
  return held.first_byte + walk(held, number);
}

RunProbe::Window& RunProbe::window(std::size_t run, std::uint64_t number) {
  auto& held = windows_[run % windows_.size()];
  if (held.run != run || number < held.first_record || number >= held.last_record) {
    held.run = run;
    if (order_.fixed()) {
      load_fixed(held, number);
    } else {
      load_variable(held, number);
    }
    held.at_record = held.first_record;
    held.at_byte = 0;
  }
  return held;
}

void RunProbe::load_fixed(Window& window, std::uint64_t number) {
  const std::uint64_t record_bytes = order_.format().record_bytes;
  const auto count = std::max<std::uint64_t>(1, fixed_window_bytes / record_bytes);
  window.first_record = number / count * count;
  window.last_record = std::min(window.first_record + count, runs_[window.run].records);
  window.first_byte = window.first_record * record_bytes;
  read(window, (window.last_record - window.first_record) * record_bytes);
}

void RunProbe::load_variable(Window& window, std::uint64_t number) {
  const auto& run = runs_[window.run];
  const auto& format = order_.format();
  std::uint64_t low = 0;  // the last entry whose record is not after `number`
  std::uint64_t high = index_size(format, run);
  while (low + 1 < high) {
    const auto middle = low + (high - low) / 2;
    (read_index(format, files_, run, middle, middle + 1, 1).record(0) <= number ? low : high) = middle;
  }
  const auto entries = read_index(format, files_, run, low, std::min(low + 2, index_size(format, run)), 1);
  base::expect(entries.size() > 0, "a run with records has no index");
  window.first_record = entries.record(0);
  window.first_byte = entries.byte(0);
  const bool last = entries.size() == 1;
  window.last_record = last ? run.records : entries.record(1);
  read(window, (last ? run.bytes : entries.byte(1)) - window.first_byte);
}

void RunProbe::read(Window& window, std::uint64_t bytes) {
  const auto& run = runs_[window.run];
  window.bytes.resize(bytes);
  read_exactly(file_of(files_, run), run.offset + window.first_byte, window.bytes);
}

/// Byte of a record inside of its window.
std::size_t RunProbe::walk(Window& window, std::uint64_t number) {
  if (order_.fixed()) return (number - window.first_record) * order_.format().record_bytes;
  if (number < window.at_record) {
    window.at_record = window.first_record;
    window.at_byte = 0;
  }
  for (; window.at_record < number; ++window.at_record) {
    const auto rest = window.bytes.size() - window.at_byte;
    const auto* const at = window.bytes.data() + window.at_byte;
    if (rest < variable_header_bytes || order_.size(at) + variable_header_bytes > rest) {
      throw base::FormatError("a run's index does not fit its records: its spill file is damaged");
    }
    window.at_byte += order_.size(at);
  }
  return window.at_byte;
}

}  // namespace surd::external::detail
