#include "surd/table/evaluate.hpp"

#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"

namespace surd::table {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Schema schema{{"quantity", Type::int64}, {"price", Type::float64}, {"status", Type::text},
                    {"paid", Type::boolean},   {"day", Type::text},      {"null", Type::int64}};

/// Row 0 has values, row 1 others, row 2 nulls.
Batch sample() {
  Batch batch;
  batch.clear(schema);
  batch.rows = 3;
  auto& c = batch.columns;
  c[0].push_integer(7);
  c[0].push_integer(-2);
  c[1].push_number(2.5);
  c[1].push_number(std::nan(""));
  c[2].push_text("completed");
  c[2].push_text("größe");
  c[3].push_integer(1);
  c[3].push_integer(0);
  c[4].push_text("2026-01-31T12:34:56");
  c[4].push_text("2026-02-30");
  c[5].push_integer(5);
  c[5].push_integer(6);
  for (auto& column : c) column.push_null();
  return batch;
}

/// "7 -2 null"
std::string shown(const Column& column) {
  std::string text;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (i > 0) text += ' ';
    if (column.is_null(i)) {
      text += "null";
    } else if (column.type == Type::int64) {
      text += std::to_string(column.integers[i]);
    } else if (column.type == Type::boolean) {
      text += column.integers[i] != 0 ? "true" : "false";
    } else if (column.type == Type::text) {
      text += "'" + std::string(column.text(i)) + "'";
    } else {
      char number[32];
      std::snprintf(number, sizeof number, "%gf", column.numbers[i]);
      text += number;
    }
  }
  return text;
}

std::string value_of(const char* text) {
  BoundExpression expression(text, schema);
  Column column;
  expression.evaluate(sample(), column);
  return shown(column);
}

struct Case {
  const char* text;
  const char* values;
};

void expect_values(const std::vector<Case>& cases) {
  for (const auto& c : cases) {
    try {
      EXPECT_EQ(value_of(c.text), c.values) << c.text;
    } catch (const base::UsageError& e) {
      ADD_FAILURE() << c.text << ": " << e.what();
    }
  }
}

TEST(TableExpressions, PassNullsThroughNumbers) {
  expect_values({{"quantity", "7 -2 null"},
                 {"quantity + 1", "8 -1 null"},
                 {"quantity * price", "17.5f nanf null"},
                 {"quantity / 2", "3.5f -1f null"},
                 {"quantity % 4", "3 2 null"},
                 {"quantity ** 2", "49 4 null"},
                 {"quantity ** -1", "0.142857f -0.5f null"},
                 {"-quantity", "-7 2 null"},
                 {"abs(quantity)", "7 2 null"},
                 {"min(quantity, 3)", "3 -2 null"},
                 {"max(quantity, price)", "7f nanf null"},
                 {"if(price == price, floor(price), null)", "2 null null"},
                 {"sqrt(quantity * quantity)", "7f 2f null"},
                 {"quantity + null", "null null null"},
                 {"`null` + 1", "6 7 null"}});
}

TEST(TableExpressions, CompareExactly) {
  expect_values({{"quantity > 0", "true false null"},
                 {"quantity > price", "true false null"},
                 {"price != price", "false true null"},
                 {"9007199254740993 > 9007199254740992.0", "true true true"},
                 {"9007199254740993 + quantity * 0 == 9007199254740992.0", "false false null"},
                 {"9223372036854775807 < 9223372036854775808.0", "true true true"},
                 {"price + 9007199254740992.0 in [9007199254740993]", "false false null"},
                 {"quantity in [7, 7.5, -2.0]", "true true null"},
                 {"quantity in [7, null]", "true null null"},
                 {"quantity not in [7, null]", "false null null"},
                 {"quantity in [quantity, 3]", "true true null"},
                 {"quantity in [1,2,3,4,5,6,7,8,9,10]", "true false null"},
                 {"price in [1,2,3,4,5,6,7,8,9,2.5]", "true false null"},
                 {"status == 'completed'", "true false null"},
                 {"'größe' != status", "true false null"},
                 {"status == ''", "false false null"},
                 {"status < 'd'", "true false null"},
                 {"status in ['x', 'größe']", "false true null"},
                 {"status not in ['a','b','c','d','e','f','g','h','completed']", "false true null"},
                 {"paid == true", "true false null"},
                 {"paid in [true, null]", "true null null"}});
}

TEST(TableExpressions, FollowThreeValuedLogic) {
  expect_values({{"paid and quantity > 0", "true false null"},
                 {"paid and false", "false false false"},
                 {"false and paid", "false false false"},
                 {"paid or true", "true true true"},
                 {"true or paid", "true true true"},
                 {"paid or false", "true false null"},
                 {"null and paid", "null false null"},
                 {"null or paid", "true null null"},
                 {"not paid", "false true null"},
                 {"paid is null", "false false true"},
                 {"paid is not null and paid", "true false false"},
                 {"null is null", "true true true"},
                 {"coalesce(paid, true)", "true false true"},
                 {"coalesce(null, quantity, 1.5)", "7f -2f 1.5f"},
                 {"coalesce(status, 'none')", "'completed' 'größe' 'none'"},
                 {"if(paid, 'yes', 'no')", "'yes' 'no' 'no'"},
                 {"if(paid, quantity, null)", "7 null null"},
                 {"if(paid, 1, 0.5)", "1f 0.5f 0.5f"}});
}

TEST(TableExpressions, KnowTexts) {
  expect_values({{"status like 'c%d'", "true false null"},
                 {"status like 'gr__e'", "false true null"},
                 {"status not like '%o%'", "false true null"},
                 {"status like null", "null null null"},
                 {"upper(status)", "'COMPLETED' 'GRößE' null"},
                 {"lower('ABC[')", "'abc[' 'abc[' 'abc['"},
                 {"length(status)", "9 5 null"},
                 {"starts_with(status, 'com')", "true false null"},
                 {"ends_with(status, status)", "true true null"},
                 {"contains(status, 'öß')", "false true null"},
                 {"contains(status, '')", "true true null"},
                 {"substr(status, 3, 2)", "'mp' 'öß' null"},
                 {"substr(status, 0, 2)", "'c' 'g' null"},
                 {"substr(status, 4)", "'pleted' 'ße' null"},
                 {"substr(status, 2, -1)", "'' '' null"},
                 {"substr(status, 2, 9223372036854775807)", "'ompleted' 'röße' null"},
                 {"substr(status, -9223372036854775807 - 1, 9223372036854775807)", "'' '' null"},
                 {"concat(status, '-', text(quantity))", "'completed-7' 'größe--2' null"}});
}

TEST(TableExpressions, ConvertOrGiveNull) {
  expect_values({{"int(price)", "2 null null"},
                 {"int('12') + 0 * quantity", "12 12 null"},
                 {"int('12x')", "null null null"},
                 {"int('+5')", "5 5 5"},
                 {"int(paid)", "1 0 null"},
                 {"float(quantity)", "7f -2f null"},
                 {"float('1e3')", "1000f 1000f 1000f"},
                 {"float('')", "null null null"},
                 {"text(price)", "'2.5' 'nan' null"},
                 {"text(paid)", "'true' 'false' null"},
                 {"int(null)", "null null null"},
                 {"year(day)", "2026 null null"},
                 {"month(day)", "1 null null"},
                 {"day(day)", "31 null null"},
                 {"hour(day) * 10000 + minute(day) * 100 + second(day)", "123456 null null"},
                 {"hour('2026-01-31')", "0 0 0"},
                 {"minute('2024-02-29 23:59:60.5+01:00')", "59 59 59"},
                 {"year('2026-13-01')", "null null null"},
                 {"year('2026-01-01T24:00')", "null null null"},
                 {"year('2026-01-01T12:00:00Zx')", "null null null"}});
}

TEST(TableExpressions, NameThePlaceOfAMistake) {
  const std::vector<Case> mistakes{
      {"statuss == 'a'", "column 1: unknown name 'statuss'; did you mean 'status'?"},
      {"lowr(status)", "column 1: unknown function 'lowr'; did you mean 'lower'?"},
      {"status + 1", "column 8: '+' does not fit a text and an integer"},
      {"status == 1", "column 8: '==' does not fit a text and an integer"},
      {"status in ['a', 1]", "column 8: 'in' does not fit a text and an integer"},
      {"paid < true", "column 6: '<' does not fit true or false and true or false"},
      {"quantity and paid", "column 10: 'and' does not fit an integer"},
      {"not status", "column 1: 'not' does not fit a text"},
      {"quantity like 'a'", "column 10: 'like' does not fit an integer and a text"},
      {"status like status", "column 8: 'like' takes a pattern in quotes"},
      {"if(1, 2, 3)", "column 1: 'if' does not fit an integer"},
      {"if(paid, 2, 'a')", "column 1: 'if' does not fit an integer and a text"},
      {"if(paid, 2)", "column 1: if takes 3 values, found 2"},
      {"coalesce(1, 'a')", "column 1: 'coalesce' does not fit an integer and a text"},
      {"concat(status, 1)", "column 1: 'concat' does not fit an integer; text() makes texts"},
      {"substr(status, 'a')", "column 1: 'substr' takes a text, the place"},
      {"year(quantity)", "column 1: 'year' does not fit an integer"},
      {"max(quantity, status)", "column 1: 'max' does not fit an integer and a text"},
      {"null", "column 1: always null, of no type: write int(null)"},
      {"quantity is 3", "column 13: expected null (is null, is not null), found '3'"},
      {"quantity + 9223372036854775807", "column 10: 7 + 9223372036854775807 is beyond 64 bits"},
      {"quantity % 0", "column 10: 7 % 0"},
      {"quantity ** quantity", "column 10: -2 ** -2 is no integer; write float(-2) ** -2"},
      {"10 ** quantity ** 2", "column 4: 10 ** 49 is beyond 64 bits"},
      {"quantity - 9223372036854775807", "column 10: -2 - 9223372036854775807 is beyond 64 bits"},
      {"-(quantity * 0 - 9223372036854775807 - 1)", "column 1: the result is beyond 64 bits"},
      {"floor(price)", "column 1: floor of nan is no integer"},
      {"9223372036854775807 * 2", "column 21: 9223372036854775807 * 2 is beyond 64 bits"},
  };
  for (const auto& m : mistakes) {
    try {
      ADD_FAILURE() << m.text << " gives " << value_of(m.text);
    } catch (const base::UsageError& e) {
      EXPECT_THAT(e.what(), HasSubstr(m.values)) << m.text;
    }
  }
}

TEST(TableExpressions, RaiseNoErrorsWhereTheValueDoesNotMatter) {
  expect_values({{"quantity > 0 and 14 % (quantity + 2) == 5", "true false null"},
                 {"quantity < 0 or 14 % (quantity + 2) == 5", "true true null"},
                 {"if(quantity == -2, 0, 14 % (quantity + 2))", "5 0 null"},
                 {"coalesce(quantity + 1, quantity % 0)", "8 -1 null"},
                 {"false and 1 % 0 == 1", "false false false"}});
}

TEST(TableExpressions, SelectRowsThatAreTrue) {
  auto batch = sample();
  std::vector<std::uint32_t> rows;
  BoundExpression("quantity < 100", schema).select(batch, rows);
  EXPECT_THAT(rows, ElementsAre(0, 1));
  BoundExpression filter("not paid and status is not null", schema);
  filter.select(batch, rows);

  keep_rows(batch, rows);

  EXPECT_EQ(batch.rows, 1U);
  EXPECT_EQ(shown(batch.columns[2]), "'größe'");
  EXPECT_THAT(filter.uses(), ElementsAre(2, 3));
  EXPECT_THROW(BoundExpression("quantity", schema).select(batch, rows), base::UsageError);
}

TEST(TableExpressions, GiveNullRowsNeutralValues) {
  Column column;
  BoundExpression("quantity + 1", schema).evaluate(sample(), column);
  EXPECT_THAT(column.integers, ElementsAre(8, -1, 0));
  BoundExpression("if(paid, 'a', text(null))", schema).evaluate(sample(), column);
  EXPECT_THAT(column.ends, ElementsAre(1, 1, 1));
}

TEST(TableExpressions, OfNoRowsGiveNoRows) {
  Batch batch;
  batch.clear(schema);
  Column column;
  BoundExpression("concat(upper(status), 'a')", schema).evaluate(batch, column);
  EXPECT_EQ(column.size(), 0U);
  EXPECT_EQ(column.type, Type::text);
}

}  // namespace
}  // namespace surd::table
