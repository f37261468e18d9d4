#include "surd/external/detail/group_sort.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"

namespace surd::external::detail {
namespace {

template <class T>
void append_big_endian(std::vector<std::byte>& to, T value) {
  for (int shift = static_cast<int>(8 * sizeof value) - 8; shift >= 0; shift -= 8) {
    to.push_back(static_cast<std::byte>(value >> shift));
  }
}

void append(std::vector<std::byte>& to, std::span<const std::byte> bytes) {
  to.insert(to.end(), bytes.begin(), bytes.end());
}

/// A number so that unsigned order of its bytes is its own.
std::uint64_t ordered_value(ValueType type, const std::byte* at) {
  if (type == ValueType::float64) return ordered(load<double>(at));
  return load<std::uint64_t>(at) ^ (std::uint64_t{1} << 63);
}

double number(ValueType type, const std::byte* at) {
  return type == ValueType::float64 ? load<double>(at) : static_cast<double>(load<std::int64_t>(at));
}

std::string quoted(std::span<const std::byte> text) {
  std::string result = "\"";
  for (const auto byte : text) {
    const auto c = std::to_integer<unsigned char>(byte);
    if (c == '"' || c == '\\') {
      result += '\\';
      result += static_cast<char>(c);
    } else if (c < 0x20) {
      result += fmt::format("\\u{:04x}", c);
    } else {
      result += static_cast<char>(c);
    }
  }
  return result + '"';
}

std::string list_item(ValueType type, std::span<const std::byte> value) {
  switch (type) {
    case ValueType::int64:
      return fmt::format("{}", load<std::int64_t>(value.data()));
    case ValueType::float64:
      return fmt::format("{}", load<double>(value.data()));
    case ValueType::boolean:
      return load<std::int64_t>(value.data()) != 0 ? "true" : "false";
    case ValueType::text:
      break;
  }
  return quoted(value);
}

}  // namespace

GroupSort::GroupSort(const Layout& layout, memory::Budget& budget, std::uint64_t memory_bytes,
                     storage::FileSystem& files, const storage::Path& scratch)
    : layout_(layout),
      reservation_(budget.reserve(memory_bytes / 4, memory_bytes / 4, "the values of one group")),
      value_limit_(memory_bytes / 4),
      sorter_(
          std::make_unique<Sorter>(RecordFormat{}, budget, memory_bytes - memory_bytes / 4, files, scratch)),
      state_(layout.state_bytes / 8 + 1),
      running_(layout.columns.size()) {
  if (!layout.texts) return;
  heap_memory_ = make_arena(value_limit_);
  auto* const end = heap_memory_.get() + value_limit_;
  heap_ = {heap_memory_.get(), end, end};
}

void GroupSort::push(const Record& record, const std::byte* begin) {
  key_.clear();
  append_big_endian(key_, record.hash);
  append_big_endian(key_, static_cast<std::uint32_t>(record.key.size()));
  append(key_, record.key);
  if (record.kind != Kind::value) {
    key_.push_back(std::byte{0});
    sorter_->push(key_, {begin, record.end});
    return;
  }
  const auto c = static_cast<std::size_t>(record.payload[0]);
  const auto& column = layout_.columns[c];
  const bool text = column.spec.input == ValueType::text;
  const std::span value(record.payload + 9 + (text ? 4 : 0), record.end);
  append_big_endian(key_, static_cast<std::uint16_t>(c + 1));
  if (column.op == Op::list) {
    append_big_endian(key_, load<std::uint64_t>(record.payload + 1));
  } else if (text) {
    append(key_, value);
  } else {
    append_big_endian(key_, ordered_value(column.spec.input, value.data()));
  }
  // A distinct text is its own key.
  sorter_->push(key_, text && column.op == Op::distinct ? std::span<const std::byte>{} : value);
}

void GroupSort::end_input() { stream_ = std::move(*sorter_).merge(); }

bool GroupSort::next_record() {
  if (piece_.empty()) piece_ = stream_->next();
  if (piece_.empty()) return false;
  const auto key_bytes = load<std::uint32_t>(piece_.data());
  const auto rest_bytes = load<std::uint32_t>(piece_.data() + 4);
  sort_key_ = piece_.subspan(variable_header_bytes, key_bytes);
  rest_ = piece_.subspan(variable_header_bytes + key_bytes, rest_bytes);
  piece_ = piece_.subspan(variable_header_bytes + key_bytes + rest_bytes);
  return true;
}

bool GroupSort::same_group() const noexcept {
  return sort_key_.size() > group_.size() && std::equal(group_.begin(), group_.end(), sort_key_.begin());
}

void GroupSort::begin_group() {
  std::uint32_t key_bytes = 0;
  for (std::size_t i = 8; i < 12; ++i)
    key_bytes = key_bytes << 8 | std::to_integer<std::uint32_t>(sort_key_[i]);
  group_.assign(sort_key_.begin(), sort_key_.begin() + 12 + key_bytes);
  layout_.init(reinterpret_cast<std::byte*>(state_.data()));
  heap_.top = heap_.end;
  for (auto& running : running_) {
    running.seen = 0;
    running.bytes.clear();
  }
}

KeyName GroupSort::group_name() const {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < 8; ++i) hash = hash << 8 | std::to_integer<std::uint64_t>(group_[i]);
  return {layout_.byte_keys, hash, std::span(group_).subspan(12)};
}

void GroupSort::add_record() {
  const auto tail = sort_key_.subspan(group_.size());
  const bool row = tail.size() == 1;
  if (!row) {
    const auto column =
        (std::to_integer<std::size_t>(tail[0]) << 8 | std::to_integer<std::size_t>(tail[1])) - 1;
    const bool distinct_text =
        layout_.columns[column].op == Op::distinct && layout_.columns[column].spec.input == ValueType::text;
    return add_value(column, distinct_text ? tail.subspan(2) : rest_);
  }
  const auto record = parse(layout_, rest_.data());
  auto* const state = reinterpret_cast<std::byte*>(state_.data());
  for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
    if (layout_.columns[c].text()) continue;
    if (record.kind == Kind::state) {
      merge_records(layout_.columns[c], &state, &record, 1);
    } else {
      add_records(layout_, c, &state, &record, 1, record.kind == Kind::raw_nulls);
    }
  }
  if (!layout_.texts || record.kind == Kind::state) return;
  if (!add_texts(layout_, state, record, heap_)) {
    const auto share = 1 + static_cast<double>(rest_.size()) / static_cast<double>(value_limit_);
    throw GroupError("the texts of key ", group_name().name(),
                     fmt::format(" need more than {}", base::format_bytes(value_limit_)), share);
  }
}

void GroupSort::add_value(std::size_t c, std::span<const std::byte> value) {
  const auto& column = layout_.columns[c];
  auto& running = running_[c];
  if (column.op == Op::list) return add_to_list(running, column, value);
  if (column.op == Op::distinct) {
    // -0 and 0, and all NaNs, are one value: compared as ordered.
    const auto order = sort_key_.subspan(group_.size() + 2);
    if (running.seen > 0 && std::ranges::equal(order, running.bytes)) return;
    running.bytes.assign(order.begin(), order.end());
    ++running.seen;
    return;
  }
  const auto n = load<std::uint64_t>(reinterpret_cast<const std::byte*>(state_.data()) + column.state);
  if (running.seen == (n - 1) / 2) running.low = number(column.spec.input, value.data());
  if (running.seen == n / 2) running.high = number(column.spec.input, value.data());
  ++running.seen;
}

void GroupSort::add_to_list(Running& running, const Column& column, std::span<const std::byte> value) {
  const auto item = list_item(column.spec.input, value);
  const std::string_view before = running.seen == 0 ? "[" : ", ";
  const auto bytes = running.bytes.size() + before.size() + item.size() + 1;
  if (bytes > value_limit_) {
    throw GroupError("the list of key ", group_name().name(),
                     fmt::format(" is longer than {}", base::format_bytes(value_limit_)),
                     static_cast<double>(bytes) / static_cast<double>(value_limit_));
  }
  append(running.bytes, std::as_bytes(std::span(before)));
  append(running.bytes, std::as_bytes(std::span(item)));
  ++running.seen;
}

void GroupSort::end_group(Groups& into) {
  const auto* const state = reinterpret_cast<const std::byte*>(state_.data());
  const auto key = group_name();
  for (std::size_t c = 0; c < layout_.columns.size(); ++c) {
    const auto& column = layout_.columns[c];
    auto& running = running_[c];
    auto& result = into.results[c];
    if (!column.holistic()) {
      put_result(column, state, heap_, key, result);
    } else if (column.op == Op::distinct) {
      result.integers.push_back(static_cast<std::int64_t>(running.seen));
      result.nulls.push_back(0);
    } else if (running.seen == 0) {
      put_null(result);
    } else if (column.op == Op::list) {
      running.bytes.push_back(static_cast<std::byte>(']'));
      put_text(result, running.bytes);
    } else {
      result.numbers.push_back(running.low == running.high ? running.low
                                                           : running.low / 2 + running.high / 2);
      result.nulls.push_back(0);
    }
  }
  put_key(into, key);
}

bool GroupSort::next(Groups& into, std::size_t rows, std::size_t bytes) {
  for (std::size_t used = 0; into.rows < rows && used < bytes;) {
    if (!pending_ && !next_record()) break;
    begin_group();
    do {
      add_record();
      pending_ = next_record();
    } while (pending_ && same_group());
    end_group(into);
    used = into.key_bytes.size();
    for (const auto& result : into.results) used += result.bytes.size();
  }
  return into.rows > 0;
}

}  // namespace surd::external::detail
