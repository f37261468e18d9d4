#include <bit>
#include <chrono>
#include <cmath>

#include <gtest/gtest.h>

#include "random_expressions.hpp"
#include "surd/base/error.hpp"
#include "surd/table/detail/text_match.hpp"
#include "surd/table/evaluate.hpp"

namespace surd::table {
namespace {

using namespace random_expressions;

/// Values of every kind, nulls in half of the columns; `extreme` has integers whose sums overflow.
Batch random_batch(std::mt19937& random, std::size_t rows, bool extreme) {
  Batch batch;
  batch.clear(schema);
  batch.rows = rows;
  for (std::size_t k = 0; k < schema.size(); ++k) {
    auto& column = batch.columns[k];
    for (std::size_t i = 0; i < rows; ++i) {
      const auto r = random();
      if (k % 2 == 1 && random() % 4 == 0) {
        column.push_null();
      } else if (schema[k].type == Type::int64) {
        const auto small = static_cast<std::int64_t>(r % 21) - 10;
        column.push_integer(extreme && r % 64 == 0 ? INT64_MAX - small * small : small);
      } else if (schema[k].type == Type::float64) {
        column.push_number(r % 16 == 0   ? std::nan("")
                           : r % 16 == 1 ? 0x1p63
                                         : static_cast<double>(r % 40) / 2 - 5);
      } else if (schema[k].type == Type::text) {
        column.push_text(words[r % words.size()]);
      } else {
        column.push_integer(r % 2);
      }
    }
  }
  return batch;
}

Cell cell(const Column& column, std::size_t row) {
  if (column.is_null(row)) return std::nullopt;
  switch (column.type) {
    case Type::int64:
      return column.integers[row];
    case Type::float64:
      return column.numbers[row];
    case Type::boolean:
      return column.integers[row] != 0;
    default:
      return std::string(column.text(row));
  }
}

bool same(const Cell& a, const Cell& b) {
  if (!a || !b) return !a && !b;
  const auto* x = std::get_if<double>(&*a);
  const auto* y = std::get_if<double>(&*b);
  if (x == nullptr || y == nullptr) return *a == *b;
  return (std::isnan(*x) && std::isnan(*y)) ||
         std::bit_cast<std::uint64_t>(*x) == std::bit_cast<std::uint64_t>(*y);
}

/// nullopt if a row overflows.
std::optional<std::vector<Cell>> expected_values(const Made& made, std::size_t rows) {
  std::vector<Cell> values;
  try {
    for (std::size_t i = 0; i < rows; ++i) values.push_back(made.value(i));
  } catch (const Overflow&) {
    return std::nullopt;
  }
  return values;
}

/// 1 if values were compared, 0 if both say it overflows.
int expect_same(const Made& made, const Batch& batch) {
  const auto expected = expected_values(made, batch.rows);
  BoundExpression expression(made.text, schema);
  EXPECT_EQ(expression.type(), made.type) << made.text;
  Column column;
  try {
    expression.evaluate(batch, column);
  } catch (const base::UsageError& e) {
    EXPECT_FALSE(expected) << made.text << ": " << e.what();
    return 0;
  }
  EXPECT_TRUE(expected) << made.text << " should overflow";
  if (!expected) return 0;
  std::vector<std::uint32_t> selected;
  std::vector<std::uint32_t> wanted;
  if (made.type == Type::boolean) expression.select(batch, selected);
  for (std::size_t i = 0; i < batch.rows; ++i) {
    const auto& value = (*expected)[i];
    EXPECT_TRUE(same(cell(column, i), value)) << made.text << " in row " << i;
    if (made.type == Type::boolean && value && std::get<bool>(*value))
      wanted.push_back(static_cast<std::uint32_t>(i));
  }
  EXPECT_EQ(selected, wanted) << made.text;
  return 1;
}

TEST(RandomTableExpressions, GiveWhatClosuresGiveRowByRow) {
  std::mt19937 random(11);
  int compared_values = 0;
  for (unsigned round = 0; round < 6000 && !testing::Test::HasFailure(); ++round) {
    const std::size_t rows = round % 100 == 0 ? 2500 : random() % 40;
    const auto batch = random_batch(random, rows, round % 5 == 0);
    Generator generator(round, batch);
    compared_values +=
        expect_same(generator.make(static_cast<Type>(round % 4), 1 + static_cast<int>(round % 5)), batch);
  }
  EXPECT_GT(compared_values, 4000);
}

/// By trying everything.
bool like(std::string_view text, std::string_view pattern) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '%')
    return like(text, pattern.substr(1)) || (!text.empty() && like(text.substr(1), pattern));
  if (text.empty()) return false;
  if (pattern[0] == '_') {
    std::size_t next = 1;
    while (next < text.size() && (text[next] & 0xC0) == 0x80) ++next;
    return like(text.substr(next), pattern.substr(1));
  }
  return text[0] == pattern[0] && like(text.substr(1), pattern.substr(1));
}

TEST(LikePatterns, MatchWhatTryingEverythingMatches) {
  const std::vector<std::string> letters{"a", "b", "ß"};
  const std::vector<std::string> signs{"a", "b", "ß", "%", "_"};
  std::mt19937 random(5);
  int matches = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string text;
    std::string pattern;
    for (auto n = random() % 9; n > 0; --n) text += letters[random() % letters.size()];
    for (auto n = random() % 7; n > 0; --n) pattern += signs[random() % signs.size()];
    const bool found = detail::LikePattern(pattern).matches(text);
    ASSERT_EQ(found, like(text, pattern)) << text << " like " << pattern;
    matches += found ? 1 : 0;
  }
  EXPECT_GT(matches, 1000);
}

TEST(LikePatterns, KnowEscapesAndStayLinear) {
  EXPECT_TRUE(detail::LikePattern("100\\%%").matches("100% off"));
  EXPECT_TRUE(detail::LikePattern("\\%\\_").matches("%_"));
  EXPECT_FALSE(detail::LikePattern("\\%").matches("x"));
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "%a";
  EXPECT_FALSE(detail::LikePattern(pattern + "%b").matches(std::string(100'000, 'a')));
}

TEST(TableExpressionsFuzz, OfMutatedTextGiveValuesOrAUsageError) {
  const std::vector<std::string> seeds{
      "if(b, coalesce(s, 'none'), substr(t, 1, i)) like 'a%_' or x is not null and i in [1, null, 3]",
      "concat(lower(s), text(i * j)) == 'a' and not (year(t) > 2020)",
      "int(s) + float(t) ** -2 % max(i, x, 3)", "floor(x / y) + length(upper(s)) >= 2",
      "`i` not in [j, 2.5] or c == (s not like '%\\\\%')"};
  std::mt19937 random(3);
  const auto batch = random_batch(random, 9, true);
  const std::vector<std::string> parts{
      "(", ")",  "[",   "]",         ",", "null", " is ", " like ", "'",    "9223372036854775807",
      "-", "**", "if(", "coalesce(", "i", "s",    "x",    " and ",  "\xff", "not "};
  Column column;
  int values = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(3);
  while (std::chrono::steady_clock::now() < end) {
    auto text = seeds[random() % seeds.size()];
    for (auto n = random() % 4; n > 0; --n) {
      const auto place = random() % (text.size() + 1);
      const auto& part = parts[random() % parts.size()];
      random() % 2 == 0 ? text.insert(place, part) : text.replace(place, random() % 8, part);
    }
    try {
      BoundExpression(text, schema).evaluate(batch, column);
      ASSERT_EQ(column.size(), batch.rows) << text;
      ++values;
    } catch (const base::UsageError& e) {
      ASSERT_NE(std::string_view(e.what()).find("column "), std::string_view::npos)
          << text << ": " << e.what();
    }
  }
  EXPECT_GT(values, 100);
}

}  // namespace
}  // namespace surd::table
