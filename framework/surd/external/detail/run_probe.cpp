#include "surd/external/detail/run_probe.hpp"

#include <algorithm>
#include <cstring>

#include "surd/base/error.hpp"

namespace surd::external::detail {
namespace {

/// Read at once where records are walked through,
constexpr std::uint64_t window_bytes = 64 << 10;
/// and where one is looked at.
constexpr std::uint64_t look_bytes = 4 << 10;
/// Key words are read 8 bytes at a time, also the last one.
constexpr std::uint64_t slack_bytes = 8;

constexpr std::uint64_t up(std::uint64_t bytes) noexcept { return (bytes + 63) / 64 * 64; }

[[noreturn]] void refuse_index() {
  throw base::FormatError("a run's index does not fit its records: its spill file is damaged");
}

}  // namespace

std::uint64_t RunProbe::memory_bytes(std::uint64_t longest_bytes) noexcept {
  return up(longest_bytes + slack_bytes) + up(std::max(longest_bytes, window_bytes) + slack_bytes);
}

RunProbe::RunProbe(const Order& order, const RunFiles& files, const std::vector<Run>& runs,
                   std::span<std::byte> memory)
    : order_(order), files_(files), runs_(runs), longest_bytes_(longest_of(runs)) {
  base::expect(memory.size() >= memory_bytes(longest_bytes_), "a cut has no room for its pivot");
  pivot_ = memory.first(up(longest_bytes_ + slack_bytes));
  window_ = memory.subspan(pivot_.size());
}

const std::byte* RunProbe::bytes_at(std::size_t run, std::uint64_t byte, std::uint64_t bytes,
                                    std::uint64_t ahead) {
  const bool held = run == window_run_ && byte >= window_begin_ && byte - window_begin_ <= window_held_ &&
                    bytes <= window_held_ - (byte - window_begin_);
  if (!held) {
    const auto& from = runs_[run];
    if (byte > from.bytes || bytes > from.bytes - byte) refuse_index();
    const auto wanted = std::min<std::uint64_t>(std::max(bytes, ahead), window_.size() - slack_bytes);
    window_run_ = run;
    window_begin_ = byte;
    window_held_ = 0;
    const auto part = window_.first(std::min(wanted, from.bytes - byte));
    read_exactly(file_of(files_, from), from.offset + byte, part);
    window_held_ = part.size();
  }
  return window_.data() + (byte - window_begin_);
}

const std::byte* RunProbe::key_at(std::size_t run, const CutPosition& place, std::uint64_t ahead) {
  if (order_.fixed()) return bytes_at(run, place.bytes, order_.format().record_bytes, ahead);
  const auto* const head = bytes_at(run, place.bytes, variable_header_bytes, ahead);
  const auto bytes = variable_header_bytes + order_.key_size(head);
  if (bytes > longest_bytes_) refuse_index();
  return bytes_at(run, place.bytes, bytes, ahead);
}

CutPosition RunProbe::walk(std::size_t run, CutPosition from, std::uint64_t to) {
  while (from.records < to) {
    from.bytes += order_.size(bytes_at(run, from.bytes, variable_header_bytes, window_bytes));
    if (from.bytes > runs_[run].bytes) refuse_index();
    ++from.records;
  }
  return from;
}

CutPosition RunProbe::find(std::size_t run, const Bracket& bracket, std::uint64_t number) {
  if (order_.fixed()) return {number, number * order_.format().record_bytes};
  if (number == bracket.high) return {number, bracket.end_byte};
  CutPosition from{bracket.begin_record, bracket.begin_byte};
  if (number == from.records) return from;
  IndexReader index(order_.format(), files_, runs_[run], look_bytes);
  std::uint64_t low = 0;
  for (auto high = index_size(order_.format(), runs_[run]); low < high;) {
    const auto middle = low + (high - low) / 2;
    const auto entry = index.entry(middle);
    if (entry.record > number) {
      high = middle;
    } else {
      low = middle + 1;
      if (entry.record > from.records) from = {entry.record, entry.byte};
    }
  }
  return walk(run, from, number);
}

CutPosition RunProbe::set_pivot(std::size_t run, const Bracket& bracket, std::uint64_t number) {
  const auto place = find(run, bracket, number);
  const auto* const record = key_at(run, place, look_bytes);
  const auto bytes =
      order_.fixed() ? order_.format().record_bytes : variable_header_bytes + order_.key_size(record);
  std::memcpy(pivot_.data(), record, bytes);
  pivot_words_.clear();
  for (std::size_t i = 0; i < key_words(order_.format()); ++i) {
    pivot_words_.push_back(order_.word(pivot_.data(), 8 * i));
  }
  return place;
}

std::strong_ordering RunProbe::compare(std::size_t run, const IndexEntry& entry) {
  for (std::size_t i = 0; i < pivot_words_.size(); ++i) {
    if (entry.words[i] != pivot_words_[i]) return entry.words[i] <=> pivot_words_[i];
  }
  // Words of a key that is not longer end with zeros: it is a prefix of the other.
  const auto pivot_bytes = order_.key_size(pivot_.data());
  if (std::min<std::uint64_t>(entry.key_bytes, pivot_bytes) <= 8 * pivot_words_.size()) {
    return entry.key_bytes <=> pivot_bytes;
  }
  return order_.compare(key_at(run, {entry.record, entry.byte}, look_bytes), pivot_.data());
}

CutPosition RunProbe::count_fixed(std::size_t run, const Bracket& bracket, bool or_equal) {
  auto low = bracket.low;
  for (auto high = bracket.high; low < high;) {
    const auto middle = low + (high - low) / 2;
    const auto order = order_.compare(key_at(run, find(run, bracket, middle), look_bytes), pivot_.data());
    if (order < 0 || (or_equal && order == 0)) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return find(run, bracket, low);
}

CutPosition RunProbe::count(std::size_t run, const Bracket& bracket, bool or_equal) {
  if (bracket.low == bracket.high) return {bracket.high, bracket.end_byte};
  if (order_.fixed()) return count_fixed(run, bracket, or_equal);
  const auto counts = [&](std::strong_ordering order) { return order < 0 || (or_equal && order == 0); };
  CutPosition from{bracket.begin_record, bracket.begin_byte};
  auto known = bracket.low;  // records known to come before the pivot
  auto end = bracket.high;   // the first one known not to
  IndexReader index(order_.format(), files_, runs_[run], look_bytes);
  std::uint64_t low = 0;
  for (auto high = index_size(order_.format(), runs_[run]); low < high;) {
    const auto middle = low + (high - low) / 2;
    const auto entry = index.entry(middle);
    if (entry.record < bracket.low || (entry.record < bracket.high && counts(compare(run, entry)))) {
      low = middle + 1;
      if (entry.record > from.records) from = {entry.record, entry.byte};
      known = std::max(known, entry.record + 1);
    } else {
      high = middle;
      end = std::min(end, entry.record);
    }
  }
  auto place = walk(run, from, known);
  while (place.records < end && counts(order_.compare(key_at(run, place, window_bytes), pivot_.data()))) {
    place = walk(run, place, place.records + 1);
  }
  return place;
}

}  // namespace surd::external::detail
