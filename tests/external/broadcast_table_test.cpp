#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "surd/base/units.hpp"
#include "surd/external/join.hpp"

namespace surd::test {
namespace {

using base::KiB;

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }
std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

TEST(BroadcastTable, FindsRowsInTheOrderTheyWereInserted) {
  memory::Budget budget(64 * KiB);
  external::BroadcastTable table(budget, 64 * KiB);
  EXPECT_TRUE(table.find(1, bytes_of("a")).empty());
  std::map<std::string, std::vector<std::string>> expected;
  std::size_t rows = 0;
  for (;; ++rows) {
    const auto key = std::to_string(rows * rows % 97);
    const auto row = std::to_string(rows);
    if (!table.insert(external::hash_key(bytes_of(key)), bytes_of(key), bytes_of(row))) break;
    expected[key].push_back(row);
    if (rows % 250 != 0) continue;
    EXPECT_FALSE(table.find(external::hash_key(bytes_of(key)), bytes_of(key)).empty());
  }

  EXPECT_GT(rows, 800U);
  for (const auto& [key, values] : expected) {
    std::vector<std::string> found;
    for (const auto row : table.find(external::hash_key(bytes_of(key)), bytes_of(key))) {
      found.push_back(text_of(row));
    }
    EXPECT_EQ(found, values) << key;
  }
  EXPECT_TRUE(table.find(external::hash_key(bytes_of("97")), bytes_of("97")).empty());
}

}  // namespace
}  // namespace surd::test
