// Runs a group-by over rows in memory, and the same the slow and obvious way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "surd/external/group.hpp"
#include "surd/storage/file_system.hpp"

namespace test {

struct Row {
  std::string key;
  std::optional<std::int64_t> integer;
  std::optional<double> number;
  std::optional<std::string> text;
};

struct Setting {
  std::uint64_t memory = std::uint64_t{4} << 20;
  std::uint32_t partitions = 16;
  std::size_t units = 1;           ///< finish() is called so often.
  std::size_t batch = 1000;        ///< Rows per push().
  bool integer_keys = true;        ///< Keys are 8 bytes.
  std::uint64_t merge_memory = 0;  ///< 0: as memory.
  bool together = false;           ///< Partitions by one merger, not each by its own.
  std::uint32_t unreadable = ~0U;  ///< Reads of this partition fail: those before it are the result.
  surd::storage::FileSystem* scratch = nullptr;  ///< Of the mergers; null: the local one.
  std::uint64_t shrink_to = 0;  ///< The builder has so much from the second unit on; 0: as before.
};

/// Key and results as text ("null", numbers exactly), in the order they came out.
using Table = std::vector<std::vector<std::string>>;

/// Every aggregate of every type but the user's.
[[nodiscard]] std::vector<surd::external::AggregateSpec> all_aggregates();

[[nodiscard]] Table group(const std::vector<Row>& rows,
                          const std::vector<surd::external::AggregateSpec>& aggregates,
                          const Setting& setting);

/// By key; floats that depend on rounding as "~value".
[[nodiscard]] std::map<std::string, std::vector<std::string>> expected_groups(
    const std::vector<Row>& rows, const std::vector<surd::external::AggregateSpec>& aggregates);

/// Compares as sets of groups, floats to 10^-9.
void expect_equal(const Table& table, const std::map<std::string, std::vector<std::string>>& expected);

[[nodiscard]] std::string key_of(std::uint64_t number);  ///< Its 8 bytes.

}  // namespace test
