#include "surd/expression/expression.hpp"

#include <chrono>
#include <cmath>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"

namespace surd::expression {
namespace {

using testing::HasSubstr;

const std::vector<std::string> names{"L", "T", "model", "on", "temp eratur", "big", "größe"};

Value variable(std::size_t i) {
  static const std::vector<Value> values{std::int64_t{16},      2.5, std::string("b"), true, 3.0,
                                         std::int64_t{1} << 53, 7.0};
  return values.at(i);
}

struct Case {
  const char* text;
  Value value;
};

Value integer(std::int64_t i) { return i; }

TEST(Expressions, GiveTheValueOfTheHandTable) {
  const std::vector<Case> cases{
      {"1", integer(1)},
      {"1.5", 1.5},
      {".5", 0.5},
      {"2.", 2.0},
      {"1e3", 1000.0},
      {"1E-2", 0.01},
      {"'a'", std::string("a")},
      {"\"it's\"", std::string("it's")},
      {R"('a\'b\\c\n\t')", std::string("a'b\\c\n\t")},
      {"''", std::string()},
      {"true", true},
      {"false", false},
      {"L", integer(16)},
      {"  L  ", integer(16)},
      {"`temp eratur` * 2", 6.0},
      {"größe", 7.0},
      {"1 + 2 * 3", integer(7)},
      {"(1 + 2) * 3", integer(9)},
      {"10 - 3 - 2", integer(5)},
      {"7 / 2", 3.5},
      {"8 / 2 / 2", 2.0},
      {"7 % 3", integer(1)},
      {"-7 % 3", integer(2)},
      {"7 % -3", integer(-2)},
      {"-7.5 % 2", 0.5},
      {"2 ** 3 ** 2", integer(512)},
      {"-2 ** 2", integer(-4)},
      {"(-2) ** 2", integer(4)},
      {"2 ** -1", 0.5},
      {"2 ** 62", integer(std::int64_t{1} << 62)},
      {"(-1) ** 9223372036854775807", integer(-1)},
      {"2.0 ** 3", 8.0},
      {"--1", integer(1)},
      {"+1", integer(1)},
      {"- - + 2", integer(2)},
      {"1 < 2", true},
      {"1 <= 1.0", true},
      {"1 == 1.0", true},
      {"1 != 1", false},
      {"2 > 1 and 1 > 2", false},
      {"2 > 1 or 1 > 2", true},
      {"not 1 > 2", true},
      {"not true or true", true},
      {"not (true or true)", false},
      {"true and not false", true},
      {"1 == 1 and 2 == 2 or false", true},
      {"false and 1 % 0 == 1", false},
      {"true or 1 % 0 == 1", true},
      {"'a' < 'b'", true},
      {"model == 'b'", true},
      {"model in ['a', 'b']", true},
      {"model not in ['a', 'b']", false},
      {"L in [1, 16.0]", true},
      {"L + 1 in [17]", true},
      {"on == true", true},
      {"on and L > 3", true},
      {"abs(-3)", integer(3)},
      {"abs(-3.5)", 3.5},
      {"sqrt(L)", 4.0},
      {"floor(2.7)", integer(2)},
      {"ceil(2.2)", integer(3)},
      {"round(2.5)", integer(2)},
      {"round(3.5)", integer(4)},
      {"floor(-0.5)", integer(-1)},
      {"min(3, 2.5, 4)", 2.5},
      {"max(3, 2.5, 4)", integer(4)},
      {"max(L)", integer(16)},
      {"log2(8) + log10(100)", 5.0},
      {"exp(0) + cos(0) + sin(0) + tan(0) + log(1)", 2.0},
      {"1 / 0 > 1000", true},
      {"big == 9007199254740993", false},
      {"9007199254740993 > 9007199254740992.0", true},
      {"9223372036854775807 < 9223372036854775808.0", true},
      {"log(-1) == log(-1)", false},
      {"log(-1) != log(-1)", true},
      {"L * T < 100 and not (model == 'c')", true},
      {"L*T<100", true},
      {"L\n*\tT", 40.0},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Expression::parse(c.text, names).evaluate(variable), c.value) << c.text;
  }
}

TEST(Expressions, TellWhatTheyUse) {
  EXPECT_EQ(Expression::parse("T > 1 and L in [T, 2] or T < 3", names).uses(),
            (std::vector<std::size_t>{0, 1}));
  EXPECT_TRUE(Expression::parse("1 < 2", names).uses().empty());
}

TEST(Expressions, MayUseNamesOfFunctions) {
  const std::vector<std::string> axes{"min", "log", "order", "inner", "note"};
  const auto value = [](std::size_t i) -> Value { return static_cast<std::int64_t>(i + 1); };
  EXPECT_EQ(Expression::parse("min (min, log) + order + inner + note", axes).evaluate(value), integer(13));
}

TEST(Expressions, TestAndNumberCheckTheType) {
  EXPECT_TRUE(Expression::parse("L > 1", names).test(variable));
  EXPECT_EQ(Expression::parse("L", names).number(variable), 16.0);
  EXPECT_EQ(Expression::parse("T", names).number(variable), 2.5);
  EXPECT_THROW((void)Expression::parse("L", names).test(variable), base::UsageError);
  EXPECT_THROW((void)Expression::parse("model", names).number(variable), base::UsageError);
}

struct Mistake {
  const char* text;
  const char* message;
};

std::string mistake_of(const std::string& text) {
  try {
    (void)Expression::parse(text, names).evaluate(variable);
  } catch (const base::UsageError& e) {
    return e.what();
  }
  return "no error";
}

TEST(Expressions, NameThePlaceOfAMistake) {
  const std::vector<Mistake> mistakes{
      {"", "column 1: expected a value, found the end"},
      {"   ", "column 4: expected a value, found the end"},
      {"L *", "column 4: expected a value, found the end"},
      {"L * * T", "column 5: expected a value, found '*'"},
      {"L T", "column 3: expected an operator or the end, found 'T'"},
      {"(L", "column 3: expected an operator, ',' or ')', found the end"},
      {"L)", "column 2: expected an operator or the end, found ')'"},
      {"(L))", "column 4: expected an operator or the end, found ')'"},
      {"()", "column 2: expected a value, found ')'"},
      {"L = 3", "column 3: expected an operator; equality is written ==, found '='"},
      {"1 < L < 3", "column 7: expected and, or, or the end; comparisons are not chained"},
      {"L == 1 == 2", "column 8: expected and"},
      {"L in 3", "column 6: expected a list such as [1, 2], found '3'"},
      {"L in []", "column 7: expected a value, found ']'"},
      {"L in [1", "column 8: expected ',' or ']', found the end"},
      {"L in [1,]", "column 9: expected a value, found ']'"},
      {"'abc", "column 5: expected the closing quote of the text, found the end"},
      {"'a\\", "column 3: expected the closing quote"},
      {R"('\q')", "column 2: unknown escape"},
      {"`T", "column 3: expected the closing ` of the name, found the end"},
      {"``", "column 2: expected a name"},
      {"2L", "column 2: expected an operator behind the number, found 'L'"},
      {"1e", "column 2: expected an operator behind the number, found 'e'"},
      {"1.2.3", "column 4: expected an operator or the end"},
      {"Q > 1", "column 1: unknown name 'Q'; did you mean 'L'?"},
      {"1 + mdel", "column 5: unknown name 'mdel'; did you mean 'model'?"},
      {"zzzzzz", "column 1: unknown name 'zzzzzz'; known names are L, T"},
      {"sqt(2)", "column 1: unknown function 'sqt'; did you mean 'sqrt'?"},
      {"sqrt(1, 2)", "column 1: sqrt takes one value, found 2"},
      {"sqrt()", "column 6: expected a value, found ')'"},
      {"sqrt(1", "column 7: expected an operator, ',' or ')'"},
      {"and", "column 1: expected a value, found 'a'"},
      {"L and", "column 6: expected a value, found the end"},
      {"L not 3", "column 3: expected an operator or the end"},
      {"99999999999999999999", "column 1: the integer 99999999999999999999 is beyond 64 bits"},
      {"1e999", "column 1: the number 1e999 is out of the range of floats"},
      {"größe # 2", "column 7: expected an operator or the end, found '#'"},
      {"L + ß", "column 5: unknown name 'ß'"},
      {"'a' + 1", "column 5: '+' does not fit a text and an integer"},
      {"1 - true", "column 3: '-' does not fit an integer and true or false"},
      {"-'a'", "column 1: '-' does not fit a text"},
      {"'a' == 1", "column 5: '==' does not fit a text and an integer"},
      {"true < false", "column 6: '<' does not fit true or false and true or false"},
      {"true == 1", "column 6: '==' does not fit true or false and an integer"},
      {"model in [1]", "column 7: 'in' does not fit a text and an integer"},
      {"1 and true", "column 3: 'and' does not fit an integer"},
      {"true or 'a' or true", "no error"},
      {"false or 'a'", "column 7: 'or' does not fit a text"},
      {"not 1", "column 1: 'not' does not fit an integer"},
      {"sqrt('a')", "column 1: 'sqrt' does not fit a text"},
      {"max('a', 1)", "column 1: 'max' does not fit a text"},
      {"min(1, 'a')", "column 1: 'min' does not fit a text and an integer"},
      {"abs(true)", "column 1: 'abs' does not fit true or false"},
      {"L % 0", "column 3: 16 % 0"},
      {"9223372036854775807 + 1", "column 21: 9223372036854775807 + 1 is beyond 64 bits"},
      {"2 ** 63", "column 3: 2 ** 63 is beyond 64 bits"},
      {"9223372036854775807 * 2", "is beyond 64 bits"},
      {"floor(1e300)", "column 1: floor of 1e+300 is no integer"},
      {"abs(-9223372036854775807 - 1)", "column 1: the result is beyond 64 bits"},
  };
  for (const auto& m : mistakes) EXPECT_THAT(mistake_of(m.text), HasSubstr(m.message)) << m.text;
}

TEST(Expressions, RefuseWhatOnlyTablesHave) {
  const std::vector<Mistake> mistakes{
      {"L is null", "column 3: 'is null' is for tables only"},
      {"model like 'a%'", "column 7: 'like' is for tables only"},
      {"model not like 'a%'", "column 7: 'not like' is for tables only"},
      {"1 + length(model)", "column 5: length() is for tables only"},
      {"null == 3", "column 1: unknown name 'null'"},
      {"L is 3", "column 6: expected null (is null, is not null), found '3'"},
  };
  for (const auto& m : mistakes) EXPECT_THAT(mistake_of(m.text), HasSubstr(m.message)) << m.text;
}

TEST(Expressions, MayStillNameAxesAsTheWordsOfTables) {
  const std::vector<std::string> axes{"is", "like", "null", "lower"};
  const auto value = [](std::size_t i) -> Value { return static_cast<std::int64_t>(i + 1); };
  EXPECT_EQ(Expression::parse("is + like + null + lower", axes).evaluate(value), integer(10));
}

TEST(Expressions, OfHostileDepthAndLengthAreRefused) {
  const auto repeated = [](const char* part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
  };

  EXPECT_THAT(mistake_of(repeated("(", 30000)), HasSubstr("nested"));
  EXPECT_THAT(mistake_of(repeated("-", 30000) + "1"), HasSubstr("nested"));
  EXPECT_THAT(mistake_of(repeated("not ", 10000) + "true"), HasSubstr("nested"));
  EXPECT_THAT(mistake_of(repeated("abs(", 10000)), HasSubstr("nested"));
  EXPECT_THAT(mistake_of(repeated("2 ** ", 10000) + "2"), HasSubstr("nested"));
  EXPECT_THAT(mistake_of(repeated("1 + ", 10000) + "1"), HasSubstr("operators in a row"));
  EXPECT_THAT(mistake_of(repeated("1", 100000)), HasSubstr("longer than"));
  EXPECT_EQ(mistake_of(repeated("(", 90) + "1" + repeated(")", 90)), "no error");
  EXPECT_EQ(mistake_of(repeated("1 + ", 900) + "1"), "no error");
  EXPECT_EQ(mistake_of("L in [" + repeated("1, ", 20000) + "1]"), "no error");
}

TEST(Expressions, OfRandomTextGiveAValueOrAUsageError) {
  static const std::vector<std::string> parts{
      "L",    "T",   "model", "on", "(", ")",    "[",  "]",  ",",   "+",
      "-",    "*",   "**",    "/",  "%", "<",    "<=", "==", "!=",  "=",
      "and",  "or",  "not",   "in", "1", "2.5",  "0",  "'a", "'b'", "true",
      "sqrt", "min", "`",     "\\", "é", "\xff", " ",  "e9", "\"",  "9223372036854775807"};
  std::mt19937 random(7);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  std::uint64_t values = 0;
  while (std::chrono::steady_clock::now() < end) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) {
      text +=
          random() % 16 == 0 ? std::string(1, static_cast<char>(random())) : parts[random() % parts.size()];
      if (random() % 2 == 0) text += ' ';
    }
    try {
      (void)Expression::parse(text, names).evaluate(variable);
      ++values;
    } catch (const base::UsageError& e) {
      ASSERT_THAT(e.what(), HasSubstr("column")) << text;
    }
  }
  EXPECT_GT(values, 100U);
}

}  // namespace
}  // namespace surd::expression
