#include "group_run.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <numeric>
#include <optional>
#include <set>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"

namespace test {

using namespace surd;
using external::Aggregate;
using external::AggregateSpec;
using external::ValueType;

std::string key_of(std::uint64_t number) {
  std::string key(8, '\0');
  std::memcpy(key.data(), &number, 8);
  return key;
}

std::vector<AggregateSpec> all_aggregates() {
  std::vector<AggregateSpec> specs{{Aggregate::count, ValueType::int64, false, nullptr}};
  for (const auto type : {ValueType::int64, ValueType::float64}) {
    for (const auto aggregate :
         {Aggregate::count, Aggregate::sum, Aggregate::min, Aggregate::max, Aggregate::mean,
          Aggregate::variance, Aggregate::stddev, Aggregate::first, Aggregate::last}) {
      specs.push_back({aggregate, type, true, nullptr});
    }
  }
  return specs;
}

namespace {

/// Column buffers behind a Values.
struct Buffer {
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;
  std::vector<std::byte> bytes;
  std::vector<std::uint32_t> ends;
  std::vector<std::uint8_t> nulls;

  void fill(const std::vector<Row>& rows, std::size_t begin, std::size_t end, ValueType type) {
    *this = {};
    for (auto i = begin; i < end; ++i) {
      const auto& row = rows[i];
      if (type == ValueType::text) {
        const auto text = row.text.value_or("");
        for (const char c : text) bytes.push_back(static_cast<std::byte>(c));
        ends.push_back(static_cast<std::uint32_t>(bytes.size()));
        nulls.push_back(row.text ? 0 : 1);
      } else if (type == ValueType::float64) {
        numbers.push_back(row.number.value_or(0));
        nulls.push_back(row.number ? 0 : 1);
      } else {
        integers.push_back(row.integer.value_or(0));
        nulls.push_back(row.integer ? 0 : 1);
      }
    }
    if (std::ranges::count(nulls, 1) == 0) nulls.clear();
  }
  [[nodiscard]] external::Values values(ValueType type) const {
    return {type, integers, numbers, {bytes, ends}, nulls};
  }
};

void push(external::GroupBuilder& builder, const std::vector<Row>& rows, std::size_t begin, std::size_t end,
          const std::vector<AggregateSpec>& specs, bool integer_keys) {
  std::vector<std::uint64_t> keys;
  Buffer byte_keys;
  for (auto i = begin; i < end; ++i) {
    std::uint64_t key = 0;
    if (integer_keys) std::memcpy(&key, rows[i].key.data(), 8);
    keys.push_back(key);
    for (const char c : rows[i].key) byte_keys.bytes.push_back(static_cast<std::byte>(c));
    byte_keys.ends.push_back(static_cast<std::uint32_t>(byte_keys.bytes.size()));
  }
  std::vector<Buffer> buffers(specs.size());
  std::vector<external::Values> values;
  for (std::size_t c = 0; c < specs.size(); ++c) {
    if (specs[c].has_input) buffers[c].fill(rows, begin, end, specs[c].input);
    values.push_back(buffers[c].values(specs[c].input));
  }
  external::GroupInput input{end - begin, begin, {}, {}, values};
  integer_keys ? static_cast<void>(input.keys = keys)
               : static_cast<void>(input.byte_keys = {byte_keys.bytes, byte_keys.ends});
  builder.push(input);
}

std::string text_of(const external::ResultColumn& column, std::size_t i) {
  if (column.nulls.at(i) != 0) return "null";
  if (column.type == ValueType::float64) return fmt::format("~{:a}", column.numbers.at(i));
  if (column.type != ValueType::text) return fmt::format("{}", column.integers.at(i));
  const auto begin = i == 0 ? 0 : column.ends[i - 1];
  return {reinterpret_cast<const char*>(column.bytes.data()) + begin, column.ends.at(i) - begin};
}

void append(Table& table, const external::Groups& groups, bool integer_keys) {
  for (std::size_t i = 0; i < groups.rows; ++i) {
    std::vector<std::string> row;
    if (integer_keys) {
      row.push_back(key_of(groups.keys.at(i)));
    } else {
      const auto begin = i == 0 ? 0 : groups.key_ends[i - 1];
      row.emplace_back(reinterpret_cast<const char*>(groups.key_bytes.data()) + begin,
                       groups.key_ends[i] - begin);
    }
    for (const auto& column : groups.results) row.push_back(text_of(column, i));
    table.push_back(std::move(row));
  }
}

}  // namespace

Table group(const std::vector<Row>& rows, const std::vector<AggregateSpec>& specs, const Setting& setting) {
  auto& files = storage::local_file_system();
  const auto scratch = std::filesystem::temp_directory_path();
  const external::GroupFormat format{setting.integer_keys ? 8U : 0U, specs};
  storage::AsyncIo io;
  auto spill = external::SpillFile::scratch(files, scratch);
  std::vector<std::vector<external::PartitionExtents>> units;
  {
    memory::Budget budget(setting.memory);
    external::GroupBuilder builder(format, setting.partitions, budget, setting.memory, spill, 0, io);
    const auto unit = rows.size() / setting.units + 1;
    for (std::size_t u = 0; u < setting.units; ++u) {
      const auto end = std::min(rows.size(), (u + 1) * unit);
      for (auto i = std::min(end, u * unit); i < end; i += setting.batch) {
        push(builder, rows, i, std::min(end, i + setting.batch), specs, setting.integer_keys);
      }
      units.push_back(builder.finish());
      if (setting.shrink_to > 0) builder.shrink(setting.shrink_to);
    }
  }
  Table table;
  external::Groups groups;
  const auto memory = setting.merge_memory == 0 ? setting.memory : setting.merge_memory;
  memory::Budget budget(memory + memory / 4);
  std::optional<external::GroupMerger> merger;
  const auto parts_of = [&](std::uint32_t p) {
    std::vector<external::PartitionExtents> parts;
    for (const auto& unit : units) parts.push_back(unit[p]);
    if (p == setting.unreadable) parts.at(0).extents.at(0).offset = std::uint64_t{1} << 40U;
    return parts;
  };
  for (std::uint32_t p = 0; p < setting.partitions; ++p) {
    if (p == 0 || !setting.together) {
      merger.reset();
      merger.emplace(format, std::vector{&spill.reader()}, parts_of(p), budget, memory,
                     setting.scratch != nullptr ? *setting.scratch : files, scratch, io);
      for (auto q = p + 1; setting.together && q < setting.partitions; ++q) merger->add(parts_of(q));
    }
    if (p == setting.unreadable) {
      EXPECT_THROW((void)merger->next(groups, p + 1), base::IoError);
      return table;
    }
    while (merger->next(groups, setting.together ? p + 1 : 1)) {
      append(table, groups, setting.integer_keys);
      if (!setting.integer_keys || setting.partitions == 1) continue;
      for (const auto key : groups.keys) {
        const auto hash = external::hash_key(key);
        EXPECT_EQ(hash / (~std::uint64_t{0} / setting.partitions + 1), p) << "groups of another partition";
      }
    }
  }
  EXPECT_FALSE(merger->next(groups));
  return table;
}

namespace {

template <class T>
std::string show(const T& value) {
  if constexpr (std::is_same_v<T, double>) {
    return fmt::format("~{:a}", value);
  } else {
    return fmt::format("{}", value);
  }
}

template <class T>
std::string fixed_result(Aggregate aggregate, const std::vector<T>& values) {
  if (aggregate == Aggregate::count) return fmt::format("{}", values.size());
  if (aggregate == Aggregate::count_distinct) {
    return fmt::format("{}", std::set<T>(values.begin(), values.end()).size());
  }
  if (values.empty()) return "null";
  switch (aggregate) {
    case Aggregate::min:
      return show(*std::ranges::min_element(values));
    case Aggregate::max:
      return show(*std::ranges::max_element(values));
    case Aggregate::first:
      return show(values.front());
    case Aggregate::last:
      return show(values.back());
    default:
      break;
  }
  if (aggregate == Aggregate::list) {
    std::string list = "[";
    for (const auto& value : values) {
      if (list.size() > 1) list += ", ";
      if constexpr (std::is_same_v<T, std::string>) {
        list += '"' + value + '"';
      } else {
        list += fmt::format("{}", value);
      }
    }
    return list + "]";
  }
  if constexpr (!std::is_same_v<T, std::string>) {
    if (aggregate == Aggregate::median) {
      auto sorted = values;
      std::ranges::sort(sorted);
      const auto n = sorted.size();
      return show(static_cast<double>(sorted[(n - 1) / 2]) / 2 + static_cast<double>(sorted[n / 2]) / 2);
    }
    if (aggregate == Aggregate::sum) return show(std::accumulate(values.begin(), values.end(), T{}));
    long double mean = 0;
    for (const auto value : values) {
      mean += static_cast<long double>(value) / static_cast<long double>(values.size());
    }
    if (aggregate == Aggregate::mean) return show(static_cast<double>(mean));
    if (values.size() < 2) return "null";
    long double squares = 0;
    for (const auto value : values)
      squares += (static_cast<long double>(value) - mean) * (static_cast<long double>(value) - mean);
    const auto variance = static_cast<double>(squares / static_cast<long double>(values.size() - 1));
    return show(aggregate == Aggregate::stddev ? std::sqrt(variance) : variance);
  }
  return "?";
}

template <class T>
std::vector<T> present(const std::vector<const Row*>& rows, std::optional<T> Row::*member) {
  std::vector<T> values;
  for (const auto* row : rows) {
    if (row->*member) values.push_back(*(row->*member));
  }
  return values;
}

}  // namespace

std::map<std::string, std::vector<std::string>> expected_groups(const std::vector<Row>& rows,
                                                                const std::vector<AggregateSpec>& specs) {
  std::map<std::string, std::vector<const Row*>> groups;
  for (const auto& row : rows) groups[row.key].push_back(&row);
  std::map<std::string, std::vector<std::string>> result;
  for (const auto& [key, members] : groups) {
    auto& values = result[key];
    for (const auto& spec : specs) {
      if (!spec.has_input) {
        values.push_back(fmt::format("{}", members.size()));
      } else if (spec.input == ValueType::text) {
        values.push_back(fixed_result(spec.aggregate, present(members, &Row::text)));
      } else if (spec.input == ValueType::float64) {
        values.push_back(fixed_result(spec.aggregate, present(members, &Row::number)));
      } else {
        values.push_back(fixed_result(spec.aggregate, present(members, &Row::integer)));
      }
    }
  }
  return result;
}

void expect_equal(const Table& table, const std::map<std::string, std::vector<std::string>>& expected) {
  ASSERT_EQ(table.size(), expected.size());
  std::set<std::string> seen;
  for (const auto& row : table) {
    ASSERT_TRUE(seen.insert(row[0]).second) << "a key came twice";
    const auto found = expected.find(row[0]);
    ASSERT_NE(found, expected.end()) << "a key that is none";
    ASSERT_EQ(row.size(), found->second.size() + 1);
    for (std::size_t c = 1; c < row.size(); ++c) {
      const auto& want = found->second[c - 1];
      if (row[c].starts_with('~') && want.starts_with('~')) {
        const double value = std::stod(want.substr(1));
        ASSERT_NEAR(std::stod(row[c].substr(1)), value, 1e-9 * (1 + std::abs(value)))
            << "aggregate " << c - 1;
      } else {
        ASSERT_EQ(row[c], want) << "aggregate " << c - 1;
      }
    }
  }
}

}  // namespace test
