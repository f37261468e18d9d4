#include "surd/batch/yaml.hpp"

#include <cmath>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using surd::base::Json;
using surd::batch::locate_yaml;
using surd::batch::parse_yaml;
using surd::batch::YamlError;

std::string error_of(const std::string& text) {
  try {
    (void)parse_yaml(text);
  } catch (const YamlError& e) {
    return std::to_string(e.place().line) + ":" + std::to_string(e.place().column) + " " + e.what();
  }
  return "no error";
}

TEST(Yaml, ReadsScalarsAsTheCoreSchemaSays) {
  const auto json =
      parse_yaml(R"({a: 12, b: -7, c: +3, d: 0x1F, e: 0o17, f: 010, g: 1.5, h: -2e-3, i: .5, j: 3.,
    k: true, l: False, m: null, n: ~, o: , p: 18446744073709551615, q: -9223372036854775808})");

  EXPECT_EQ(json, Json::parse(R"({"a": 12, "b": -7, "c": 3, "d": 31, "e": 15, "f": 10, "g": 1.5, "h": -0.002,
    "i": 0.5, "j": 3.0, "k": true, "l": false, "m": null, "n": null, "o": null, "p": 18446744073709551615,
    "q": -9223372036854775808})"));
  EXPECT_TRUE(json["g"].is_number_float());
  EXPECT_TRUE(json["j"].is_number_float());
  EXPECT_TRUE(json["f"].is_number_integer());
}

TEST(Yaml, KeepsEverythingElseAsText) {
  for (const std::string text :
       {"yes", "no", "on",  "off",   "1_000", "12:30", "2026-01-31", "1e",   "e5",       "+",
        ".",   "0x", "0b1", "1.2.3", "nan",   "inf",   "tRUE",       "'12'", "\"true\"", "!!str 5"}) {
    EXPECT_TRUE(parse_yaml("a: " + text)["a"].is_string()) << text;
  }
}

TEST(Yaml, PassesInfinitiesAndNanOn) {
  EXPECT_TRUE(std::isnan(parse_yaml("a: .nan")["a"].get<double>()));
  EXPECT_EQ(parse_yaml("a: -.inf")["a"].get<double>(), -INFINITY);
}

TEST(Yaml, FollowsAnchorsAndAliases) {
  EXPECT_EQ(parse_yaml("a: &x [1, {b: 2}]\nc: *x\n"),
            Json::parse(R"({"a": [1, {"b": 2}], "c": [1, {"b": 2}]})"));
}

TEST(Yaml, NamesThePlaceOfEachMistake) {
  EXPECT_EQ(error_of(""), "1:1 the file is empty");
  EXPECT_EQ(error_of("# only a comment\n"), "1:1 the file is empty");
  EXPECT_EQ(error_of("a: 1\nb: 2\na: 3\n"), "3:1 the key 'a' is there twice");
  EXPECT_EQ(error_of("a: {x: 1, x: 2}\n"), "1:11 the key 'x' is there twice");
  EXPECT_THAT(error_of("a: [1, 2\nb: 3\n"), testing::HasSubstr("not YAML"));
  EXPECT_THAT(error_of("a:\n\t- 1\n"), testing::StartsWith("2:"));
  EXPECT_EQ(error_of("a: 1\n---\nb: 2\n"), "2:1 a second document begins here; a job file is one document");
  EXPECT_EQ(error_of("? [a]\n: 1\n"), "1:3 a key must be a text, not a map or a list");
  EXPECT_EQ(error_of("~: 1\n"), "1:1 a key must be a text");
  EXPECT_EQ(error_of("a: !!python/object 1\n"),
            "1:4 the tag tag:yaml.org,2002:python/object is not known here");
  EXPECT_EQ(error_of("a: 99999999999999999999\n"), "1:4 the integer 99999999999999999999 is beyond 64 bits");
  EXPECT_EQ(error_of("a: 1e999\n"), "1:4 the number 1e999 does not fit a 64-bit float");
  EXPECT_EQ(error_of("a: 1\nb: x\xff\n"), "2:5 the byte 0xff is no UTF-8 text");
  EXPECT_EQ(error_of(std::string("a: \0b", 5)), "1:4 the byte 0x00 is no UTF-8 text");
  EXPECT_EQ(error_of("a: \"\\0\"\n"), "1:4 a text with the character NUL");
  EXPECT_THAT(error_of("a: &x {<<: 1}\n"), testing::HasSubstr("merge keys"));
  EXPECT_THAT(error_of("a: &x [*x]\n"), testing::HasSubstr("an alias stands inside the value it refers to"));
  EXPECT_THAT(error_of("a: *nowhere\n"), testing::HasSubstr("not YAML"));
}

TEST(Yaml, BoundsDepthKeysSizeAndAliases) {
  std::string keys;
  for (int i = 0; i < 1001; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  std::string laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    const auto before = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
    for (int j = 0; j < 9; ++j) laughs += ", " + before;
    laughs += "]\n";
  }

  EXPECT_THAT(error_of("a: " + std::string(100, '[') + std::string(100, ']')),
              testing::HasSubstr("nested deeper than 64 levels"));
  EXPECT_NE(error_of(std::string(1'000'000, '[')), "no error");
  EXPECT_THAT(error_of(keys), testing::StartsWith("1001:1 a map of more than 1000 keys"));
  EXPECT_THAT(error_of(laughs), testing::HasSubstr("aliases repeat too much"));
  EXPECT_THAT(error_of(std::string((4 << 20) + 1, 'a')), testing::HasSubstr("may have at most 4194304"));
}

TEST(Yaml, FindsPlacesAgain) {
  const std::string text = "name: x\naxes:\n  T: {linspace: [1.5, 3.5, 41]}\n  L:\n    - 16\n    - 32\n";

  const auto value = locate_yaml(text, "axes.T.linspace.2", false);
  const auto item = locate_yaml(text, "axes.L.1", false);
  const auto key = locate_yaml(text, "name", true);
  const auto around = locate_yaml(text, "axes.T.linspace.7", false);
  const auto nowhere = locate_yaml(text, "missing", false);

  EXPECT_EQ(std::pair(value.line, value.column), std::pair(std::size_t{3}, std::size_t{28}));
  EXPECT_EQ(std::pair(item.line, item.column), std::pair(std::size_t{6}, std::size_t{7}));
  EXPECT_EQ(std::pair(key.line, key.column), std::pair(std::size_t{1}, std::size_t{1}));
  EXPECT_EQ(std::pair(around.line, around.column), std::pair(std::size_t{3}, std::size_t{7}));
  EXPECT_EQ(nowhere.line, 0U);
}

}  // namespace
