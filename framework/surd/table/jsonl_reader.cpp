#include "surd/table/detail/jsonl_reader.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"

namespace surd::table::detail {
namespace {

constexpr std::uint64_t least_memory_bytes = 128 * base::KiB;
/// Keys remembered from the row before, and their length: what is beyond is looked up.
constexpr std::size_t most_expected = 1024;
constexpr std::size_t longest_expected = 256;

/// simdjson takes about 14 bytes per byte of the longest document, so a line is at most a 32nd of the memory.
std::size_t longest_line(std::uint64_t memory_bytes) {
  return static_cast<std::size_t>(std::min<std::uint64_t>(memory_bytes / 32, base::GiB));
}

}  // namespace

LineReader::LineReader(const JsonlFile& file, std::uint64_t begin, std::uint64_t end,
                       storage::FileSystem& disk, memory::Budget& budget, std::size_t buffer_bytes,
                       std::size_t longest)
    // A line begins at `begin` if the byte before it ends one.
    : buffer_(open_bytes(file.file, file.compression, begin == 0 ? 0 : begin - 1, disk, budget),
              begin == 0 ? 0 : begin - 1, buffer_bytes),
      end_(file.compression == Compression::none ? end : std::numeric_limits<std::uint64_t>::max()),
      longest_(longest),
      skipping_(begin != 0) {
  if (begin == 0 && fill() &&
      std::string_view(buffer_.data(), buffer_.filled()).starts_with("\xEF\xBB\xBF")) {
    at_ = 3;
  }
}

bool LineReader::fill() {
  if (buffer_.ended()) return false;
  const auto before = buffer_.filled() - at_;
  buffer_.refill(at_);
  at_ = 0;
  return buffer_.filled() > before;
}

/// Drops bytes up to the end of a line. False at the end of the file.
bool LineReader::skip_line() {
  while (true) {
    const std::string_view rest(buffer_.data() + at_, buffer_.filled() - at_);
    const auto line_end = rest.find('\n');
    if (line_end != std::string_view::npos) {
      at_ += static_cast<std::uint32_t>(line_end + 1);
      return true;
    }
    at_ = buffer_.filled();
    if (!fill()) return false;
  }
}

std::uint64_t LineReader::measure(std::uint64_t at_most) {
  while (true) {
    const std::string_view rest(buffer_.data() + at_, buffer_.filled() - at_);
    const auto line_end = rest.find('\n');
    at_ += static_cast<std::uint32_t>(line_end == std::string_view::npos ? rest.size() : line_end);
    const auto bytes = buffer_.offset_of(at_) - offset_;
    if (line_end != std::string_view::npos || bytes > at_most || !fill()) return bytes;
  }
}

LineReader::Found LineReader::next(std::string_view& line) {
  if (skipping_ && !skip_line()) return Found::end;
  skipping_ = false;
  while (true) {
    offset_ = buffer_.offset_of(at_);
    if (offset_ >= end_) return Found::end;
    std::string_view rest(buffer_.data() + at_, buffer_.filled() - at_);
    auto size = rest.find('\n');
    if (size == std::string_view::npos && rest.size() <= longest_) {
      if (fill()) continue;
      if (rest.empty()) return Found::end;
      rest = {buffer_.data() + at_, buffer_.filled() - at_};
      size = rest.size();
    }
    ++number_;
    if (size > longest_) {  // npos too
      line = rest.substr(0, longest_);
      skipping_ = true;
      return Found::too_long;
    }
    line = rest.substr(0, size);
    at_ += static_cast<std::uint32_t>(std::min(size + 1, rest.size()));
    if (line.find_first_not_of(" \t\r") != std::string_view::npos) return Found::line;
  }
}

JsonlReader::JsonlReader(const JsonlTable& table, const Split& split, const std::vector<bool>& columns,
                         memory::Budget& budget, std::uint64_t memory_bytes)
    : table_(&table),
      file_(&table.files.at(split.file)),
      split_(split),
      needed_(columns),
      memory_bytes_(std::max(memory_bytes, least_memory_bytes)),
      reservation_(budget.reserve(memory_bytes_, memory_bytes_, "reading " + file_->file.path)),
      log_(table.on_bad_row),
      values_(table.schema.size()) {
  std::size_t row_bytes = 1;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (!columns[i]) continue;
    columns_.emplace(table.schema[i].name, i);
    row_bytes += table.schema[i].type == Type::text ? 5U : 9U;
  }
  batch_rows_ = static_cast<std::size_t>(std::clamp<std::uint64_t>(memory_bytes_ / 8 / row_bytes, 1, 8192));
  check_unchanged(file_->file, *table_->disk);
  const auto buffer_bytes = std::min<std::uint64_t>(memory_bytes_ / 8, base::GiB);
  lines_.emplace(*file_, split.begin, split.end, *table_->disk, budget,
                 static_cast<std::size_t>(buffer_bytes), longest_line(memory_bytes_));
}

bool JsonlReader::next(Batch& into) {
  if (into.memory_bytes() > memory_bytes_) into = Batch();  // texts grew, another column each time
  into.clear(table_->schema);
  std::uint64_t text = 0;
  std::string_view line;
  std::string column;
  std::string reason;
  while (into.rows < batch_rows_ && text < memory_bytes_ / 8) {
    const auto found = lines_->next(line);
    if (found == LineReader::Found::end) break;
    if (found == LineReader::Found::too_long) refuse_long_line();
    text += line.size();
    if (parse(line, column, reason)) {
      push_row(into);
      continue;
    }
    report(line, column, reason);
    if (into.rows == 0) text = 0;
  }
  if (into.rows > 0) return true;
  if (!finished_) check_unchanged(file_->file, *table_->disk);
  finished_ = true;
  return false;
}

std::size_t JsonlReader::column_of(std::size_t number, std::string_view key) {
  if (number < expected_.size() && expected_[number].first == key) return expected_[number].second;
  const auto found = columns_.find(key);
  const auto column = found == columns_.end() ? table_->schema.size() : found->second;
  if (number < most_expected && key.size() <= longest_expected) {
    if (number >= expected_.size()) expected_.resize(number + 1);
    expected_[number] = {std::string(key), column};
  }
  return column;
}

bool JsonlReader::parse(std::string_view line, std::string& column, std::string& reason) {
  column.clear();
  simdjson::dom::object object;
  simdjson::dom::element document;
  auto error = parser_.parse(line.data(), line.size(), false).get(document);
  if (error) {
    reason = not_json(error);
    return false;
  }
  if (document.get(object)) {
    reason = "no JSON object; each line must hold one, {...}";
    return false;
  }
  std::fill(values_.begin(), values_.end(), Value());
  std::size_t number = 0;
  for (const auto& [key, element] : object) {
    const auto at = column_of(number++, key);
    if (at == table_->schema.size() || convert(element, table_->schema[at].type, values_[at])) continue;
    column = table_->schema[at].name;
    auto value = simdjson::minify(element);
    if (value.size() > 40) value = value.substr(0, 40) + "...";
    const bool beyond = element.is_uint64() && table_->schema[at].type == Type::int64;
    reason = beyond ? value + " is beyond the integers of 64 bits"
                    : fmt::format("{} is no {}", value, name(table_->schema[at].type));
    return false;
  }
  return true;
}

bool JsonlReader::convert(simdjson::dom::element element, Type type, Value& into) const {
  if (element.is_null()) {
    into = Value();
    return true;
  }
  switch (type) {
    case Type::int64: {
      std::int64_t integer = 0;
      if (element.get(integer)) return false;
      into = integer;
      return true;
    }
    case Type::float64: {
      double number = 0;
      if (element.get(number)) return false;
      into = number;
      return true;
    }
    case Type::boolean: {
      bool boolean = false;
      if (element.get(boolean)) return false;
      into = std::int64_t{boolean};
      return true;
    }
    case Type::text:
      break;
  }
  std::string_view text;
  if (element.get(text) == simdjson::SUCCESS) {
    into = text;
  } else {
    into = simdjson::minify(element);
  }
  return true;
}

void JsonlReader::push_row(Batch& into) {
  ++into.rows;
  for (const auto& [name, column] : columns_) {
    auto& target = into.columns[column];
    const auto& value = values_[column];
    if (const auto* integer = std::get_if<std::int64_t>(&value)) {
      target.push_integer(*integer);
    } else if (const auto* number = std::get_if<double>(&value)) {
      target.push_number(*number);
    } else if (const auto* view = std::get_if<std::string_view>(&value)) {
      target.push_text(*view);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      target.push_text(*text);
    } else {
      target.push_null();
    }
  }
}

BadRow JsonlReader::describe() const {
  BadRow row;
  row.file = file_->file.path;
  row.offset = lines_->offset();
  row.line = lines_->number();
  row.line_is_exact = split_.begin == 0;
  return row;
}

std::uint64_t JsonlReader::exact_line(const BadRow& row) const {
  return row.line_is_exact ? row.line : count_lines(file_->file, row.offset, *table_->disk) + 1;
}

void JsonlReader::report(std::string_view line, std::string column, std::string reason) {
  auto row = describe();
  row.column = std::move(column);
  row.reason = std::move(reason);
  if (log_.policy() == OnBadRow::error) {
    row.line = exact_line(row);
    row.line_is_exact = true;
  }
  if (log_.keeps_text()) row.text = line.substr(0, BadRowLog::kept_text_bytes);
  log_.add(std::move(row));
}

void JsonlReader::refuse_long_line() {
  auto row = describe();
  row.line = exact_line(row);
  row.line_is_exact = true;
  throw LongRow(row, lines_->measure(longest_measured_bytes), longest_line(memory_bytes_), memory_bytes_);
}

std::string not_json(simdjson::error_code error) {
  if (error == simdjson::NUMBER_ERROR) {  // newer versions name the latter themselves
    return "a number in it is none, or an integer beyond 64 bits, which must be a text in quotes";
  }
  return fmt::format("not a line of JSON: {}", simdjson::error_message(error));
}

}  // namespace surd::table::detail
