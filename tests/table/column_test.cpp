#include "surd/table/column.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"
#include "surd/base/random.hpp"

namespace surd::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(ColumnKeeps, IntegersTextsAndNulls) {
  Column integers;
  integers.push_integer(7);
  integers.push_null();
  integers.push_integer(-1);
  Column texts;
  texts.clear(Type::text);
  texts.push_text("ab");
  texts.push_text("");
  texts.push_null();
  texts.push_text("c");

  EXPECT_EQ(integers.size(), 3U);
  EXPECT_THAT(integers.integers, ElementsAre(7, 0, -1));
  EXPECT_THAT(integers.nulls, ElementsAre(0, 1, 0));
  EXPECT_EQ(texts.size(), 4U);
  EXPECT_EQ(texts.text(0), "ab");
  EXPECT_EQ(texts.text(1), "");
  EXPECT_FALSE(texts.is_null(1));
  EXPECT_TRUE(texts.is_null(2));
  EXPECT_EQ(texts.text(3), "c");
}

TEST(ColumnAppends, WhatPushingRowByRowDoes) {
  base::RandomStream random(4, 0);
  for (const auto type : {Type::int64, Type::float64, Type::text, Type::boolean}) {
    Column from;
    Column plain;
    from.clear(type);
    plain.clear(type);
    for (std::size_t i = 0; i < 200; ++i) {
      const auto add = [&](Column& to) {
        if (type == Type::text) return to.push_text(std::string(i % 7, 'a'));
        type == Type::float64 ? to.push_number(static_cast<double>(i)) : to.push_integer(i % 2 == 0);
      };
      add(plain);
      random.below(3) == 0 ? from.push_null() : add(from);
    }
    for (int round = 0; round < 50; ++round) {
      Column appended;
      Column pushed;
      appended.clear(type);
      pushed.clear(type);
      for (int i = 0; i < 4; ++i) {
        const auto& part = random.below(2) == 0 ? plain : from;
        const auto first = random.below(part.size());
        const auto count = random.below(part.size() - first + 1);
        appended.append(part, first, count);
        for (auto row = first; row < first + count; ++row) pushed.push(part, row);
      }
      ASSERT_EQ(appended.size(), pushed.size());
      for (std::size_t row = 0; row < pushed.size(); ++row) {
        ASSERT_EQ(appended.is_null(row), pushed.is_null(row));
        ASSERT_TRUE(type != Type::text || appended.text(row) == pushed.text(row));
      }
      ASSERT_EQ(appended.integers, pushed.integers);
      ASSERT_EQ(appended.numbers, pushed.numbers);
    }
  }
}

TEST(ColumnKeeps, NoBitmapWhileNothingIsNull) {
  Column numbers;
  numbers.clear(Type::float64);
  for (int i = 0; i < 10; ++i) numbers.push_number(i);

  EXPECT_TRUE(numbers.nulls.empty());
  EXPECT_FALSE(numbers.is_null(3));
}

TEST(ColumnKeeps, ItsCapacityWhenCleared) {
  Column column;
  for (int i = 0; i < 1000; ++i) column.push_integer(i);
  const auto before = column.memory_bytes();

  column.clear(Type::int64);

  EXPECT_EQ(column.size(), 0U);
  EXPECT_EQ(column.memory_bytes(), before);
}

TEST(FindColumn, NamesTheNearest) {
  const Schema schema{{"price", Type::float64}, {"name", Type::text}};

  EXPECT_EQ(find(schema, "name"), 1U);
  try {
    (void)find(schema, "prise");
    FAIL() << "no error";
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("did you mean 'price'?"));
  }
}

TEST(KeepRows, EqualsPushingTheRowsKept) {
  base::RandomStream random(301, 0);
  const Schema schema{{"i", Type::int64}, {"f", Type::float64}, {"t", Type::text}, {"unread", Type::text}};
  for (int round = 0; round < 200; ++round) {
    Batch batch;
    batch.clear(schema);
    batch.rows = random.below(50);
    for (std::size_t row = 0; row < batch.rows; ++row) {
      for (std::size_t c = 0; c < 3; ++c) {
        auto& column = batch.columns[c];
        if (random.below(5) == 0) {
          column.push_null();
        } else if (c == 0) {
          column.push_integer(static_cast<std::int64_t>(random.below(100)));
        } else if (c == 1) {
          column.push_number(static_cast<double>(random.below(100)));
        } else {
          column.push_text(std::string(random.below(6), static_cast<char>('a' + random.below(26))));
        }
      }
    }
    const auto one_in = 1 + random.below(4);
    std::vector<std::uint32_t> rows;
    Batch expected;
    expected.clear(schema);
    for (std::uint32_t row = 0; row < batch.rows; ++row) {
      if (random.below(one_in) != 0) continue;
      rows.push_back(row);
      for (std::size_t c = 0; c < 3; ++c) expected.columns[c].push(batch.columns[c], row);
    }

    keep_rows(batch, rows);

    ASSERT_EQ(batch.rows, rows.size());
    EXPECT_EQ(batch.columns[3].size(), 0U);
    for (std::size_t c = 0; c < 3; ++c) {
      ASSERT_EQ(batch.columns[c].size(), rows.size());
      for (std::size_t row = 0; row < rows.size(); ++row) {
        ASSERT_EQ(batch.columns[c].is_null(row), expected.columns[c].is_null(row));
      }
      EXPECT_EQ(batch.columns[c].integers, expected.columns[c].integers);
      EXPECT_EQ(batch.columns[c].numbers, expected.columns[c].numbers);
      EXPECT_EQ(batch.columns[c].bytes, expected.columns[c].bytes);
      EXPECT_EQ(batch.columns[c].ends, expected.columns[c].ends);
    }
  }
}

}  // namespace
}  // namespace surd::table
