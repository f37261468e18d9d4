#include "surd/table/rows.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <compare>
#include <cstring>

#include "surd/base/error.hpp"
#include "table_support.hpp"

namespace surd::test {
namespace {

using table::Batch;
using table::Column;
using table::KeyEncoder;
using table::RowCodec;
using table::SortColumn;
using table::Type;

struct Encoded {
  std::vector<std::byte> bytes;
  std::vector<std::uint32_t> ends;

  [[nodiscard]] std::span<const std::byte> row(std::size_t i) const {
    const auto begin = i == 0 ? 0 : ends[i - 1];
    return std::span(bytes).subspan(begin, ends[i] - begin);
  }
};

template <class Encoder>
Encoded encode(const Encoder& encoder, const Batch& batch) {
  Encoded encoded;
  encoder.encode(batch, encoded.bytes, encoded.ends);
  return encoded;
}

/// NaN behind all numbers and equal to itself, -0 equal to 0.
int compare_numbers(double a, double b) {
  if (std::isnan(a) || std::isnan(b))
    return static_cast<int>(std::isnan(a)) - static_cast<int>(std::isnan(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

int compare_values(const Column& column, std::size_t a, std::size_t b) {
  if (column.type == Type::float64) return compare_numbers(column.numbers[a], column.numbers[b]);
  if (column.type == Type::text) return column.text(a).compare(column.text(b));
  return column.integers[a] < column.integers[b] ? -1 : column.integers[a] > column.integers[b] ? 1 : 0;
}

/// The order that KeyEncoder promises, from the values themselves.
int compare_rows(const Batch& batch, const std::vector<SortColumn>& order, std::size_t a, std::size_t b) {
  for (const auto& by : order) {
    const auto& column = batch.columns[by.column];
    const int nulls = static_cast<int>(column.is_null(a)) - static_cast<int>(column.is_null(b));
    int result = by.nulls_first ? -nulls : nulls;
    if (nulls == 0 && !column.is_null(a)) result = compare_values(column, a, b) * (by.descending ? -1 : 1);
    if (result != 0) return result < 0 ? -1 : 1;
  }
  return 0;
}

int compare_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  const auto order = std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  return order < 0 ? -1 : order > 0 ? 1 : 0;
}

std::vector<SortColumn> random_order(base::RandomStream& random, std::size_t columns) {
  std::vector<SortColumn> order;
  for (auto n = 1 + random.below(4); n > 0; --n) {
    order.push_back({random.below(columns), random.below(2) == 0, random.below(2) == 0});
  }
  return order;
}

TEST(Keys, AreInTheOrderOfTheirRows) {
  base::RandomStream random(51, 0);
  for (int round = 0; round < 200; ++round) {
    const auto batch = hostile_batch(random, every_type(), 60, {});
    const auto order = random_order(random, batch.columns.size());
    const auto keys = encode(KeyEncoder(order), batch);

    for (std::size_t a = 0; a < batch.rows; ++a) {
      for (std::size_t b = 0; b < batch.rows; ++b) {
        ASSERT_EQ(compare_bytes(keys.row(a), keys.row(b)), compare_rows(batch, order, a, b))
            << "rows " << a << " and " << b << " of round " << round;
      }
    }
  }
}

TEST(Keys, AreNoBeginOfEachOther) {
  base::RandomStream random(52, 0);
  const auto batch = hostile_batch(random, every_type(), 300, {});
  const auto keys = encode(KeyEncoder(random_order(random, batch.columns.size())), batch);

  for (std::size_t a = 0; a < batch.rows; ++a) {
    for (std::size_t b = 0; b < batch.rows; ++b) {
      const auto left = keys.row(a);
      const auto right = keys.row(b);
      if (left.size() >= right.size()) continue;
      EXPECT_NE(std::memcmp(left.data(), right.data(), left.size()), 0);
    }
  }
}

std::vector<SortColumn> all_columns(std::size_t columns, std::uint64_t bits) {
  std::vector<SortColumn> order;
  for (std::size_t k = 0; k < columns; ++k) {
    order.push_back({k, (bits >> (2 * k) & 1) != 0, (bits >> (2 * k + 1) & 1) != 0});
  }
  return order;
}

TEST(Keys, DecodeToTheRowsThatWereEncoded) {
  base::RandomStream random(53, 0);
  for (std::uint64_t bits = 0; bits < 1024; bits += 7) {
    auto batch = hostile_batch(random, every_type(), 50, {});
    for (auto& number : batch.columns[1].numbers) number += 0.0;  // -0 comes back as 0
    const KeyEncoder encoder(all_columns(batch.columns.size(), bits));
    const auto keys = encode(encoder, batch);
    Batch back;
    back.clear(every_type());

    for (std::size_t i = 0; i < batch.rows; ++i) encoder.decode(keys.row(i), back.columns);

    back.rows = batch.rows;
    expect_same_rows(rows_of(back), rows_of(batch));
  }
}

TEST(Keys, ThatAreDamagedGiveFormatErrorOrAnotherRow) {
  base::RandomStream random(54, 0);
  const auto batch = hostile_batch(random, every_type(), 200, {});
  const KeyEncoder encoder(all_columns(batch.columns.size(), 0x155));
  const auto keys = encode(encoder, batch);
  int errors = 0;
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const auto row = keys.row(i);
    for (std::size_t cut = 0; cut < row.size(); ++cut) {
      Batch into;
      into.clear(every_type());
      EXPECT_THROW(encoder.decode(row.first(cut), into.columns), base::FormatError);
    }
    for (int hit = 0; hit < 20; ++hit) {
      std::vector<std::byte> damaged(row.begin(), row.end());
      damaged[random.below(damaged.size())] = static_cast<std::byte>(random.below(256));
      if (random.below(4) == 0) damaged.push_back(std::byte{1});
      Batch into;
      into.clear(every_type());
      try {
        encoder.decode(damaged, into.columns);
      } catch (const base::FormatError&) {
        ++errors;
      }
    }
  }
  EXPECT_GT(errors, 1000);
}

TEST(Rows, UnpackToWhatWasPacked) {
  base::RandomStream random(55, 0);
  const RowCodec codec(every_type(), {4, 0, 1, 2, 3});
  for (const bool nulls : {false, true}) {
    const auto batch = hostile_batch(random, every_type(), 2000, {.nulls = nulls, .longest_text = 300});
    const auto rows = encode(codec, batch);
    std::vector<Column> back(6);
    const std::vector<Type> types{Type::int64,   Type::text, Type::int64,
                                  Type::float64, Type::text, Type::boolean};
    for (std::size_t k = 0; k < back.size(); ++k) back[k].clear(types[k]);

    for (std::size_t i = 0; i < batch.rows; ++i) codec.decode(rows.row(i), back, 1);

    Batch table{batch.rows, {back[2], back[3], back[4], back[5], back[1]}};
    expect_same_rows(rows_of(table), rows_of(batch));
    EXPECT_EQ(back[0].size(), 0U);
  }
}

TEST(Rows, ThatAreDamagedGiveFormatErrorOrAnotherRow) {
  base::RandomStream random(56, 0);
  const auto batch = hostile_batch(random, every_type(), 300, {});
  const RowCodec codec(every_type(), {0, 1, 2, 3, 4});
  const auto rows = encode(codec, batch);
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const auto row = rows.row(i);
    for (std::size_t cut = 0; cut < row.size(); ++cut) {
      Batch into;
      into.clear(every_type());
      EXPECT_THROW(codec.decode(row.first(cut), into.columns), base::FormatError);
    }
    std::vector<std::byte> damaged(row.begin(), row.end());
    damaged[random.below(damaged.size())] = static_cast<std::byte>(random.below(256));
    Batch into;
    into.clear(every_type());
    try {
      codec.decode(damaged, into.columns);
    } catch (const base::FormatError& error) {
      EXPECT_NE(std::string(error.what()), "");
    }
  }
}

TEST(PackedRows, ComeBackInPiecesOfAnySize) {
  base::RandomStream random(57, 0);
  const auto batch = hostile_batch(random, every_type(), 1000, {});
  const auto bytes = written(output_to("t.h5", table::Format::hdf5), every_type(), {batch});
  std::vector<Row> found;
  Batch into;

  for (std::size_t begin = 0, window = 1; begin < bytes.size();) {
    const auto piece = std::span(bytes).subspan(begin, std::min(window, bytes.size() - begin));
    const auto used = unpack_rows(every_type(), piece, 1 + random.below(50), into);
    for (const auto& row : rows_of(into)) found.push_back(row);
    begin += used;
    window = used == 0 ? 2 * window : 1 + random.below(500);
  }

  expect_same_rows(found, rows_of(batch));
}

TEST(IntegerKeys, AreThereForIntegersWithoutNullsAlone) {
  Column column;
  column.clear(Type::int64);
  column.push_integer(-5);
  column.push_integer(5);

  EXPECT_EQ(table::integer_keys(column).size(), 2U);
  EXPECT_EQ(table::integer_keys(column)[1], 5U);
  column.push_null();
  EXPECT_TRUE(table::integer_keys(column).empty());
  column.clear(Type::boolean);
  column.push_integer(1);
  EXPECT_TRUE(table::integer_keys(column).empty());
}

}  // namespace
}  // namespace surd::test
