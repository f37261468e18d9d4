#include "surd/table/column.hpp"

#include <cstring>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/error.hpp"
#include "surd/base/spec.hpp"

namespace surd::table {
namespace {

/// values[i] = values[rows[i]]: `rows` ascends, so nothing is overwritten before it is read.
template <class T>
void gather(std::vector<T>& values, std::span<const std::uint32_t> rows) {
  for (std::size_t i = 0; i < rows.size(); ++i) values[i] = values[rows[i]];
  values.resize(rows.size());
}

void gather_texts(Column& column, std::span<const std::uint32_t> rows) {
  std::uint32_t end = 0;
  std::uint32_t previous_row = 0;
  std::uint32_t begin = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto row = rows[i];
    // ends[row - 1] may be overwritten already when row - 1 was kept: it then was the row before.
    if (row != 0 && (i == 0 || row - 1 != previous_row)) begin = column.ends[row - 1];
    const auto stop = column.ends[row];
    std::memmove(column.bytes.data() + end, column.bytes.data() + begin, stop - begin);
    end += stop - begin;
    column.ends[i] = end;
    begin = stop;
    previous_row = row;
  }
  column.ends.resize(rows.size());
  column.bytes.resize(end);
}

}  // namespace

std::string_view name(Type type) noexcept {
  switch (type) {
    case Type::int64:
      return "integer";
    case Type::float64:
      return "float";
    case Type::text:
      return "text";
    case Type::boolean:
      return "boolean";
  }
  return "unknown type";
}

std::size_t find(const Schema& schema, std::string_view name) {
  std::vector<std::string_view> names;
  for (const auto& field : schema) {
    if (field.name == name) return names.size();
    names.push_back(field.name);
  }
  const auto guess = base::nearest(name, names);
  throw base::UsageError(
      guess.empty() ? fmt::format("there is no column '{}'; columns are {}", name, fmt::join(names, ", "))
                    : fmt::format("there is no column '{}'; did you mean '{}'?", name, guess));
}

std::size_t Column::size() const noexcept {
  switch (type) {
    case Type::float64:
      return numbers.size();
    case Type::text:
      return ends.size();
    case Type::int64:
    case Type::boolean:
      break;
  }
  return integers.size();
}

std::string_view Column::text(std::size_t row) const noexcept {
  const std::uint32_t begin = row == 0 ? 0 : ends[row - 1];
  return {bytes.data() + begin, ends[row] - begin};
}

void Column::push_text(std::string_view value) {
  base::expect(value.size() <= std::numeric_limits<std::uint32_t>::max() - bytes.size(),
               "the texts of one batch exceed 4 GiB");
  bytes.insert(bytes.end(), value.begin(), value.end());
  ends.push_back(static_cast<std::uint32_t>(bytes.size()));
  if (!nulls.empty()) nulls.push_back(0);
}

void Column::push_null() {
  if (nulls.empty()) nulls.resize(size());
  switch (type) {
    case Type::int64:
    case Type::boolean:
      integers.push_back(0);
      break;
    case Type::float64:
      numbers.push_back(0);
      break;
    case Type::text:
      ends.push_back(static_cast<std::uint32_t>(bytes.size()));
      break;
  }
  nulls.push_back(1);
}

void Column::push(const Column& from, std::size_t row) {
  if (from.is_null(row)) return push_null();
  switch (type) {
    case Type::int64:
    case Type::boolean:
      return push_integer(from.integers[row]);
    case Type::float64:
      return push_number(from.numbers[row]);
    case Type::text:
      return push_text(from.text(row));
  }
}

void Column::append(const Column& from, std::size_t first, std::size_t count) {
  const auto add = [&](auto& into, const auto& values) {
    const auto some = std::span(values).subspan(first, count);
    into.insert(into.end(), some.begin(), some.end());
  };
  if (nulls.empty() && !from.nulls.empty()) nulls.resize(size());
  if (!from.nulls.empty()) {
    add(nulls, from.nulls);
  } else if (!nulls.empty()) {
    nulls.resize(nulls.size() + count);
  }
  switch (type) {
    case Type::int64:
    case Type::boolean:
      return add(integers, from.integers);
    case Type::float64:
      return add(numbers, from.numbers);
    case Type::text:
      break;
  }
  if (count == 0) return;
  const auto begin = first == 0 ? 0 : from.ends[first - 1];
  const auto end = from.ends[first + count - 1];
  base::expect(end - begin <= std::numeric_limits<std::uint32_t>::max() - bytes.size(),
               "the texts of one batch exceed 4 GiB");
  const auto moved = static_cast<std::uint32_t>(bytes.size()) - begin;  // modulo 2^32
  const auto text = std::span(from.bytes).subspan(begin, end - begin);
  bytes.insert(bytes.end(), text.begin(), text.end());
  for (std::size_t row = first; row < first + count; ++row) ends.push_back(from.ends[row] + moved);
}

void Column::clear(Type new_type) noexcept {
  type = new_type;
  integers.clear();
  numbers.clear();
  bytes.clear();
  ends.clear();
  nulls.clear();
}

std::size_t Column::memory_bytes() const noexcept {
  return integers.capacity() * sizeof(std::int64_t) + numbers.capacity() * sizeof(double) + bytes.capacity() +
         ends.capacity() * sizeof(std::uint32_t) + nulls.capacity();
}

void Batch::clear(const Schema& schema) {
  rows = 0;
  columns.resize(schema.size());
  for (std::size_t i = 0; i < schema.size(); ++i) columns[i].clear(schema[i].type);
}

std::size_t Batch::memory_bytes() const noexcept {
  std::size_t sum = columns.capacity() * sizeof(Column);
  for (const auto& column : columns) sum += column.memory_bytes();
  return sum;
}

void keep_rows(Batch& batch, const std::vector<std::uint32_t>& rows) {
  for (auto& column : batch.columns) {
    if (column.size() == 0) continue;
    switch (column.type) {
      case Type::int64:
      case Type::boolean:
        gather(column.integers, rows);
        break;
      case Type::float64:
        gather(column.numbers, rows);
        break;
      case Type::text:
        gather_texts(column, rows);
        break;
    }
    if (!column.nulls.empty()) gather(column.nulls, rows);
  }
  batch.rows = rows.size();
}

}  // namespace surd::table
