#include "surd/sweep/subject.hpp"

#include <gtest/gtest.h>

#include "grid_support.hpp"
#include "surd/base/error.hpp"

namespace surd::sweep {
namespace {

TEST(Values, AreTheSameIfEqualAsNumbers) {
  const Value one = std::int64_t{1};
  EXPECT_TRUE(same(one, 1.0));
  EXPECT_TRUE(same(0.0, -0.0));
  EXPECT_TRUE(same(std::int64_t{0}, -0.0));
  EXPECT_TRUE(same(std::int64_t{1} << 60, 0x1p60));
  EXPECT_FALSE(same((std::int64_t{1} << 53) + 1, 0x1p53));
  EXPECT_FALSE(same(one, true));
  EXPECT_FALSE(same(one, std::string("1")));
  EXPECT_FALSE(same(one, 1.5));
}

TEST(Values, HaveKeysThatDifferExactlyIfTheyAreNotTheSame) {
  const std::vector<Value> values{true,
                                  false,
                                  std::int64_t{0},
                                  -0.0,
                                  1.0,
                                  std::int64_t{1},
                                  std::string("1"),
                                  std::string("true"),
                                  std::string(),
                                  0.1,
                                  1e300,
                                  -1e300,
                                  0x1p63,
                                  std::int64_t{1} << 60,
                                  0x1p60,
                                  (std::int64_t{1} << 53) + 1,
                                  0x1p53,
                                  0.1 + 0.2,
                                  0.3};
  for (const auto& a : values) {
    for (const auto& b : values)
      EXPECT_EQ(to_key(a) == to_key(b), same(a, b)) << to_key(a) << " " << to_key(b);
  }
}

TEST(Values, AreWrittenShortest) {
  EXPECT_EQ(to_text(1.55), "1.55");
  EXPECT_EQ(to_text(1.0), "1");
  EXPECT_EQ(to_text(-0.0), "0");
  EXPECT_EQ(to_text(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(to_text(true), "true");
  EXPECT_EQ(to_text(std::int64_t{-16}), "-16");
  EXPECT_EQ(to_text(std::string("a b")), "a b");
}

Definition example() {
  return {
      {"function", "ising", "2", 42, {{"sweeps", std::int64_t{2000}}, {"model", std::string("periodic")}}},
      parse_grid(R"({"axes": {"T": {"linspace": [1.5, 3.5, 41]}, "L": [16, 32], "fast": [false, true]}})")};
}

/// Identities are the keys of everything stored: these must never change.
TEST(Identity, HasGoldenValues) {
  const auto definition = example();
  EXPECT_EQ(PointIdentities(definition).at(std::vector<std::uint64_t>{0, 0, 0}).hex(),
            "be5278a86091266188334302530c6aed");
  EXPECT_EQ(PointIdentities(definition).at(std::vector<std::uint64_t>{40, 1, 1}).hex(),
            "08e2559cb8062e12a0bca9c1ac2765d2");
}

TEST(Identity, DoesNotDependOnOrderChunksNumberTypesOrWhereAValueComesFrom) {
  const auto a = make_definition(R"({"axes": {"x": [1, 2.5], "y": ["p", "q"]}})", {{"z", std::int64_t{3}}});
  const auto b = make_definition(R"({"axes": {"z": [3.0], "y": ["q", "p"]}, "chunk": 1})", {{"x", 2.5}});
  const auto c = make_definition(R"({"axes": {"d": {"zip": {"y": ["p"], "z": [3], "x": [2.5]}}}})");

  const auto identity = PointIdentities(a).at(std::vector<std::uint64_t>{1, 0});
  EXPECT_EQ(PointIdentities(b).at(std::vector<std::uint64_t>{0, 1}), identity);
  EXPECT_EQ(PointIdentities(c).at(std::vector<std::uint64_t>{0}), identity);
  EXPECT_NE(PointIdentities(a).at(std::vector<std::uint64_t>{1, 1}), identity);
}

TEST(Identity, DependsOnEveryPartOfTheSubject) {
  const std::vector<std::uint64_t> first{0, 0, 0};
  const auto identity = PointIdentities(example()).at(first);
  auto other = example();
  other.subject.version = "3";
  EXPECT_NE(PointIdentities(other).at(first), identity);
  other = example();
  other.subject.seed = 43;
  EXPECT_NE(PointIdentities(other).at(first), identity);
  other = example();
  other.subject.name = "potts";
  EXPECT_NE(PointIdentities(other).at(first), identity);
  other = example();
  other.subject.params["sweeps"] = std::int64_t{2001};
  EXPECT_NE(PointIdentities(other).at(first), identity);
}

TEST(Definitions, AreWhatTheirTextSays) {
  const auto definition = example();
  const auto again = Definition::parse(definition.text());

  EXPECT_EQ(again.text(), definition.text());
  EXPECT_EQ(again.subject.params, definition.subject.params);
  EXPECT_EQ(again.grid.describe(), definition.grid.describe());
}

TEST(Definitions, HaveOneTextPerMeaning) {
  const auto text = [](const std::string& job) { return make_definition(job).text(); };
  const auto plain = text(R"({"axes": {"x": {"range": [0, 10, 1]}}, "chunk": {"x": 3}})");
  EXPECT_EQ(text(R"({"axes": {"x": {"range": 10}}, "chunk": 3})"), plain);
  EXPECT_EQ(text(R"({"axes": {"x": {"range": [0, 10]}}})"), plain);
  EXPECT_EQ(text(R"({"axes": {"x": {"range": 10}}, "where": "x < 3", "exclude": [{"x": 5}]})"), plain);
  EXPECT_EQ(text(R"({"axes": {"x": [1, 2]}})"), text(R"({"axes": {"x": {"list": [1, 2]}}})"));
  EXPECT_NE(text(R"({"axes": {"x": {"range": 10}}, "chunk": 4})"), plain);
}

TEST(Definitions, ThatAreNoneGiveFormatErrors) {
  const auto text = example().text();
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    EXPECT_THROW((void)Definition::parse(text.substr(0, cut)), base::FormatError);
  }
  for (const char* bad : {"{}", "[]", "3", R"({"subject": {}, "axes": {"x": [1]}})"}) {
    EXPECT_THROW((void)Definition::parse(bad), base::FormatError) << bad;
  }
}

TEST(Definitions, WithAnyByteChangedAreReadOrRefused) {
  const auto text = example().text();
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char c : {'0', '9', '"', '}', ']', 'x', ',', '-', '\xff', '\0'}) {
      auto changed = text;
      changed[at] = c;
      try {
        (void)Definition::parse(changed);
      } catch (const base::FormatError&) {
      }
    }
  }
}

}  // namespace
}  // namespace surd::sweep
