#include "surd/base/spec.hpp"

#include <array>
#include <functional>

#include <gtest/gtest.h>

namespace surd::base {
namespace {

/// what() of the SpecError that `read` throws.
std::string mistake(const std::string& document, const std::function<void(const Spec&)>& read) {
  const auto json = Json::parse(document);
  try {
    read(Spec(json));
  } catch (const SpecError& error) {
    EXPECT_EQ(error.what(), error.path().empty() ? error.message() : error.path() + ": " + error.message());
    return error.what();
  }
  return "no mistake";
}

TEST(Spec, ReadsTypedValues) {
  const auto json =
      Json::parse(R"({"a": {"n": 3, "x": 1.5, "b": true, "t": "word", "m": "64KiB", "d": "2m"}})");
  const auto spec = Spec(json).at("a");

  EXPECT_EQ(spec.at("n").integer(), 3);
  EXPECT_EQ(spec.at("n").number(), 3.0);
  EXPECT_EQ(spec.at("x").number(), 1.5);
  EXPECT_TRUE(spec.at("b").boolean());
  EXPECT_EQ(spec.at("t").text(), "word");
  EXPECT_EQ(spec.at("m").bytes(), 65536U);
  EXPECT_EQ(spec.at("n").bytes(), 3U);
  EXPECT_EQ(spec.at("d").seconds(), 120);
  EXPECT_EQ(spec.get("none", std::int64_t{7}), 7);
  EXPECT_EQ(spec.get("none", 0.5), 0.5);
  EXPECT_EQ(spec.get("none", "text"), "text");
  EXPECT_TRUE(spec.get("none", true));
  EXPECT_EQ(spec.keys().front(), "n");
  EXPECT_EQ(spec.at("x").path(), "a.x");
}

TEST(Spec, NamesThePlaceOfAMistake) {
  const std::string document = R"({"axes": {"T": {"linspace": [1, 2, "many"]}}})";

  EXPECT_EQ(
      mistake(document,
              [](const Spec& spec) { (void)spec.at("axes").at("T").at("linspace").items().at(2).integer(); }),
      "axes.T.linspace.2: expected an integer, found the text \"many\"");
  EXPECT_EQ(mistake(document, [](const Spec& spec) { (void)spec.at("axes").at("L"); }),
            "axes: the key 'L' is missing");
  EXPECT_EQ(mistake(document, [](const Spec& spec) { (void)spec.items(); }),
            "expected a list, found a map of 1 keys");
}

TEST(Spec, SaysWhatItFoundInstead) {
  const auto found = [](const std::string& value) {
    return mistake("{\"k\": " + value + "}", [](const Spec& spec) { (void)spec.at("k").boolean(); });
  };

  EXPECT_EQ(found("3"), "k: expected true or false, found 3");
  EXPECT_EQ(found("null"), "k: expected true or false, found nothing");
  EXPECT_EQ(found("[1, 2]"), "k: expected true or false, found a list of 2 items");
  EXPECT_LT(found('"' + std::string(1000, 'x') + '"').size(), 120U);
}

TEST(Spec, RefusesNumbersOutOfRange) {
  const auto read = [](const std::string& value, void (*as)(const Spec&)) {
    return mistake("{\"k\": " + value + "}", [as](const Spec& spec) { as(spec.at("k")); });
  };
  const auto integer = [](const Spec& spec) { (void)spec.integer(); };
  const auto bytes = [](const Spec& spec) { (void)spec.bytes(); };
  const auto seconds = [](const Spec& spec) { (void)spec.seconds(); };

  EXPECT_EQ(read("18446744073709551615", integer), "k: the integer 18446744073709551615 is beyond 64 bits");
  EXPECT_EQ(read("1.0", integer), "k: expected an integer, found 1.0");
  EXPECT_EQ(read("-9223372036854775808", integer), "no mistake");
  EXPECT_EQ(read("-1", bytes), "k: a size must not be negative");
  EXPECT_EQ(read("1.5", bytes), "k: expected a size such as 512MiB, found 1.5");
  EXPECT_EQ(read("\"big\"", bytes), "k: 'big' is not a size; write for example 512MiB or 4GB");
  EXPECT_EQ(read("-0.5", seconds), "k: a duration must not be negative");
  EXPECT_EQ(read("\"soon\"", seconds),
            "k: 'soon' is not a duration; write for example 90s, 2h30m or 04:00:00");
}

TEST(Spec, NamesTheNearestKeyOfAMisspeltOne) {
  const auto check = [](const Spec& spec) { spec.allow_only({"timeout", "retries", "parse"}); };

  EXPECT_EQ(mistake(R"({"timeout": 1, "retires": 2})", check),
            "retires: unknown key 'retires'; did you mean 'retries'?");
  EXPECT_EQ(mistake(R"({"colour": 2})", check),
            "colour: unknown key 'colour'; valid keys are timeout, retries, parse");
  EXPECT_EQ(mistake(R"({"parse": 2})", check), "no mistake");
}

TEST(Spec, ReadsNothingFromTheWrongKind) {
  EXPECT_EQ(mistake("[1]", [](const Spec& spec) { (void)spec.find("k"); }),
            "expected a map, found a list of 1 items");
  EXPECT_EQ(mistake("3", [](const Spec& spec) { (void)spec.keys(); }), "expected a map, found 3");
}

TEST(Nearest, FindsTyposAndNothingElse) {
  constexpr std::array<std::string_view, 4> words{"linspace", "logspace", "range", "list"};

  EXPECT_EQ(nearest("linspce", words), "linspace");
  EXPECT_EQ(nearest("lisnpace", words), "linspace");  // two letters swapped count once
  EXPECT_EQ(nearest("logspace", words), "logspace");
  EXPECT_EQ(nearest("rnge", words), "range");
  EXPECT_EQ(nearest("zip", words), "");
  EXPECT_EQ(nearest("", words), "");
  EXPECT_EQ(nearest(std::string(1000, 'l'), words), "");
  EXPECT_EQ(nearest("x", {}), "");
}

}  // namespace
}  // namespace surd::base
