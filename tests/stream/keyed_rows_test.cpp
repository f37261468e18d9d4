// Rows of joins as records of fixed size.
#include "surd/stream/detail/keyed_rows.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include "surd/base/random.hpp"
#include "surd/external/partition.hpp"

namespace {

using namespace surd;
using stream::detail::KeyedRows;
using table::Type;

/// The key, then `columns` of all types but text.
table::Schema schema_of(std::size_t columns) {
  table::Schema schema{{"key", Type::int64}};
  constexpr Type types[] = {Type::boolean, Type::int64, Type::float64};
  for (std::size_t c = 0; c < columns; ++c) schema.push_back({"c" + std::to_string(c), types[c % 3]});
  return schema;
}

table::Batch random_rows(const table::Schema& schema, std::size_t rows) {
  base::RandomStream random(schema.size(), rows);
  table::Batch batch;
  batch.clear(schema);
  batch.rows = rows;
  for (std::size_t c = 0; c < schema.size(); ++c) {
    auto& column = batch.columns[c];
    const bool some_null = c % 5 == 1;
    for (std::size_t i = 0; i < rows; ++i) {
      if (some_null && random.below(3) == 0) {
        column.push_null();
      } else if (column.type == Type::float64) {
        column.push_number(static_cast<double>(random()) / 7);
      } else {
        column.push_integer(
            static_cast<std::int64_t>(column.type == Type::boolean ? random.below(2) : random()));
      }
    }
  }
  return batch;
}

void expect_same(const table::Column& got, const table::Column& expected, std::size_t rows) {
  ASSERT_EQ(got.size(), rows);
  EXPECT_EQ(got.integers, expected.integers);
  EXPECT_EQ(got.numbers, expected.numbers);
  for (std::size_t i = 0; i < rows; ++i) ASSERT_EQ(got.is_null(i), expected.is_null(i)) << i;
}

TEST(KeyedRows, GiveBackValuesAndNullsOfAnyNumberOfColumns) {
  for (const std::size_t columns : {0U, 1U, 2U, 6U, 7U, 8U, 9U, 15U, 16U, 63U, 64U, 150U}) {
    const auto schema = schema_of(columns);
    std::vector<std::size_t> pack(schema.size());
    std::iota(pack.begin(), pack.end(), std::size_t{0});
    const KeyedRows rows(schema, 0, pack);
    const auto batch = random_rows(schema, 100);
    std::vector<std::byte> records;

    rows.encode(batch, records);

    ASSERT_EQ(records.size(), batch.rows * rows.record_bytes());
    std::vector<std::span<const std::byte>> spans;
    for (std::size_t i = 0; i < batch.rows; ++i) {
      spans.push_back(std::span(records).subspan(i * rows.record_bytes(), rows.record_bytes()));
    }
    table::Batch got;
    got.clear(schema);
    rows.decode(std::span(spans).first(40), got.columns, 0);
    rows.decode(std::span(spans).subspan(40), got.columns, 0);
    for (std::size_t c = 0; c < schema.size(); ++c) expect_same(got.columns[c], batch.columns[c], batch.rows);
  }
}

TEST(KeyedRows, ArePossibleAsLongAsRecordsCanBePacked) {
  const std::vector<std::size_t> by{0};
  std::size_t columns = 0;
  std::vector<std::size_t> pack;
  table::Schema schema{{"key", Type::int64}};
  while (KeyedRows::possible(schema, by, pack)) {
    ASSERT_LT(++columns, 1000U);
    schema.push_back({"c", Type::int64});
    pack.push_back(columns);
  }
  EXPECT_GT(KeyedRows(schema, 0, pack).record_bytes(), external::PartitionWriter::most_packed_bytes);
  EXPECT_EQ(columns, 1 + (1024 - 8 - 16) / 8U);
  EXPECT_FALSE(KeyedRows::possible({{"key", Type::int64}, {"t", Type::text}}, by, {1}));
  EXPECT_FALSE(KeyedRows::possible({{"key", Type::float64}}, by, {}));
}

}  // namespace
