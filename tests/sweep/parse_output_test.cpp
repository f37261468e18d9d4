#include "surd/sweep/detail/parse_output.hpp"

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/base/error.hpp"

namespace surd::sweep::detail {
namespace {

using testing::HasSubstr;

Values json(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_EQ(parsed.error, "") << text;
  return parsed.values;
}

Values csv(std::string_view text) {
  auto parsed = parse_csv(text);
  EXPECT_EQ(parsed.error, "") << text;
  return parsed.values;
}

Parsed regex(const std::vector<std::string>& patterns, std::string_view text) {
  return RegexParser(patterns).parse(text);
}

double number(const Values& values) { return std::get<double>(values.at(0).value); }

TEST(ParseJson, GivesEveryTypeOfField) {
  const auto values =
      json(R"({"e": -1.5, "n": 42, "ok": true, "who": "née", "v": [1, 2.5], "m": [[1, 2, 3], [4, 5, 6]]})");

  const Values expected{{"e", -1.5},
                        {"n", 42},
                        {"ok", true},
                        {"who", "née"},
                        {"v", Array({1, 2.5})},
                        {"m", Array({2, 3}, {1, 2, 3, 4, 5, 6})}};
  EXPECT_EQ(values, expected);
}

TEST(ParseJson, FlattensObjectsInOrder) {
  const Values expected{{"b.y", 1}, {"b.x.deep", 2.5}, {"a", 3}};

  EXPECT_EQ(json(R"({"b": {"y": 1, "x": {"deep": 2.5}, "none": {}}, "a": 3})"), expected);
  EXPECT_EQ(json("{}"), Values{});
}

TEST(ParseJson, TakesTheWholeOutputOrTheLastObjectLine) {
  const Values one{{"e", 1}};

  EXPECT_EQ(json("{\n  \"e\": 1\n}\n"), one);
  EXPECT_EQ(json("starting\n{\"e\": 0}\nstep {5}\n{\"e\": 1}\ndone\n{broken}\n"), one);
  EXPECT_EQ(json("\r\n  {\"e\": 1}  \r\n"), one);
  EXPECT_EQ(json("{\"e\": 0}\n{\"e\": 1}"), one);
}

TEST(ParseJson, AcceptsWhatJsonHasNoWordFor) {
  for (const char* text : {"NaN", "nan", "-nan", "null", "NAN"}) {
    EXPECT_TRUE(std::isnan(number(json(std::string("{\"x\": ") + text + "}")))) << text;
  }
  for (const char* text : {"Infinity", "inf", "+inf", "INF"}) {
    EXPECT_EQ(number(json(std::string("{\"x\":") + text + "}")), std::numeric_limits<double>::infinity())
        << text;
  }
  EXPECT_EQ(number(json("{\"x\": -Infinity}")), -std::numeric_limits<double>::infinity());
  const auto values = json(R"(log nan
{"a": [1, NaN, -inf], "t": "NaN \" inf", "b": 1e-5})");
  ASSERT_EQ(values.size(), 3U);
  EXPECT_TRUE(std::isnan(std::get<Array>(values[0].value).values[1]));
  EXPECT_EQ(values[1], Field("t", "NaN \" inf"));
  EXPECT_EQ(values[2], Field("b", 1e-5));
}

TEST(ParseJson, KeepsNumbersExactly) {
  EXPECT_EQ(json("{\"x\": 9223372036854775807}")[0], Field("x", std::numeric_limits<std::int64_t>::max()));
  EXPECT_EQ(json("{\"x\": 18446744073709551615}")[0], Field("x", 18446744073709551615.0));
  EXPECT_EQ(json("{\"x\": 0.1}")[0], Field("x", 0.1));
  EXPECT_EQ(json("{\"x\": 5e-324}")[0], Field("x", 5e-324));
}

TEST(ParseJson, SaysWhatIsWrong) {
  EXPECT_THAT(parse_json("").error, HasSubstr("found nothing"));
  EXPECT_THAT(parse_json(" \n\n").error, HasSubstr("found nothing"));
  EXPECT_THAT(parse_json("3.5\n").error,
              HasSubstr("found no JSON object, neither as the whole nor as a line: \"3.5\\n\""));
  EXPECT_THAT(parse_json("[1, 2]").error, HasSubstr("no JSON object"));
  EXPECT_THAT(parse_json("\x1b\x80{\"a\": }").error, HasSubstr("\"\\x1b\\x80{\"a\": }\""));
  EXPECT_THAT(parse_json(R"({"a": [[1], [2, 3]]})").error,
              HasSubstr("the field 'a' is no rectangular array"));
  EXPECT_THAT(parse_json(R"({"a": [1, "two"]})").error, HasSubstr("rectangular"));
  EXPECT_THAT(parse_json(R"({"a": {"b": 1}, "a.b": 2})").error, HasSubstr("'a.b' comes twice"));
  EXPECT_THAT(parse_json(R"({"": 1})").error, HasSubstr("no proper name"));
  EXPECT_THAT(parse_json(R"({"a": "\u0000"})").error, HasSubstr("NUL"));
  EXPECT_THAT(parse_json(std::string(300, 'x')).error, HasSubstr(std::string(200, 'x') + "\"..."));
}

TEST(ParseJson, SurvivesHostileOutput) {
  std::string deep = "{\"a\":" + std::string(100'000, '[');
  EXPECT_NE(parse_json(deep).error, "");
  deep += std::string(100'000, ']') + "}";
  EXPECT_NE(parse_json(deep).error, "");
  EXPECT_THAT(parse_json("{\"a\":" + std::string(20, '[') + std::string(20, ']') + "}").error,
              HasSubstr("nested too deeply"));
  std::string objects;
  for (int i = 0; i < 50'000; ++i) objects += "{\"a\":";
  EXPECT_NE(parse_json(objects + "1" + std::string(50'000, '}')).error, "");
  std::string fields = "{\"a\": 1";
  for (int i = 0; i < 20'000; ++i) fields += ", \"f" + std::to_string(i) + "\": 1";
  EXPECT_THAT(parse_json(fields + "}").error, HasSubstr("one too many"));
  std::string lines;
  for (int i = 0; i < 100'000; ++i) lines += "{broken}\n";
  EXPECT_NE(parse_json(lines).error, "");
}

TEST(ParseOutput, NeverCrashesOnGarbage) {
  std::mt19937 random(301);
  const std::string alphabet = "{}[]\",:0123456789.eE-+naif\\ \n\r\t\0\x80\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string text(random() % 60, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    static_cast<void>(parse_json(text));
    static_cast<void>(parse_csv(text));
    static_cast<void>(regex({"(?<a>[-0-9.e]+)[^,]*(?<b>.)"}, text));
  }
}

TEST(ParseCsv, ReadsNamesAndOneRow) {
  const Values expected{{"e", -1.5}, {"n", 42}, {"a \"b\",c", "x, y\nz"}, {"t", "text"}};

  EXPECT_EQ(csv("e,n,\"a \"\"b\"\",c\",t\n-1.5,42,\"x, y\nz\",text\n"), expected);
  EXPECT_EQ(csv("\xEF\xBB\xBF\r\n e , n,\"a \"\"b\"\",c\",t\r\n -1.5, 42,\"x, y\nz\",text\r\n\r\n"),
            expected);
  EXPECT_EQ(csv("x\n1"), (Values{{"x", 1}}));
}

TEST(ParseCsv, SaysWhatIsWrong) {
  EXPECT_THAT(parse_csv("").error, HasSubstr("found nothing"));
  EXPECT_THAT(parse_csv("a,b\n").error, HasSubstr("found the names but no values: \"a,b\\n\""));
  EXPECT_THAT(parse_csv("a,b\n1\n").error, HasSubstr("found 2 names but 1 values"));
  EXPECT_THAT(parse_csv("a\n1\n2\n").error, HasSubstr("more than one row"));
  EXPECT_THAT(parse_csv("a,a\n1,2\n").error, HasSubstr("'a' comes twice"));
  EXPECT_THAT(parse_csv("a,\n1,2\n").error, HasSubstr("column 2 has no proper name"));
  EXPECT_THAT(parse_csv("a\n\"1\n").error, HasSubstr("broken quote"));
  EXPECT_THAT(parse_csv("a\n\"1\"2\n").error, HasSubstr("broken quote"));
  EXPECT_THAT(parse_csv("a\n\xff\n").error, HasSubstr("no UTF-8"));
}

TEST(ParseRegex, TakesNamedGroupsOfTheLastLineThatMatches) {
  const std::string text = "E = 1 after 10\nE = -2.5e-3 after 20 steps\r\nM=7\ndone";

  const auto parsed = regex({"E = (?<energy>\\S+) after (?<steps>\\d+)", "M=(?P<m>.*)"}, text);

  EXPECT_EQ(parsed.error, "");
  EXPECT_EQ(parsed.values, (Values{{"energy", -2.5e-3}, {"steps", 20}, {"m", 7}}));
}

TEST(ParseRegex, FindsItsNamesWhateverElseThePatternHolds) {
  const auto parsed = regex({R"(\((?:x|(?<![a])y)[(?<no>\]](?<yes>\d+)(?<=5)(?<rest>.*))"}, "(x(15 end");

  EXPECT_EQ(parsed.values, (Values{{"yes", 15}, {"rest", "end"}})) << parsed.error;
}

TEST(ParseRegex, SaysWhatIsWrong) {
  EXPECT_THAT(regex({"E=(?<e>\\d+)"}, "nothing\nhere").error,
              HasSubstr("no line matches E=(?<e>\\d+): \"nothing\\nhere\""));
  EXPECT_THAT(regex({"(?<a>x)|(?<b>y)"}, "y").error, HasSubstr("the group 'a' did not match"));
  EXPECT_THAT(regex({"(?<a>.+)"}, "\xff\xfe").error, HasSubstr("is no text"));
  EXPECT_THROW(RegexParser({"(unclosed"}), base::UsageError);
  EXPECT_THROW(RegexParser({"no groups (at all)"}), base::UsageError);
  EXPECT_THROW(RegexParser({"(?<a>x)", "(?<a>y)"}), base::UsageError);
}

TEST(ParseRegex, GivesUpOnAPatternThatTakesExponentialTime) {
  EXPECT_THAT(regex({"(?<a>(x+x+)+)y"}, std::string(5000, 'x')).error, HasSubstr("took too long"));
}

TEST(ParseRegex, ReadsVeryLongLines) {
  const std::string text = std::string(4'000'000, 'x') + " E=5";

  EXPECT_EQ(regex({"E=(?<e>\\d+)"}, text).values, (Values{{"e", 5}}));
}

TEST(FieldValue, LooksAtTheText) {
  EXPECT_EQ(field_value(" 42 "), FieldValue(std::int64_t{42}));
  EXPECT_EQ(field_value("+7"), FieldValue(std::int64_t{7}));
  EXPECT_EQ(field_value("-1e3"), FieldValue(-1000.0));
  EXPECT_EQ(field_value("1.5D-03"), FieldValue(1.5e-3));
  EXPECT_EQ(field_value(".5"), FieldValue(0.5));
  EXPECT_EQ(field_value("99999999999999999999"), FieldValue(1e20));
  EXPECT_EQ(field_value("-inf"), FieldValue(-std::numeric_limits<double>::infinity()));
  EXPECT_TRUE(std::isnan(std::get<double>(field_value("nan"))));
  EXPECT_EQ(field_value("1.5 eV"), FieldValue(std::string("1.5 eV")));
  EXPECT_EQ(field_value("d"), FieldValue(std::string("d")));
  EXPECT_EQ(field_value(""), FieldValue(std::string()));
}

}  // namespace
}  // namespace surd::sweep::detail
