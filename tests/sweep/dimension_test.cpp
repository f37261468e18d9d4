#include "surd/sweep/dimension.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>
#include <boost/random/sobol.hpp>

#include "surd/base/error.hpp"

namespace surd::sweep {
namespace {

using base::Json;

Dimension parse(const char* json) { return Dimension::parse("x", base::Spec(Json::parse(json), "axes.x")); }

std::vector<Value> at(const Dimension& dimension, std::uint64_t index) {
  std::vector<Value> values;
  for (std::size_t axis = 0; axis < dimension.axes().size(); ++axis)
    values.push_back(dimension.value(axis, index));
  return values;
}

const std::vector<const char*> all_forms{
    "[1, 2.5, 3]",
    R"(["b", "a", "ä"])",
    "[true, false]",
    R"({"list": [3, 1, 2]})",
    R"({"linspace": [1.5, 3.5, 41]})",
    R"({"linspace": [5, -5, 1000]})",
    R"({"linspace": [2, 9, 1]})",
    R"({"linspace": [1e16, 1.0000000000001e16, 100]})",
    R"({"logspace": [-3, 2, 6]})",
    R"({"logspace": [2, -30, 1000]})",
    R"({"logspace": [0, 10, 11], "base": 2})",
    R"({"logspace": [0, 10, 101], "base": 0.5})",
    R"({"logspace": [0, 1, 500], "base": 1.0000001})",
    R"({"range": 16})",
    R"({"range": [3, -20, -4]})",
    R"({"range": [-9223372036854775808, 9223372036854775807, 4611686018427387904]})",
    R"({"range": [0, 1, 0.1]})",
    R"({"range": [1, -1.05, -0.001]})",
    R"({"zip": {"a": [1, 2, 2], "b": ["x", "x", "y"]}})",
    R"({"zip": {"a": [1, 1, 1], "b": {"range": 3}}})",
    R"({"zip": {"a": {"linspace": [0, 1, 50]}}})",
    R"({"sample": {"method": "lhs", "points": 1, "axes": {"x": [0, 1]}}})",
    R"({"sample": {"method": "lhs", "points": 5, "axes": {"x": [0, 1], "y": [-3, 8]}}})",
    R"({"sample": {"method": "lhs", "points": 1000, "seed": 3, "axes": {"x": [0, 1], "y": {"log": [1e-3, 1]}}}})",
    R"({"sample": {"method": "sobol", "points": 1, "axes": {"x": [0, 1]}}})",
    R"({"sample": {"method": "sobol", "points": 1000, "seed": 9, "axes": {"x": [5, 6], "y": {"log": [1e-3, 1]}}}})",
    R"({"sample": {"method": "sobol", "points": 1024, "axes": {"y": {"log": [1e-9, 1e9]}, "x": [0, 1]}}})",
};

TEST(Dimensions, FindWhatTheyGive) {
  for (const auto* form : all_forms) {
    const auto dimension = parse(form);
    for (std::uint64_t i = 0; i < dimension.size(); ++i)
      ASSERT_EQ(dimension.find(at(dimension, i)), i) << form;
  }
}

TEST(Dimensions, HaveNoEqualValues) {
  for (const auto* form : all_forms) {
    const auto dimension = parse(form);
    std::set<std::vector<std::string>> seen;
    for (std::uint64_t i = 0; i < dimension.size(); ++i) {
      std::vector<std::string> keys;
      for (const auto& value : at(dimension, i)) keys.push_back(to_key(value));
      ASSERT_TRUE(seen.insert(keys).second) << form << " at " << i;
    }
  }
}

TEST(Dimensions, AreWhatTheyDescribe) {
  for (const auto* form : all_forms) {
    const auto dimension = parse(form);
    const auto described = dimension.describe();
    const auto text = described.dump();
    const auto again = Dimension::parse("x", base::Spec(Json::parse(text)));
    ASSERT_EQ(again.describe().dump(), text);
    ASSERT_EQ(again.axes(), dimension.axes());
    ASSERT_EQ(again.size(), dimension.size());
    for (std::uint64_t i = 0; i < dimension.size(); ++i) ASSERT_EQ(at(again, i), at(dimension, i)) << form;
  }
}

TEST(Dimensions, DoNotFindOtherValues) {
  const std::vector<Value> strangers{std::int64_t{77}, 0.12345, -1e300,  std::string("zz"),
                                     std::string("1"), 1e19,    -1e-300, std::int64_t{1} << 62};
  for (const auto* form : all_forms) {
    const auto dimension = parse(form);
    for (const auto& stranger : strangers) {
      const std::vector<Value> values(dimension.axes().size(), stranger);
      const auto found = dimension.find(values);
      ASSERT_TRUE(!found || same(dimension.value(0, *found), stranger)) << form;
    }
    const std::vector<Value> texts(dimension.axes().size(), std::string("zz"));
    EXPECT_EQ(dimension.find(texts), std::nullopt);
  }
}

TEST(Dimensions, OfTrillionsOfPointsTakeNoTime) {
  for (const auto* form :
       {R"({"range": [0, 1000000000000]})", R"({"linspace": [0, 1, 1000000000000]})",
        R"({"sample": {"method": "sobol", "points": 1000000000000, "axes": {"x": [0, 1], "y": [0, 1]}}})",
        R"({"sample": {"method": "lhs", "points": 1000000000000, "axes": {"x": [0, 1], "y": [0, 1]}}})",
        R"({"zip": {"a": {"range": [0, 1000000000000]}, "b": {"linspace": [0, 1, 1000000000000]}}})"}) {
    const auto dimension = parse(form);
    ASSERT_EQ(dimension.size(), 1'000'000'000'000U);
    for (std::uint64_t i = 1; i < dimension.size(); i = i * 5 + 3) {
      ASSERT_EQ(dimension.find(at(dimension, i)), i) << form << " " << i;
    }
  }
}

TEST(Dimensions, KeepIntegersAndFloatsApartButTheSame) {
  EXPECT_EQ(parse(R"({"range": 3})").value(0, 2), Value(std::int64_t{2}));
  EXPECT_EQ(parse(R"({"linspace": [0, 2, 3]})").value(0, 2), Value(2.0));
  const Value two = std::int64_t{2};
  EXPECT_EQ(parse(R"({"linspace": [0, 2, 3]})").find({&two, 1}), 2U);
  EXPECT_EQ(parse(R"({"range": [0.0, 3]})").value(0, 2), Value(2.0));
}

TEST(LatinHypercube, HasOnePointPerStratumOnEachAxis) {
  for (const std::uint64_t points : {1U, 2U, 3U, 7U, 64U, 1000U}) {
    const auto text =
        R"({"sample": {"method": "lhs", "seed": 5, "axes": {"a": [0, 1], "b": [0, 1], "c": [0, 1]},
                      "points": )" +
        std::to_string(points) + "}}";
    const auto sample = parse(text.c_str());
    for (std::size_t axis = 0; axis < 3; ++axis) {
      std::set<std::uint64_t> strata;
      for (std::uint64_t i = 0; i < points; ++i) {
        strata.insert(static_cast<std::uint64_t>(std::get<double>(sample.value(axis, i)) *
                                                 static_cast<double>(points)));
      }
      EXPECT_EQ(strata.size(), points);
      EXPECT_LT(*strata.rbegin(), points);
    }
  }
}

TEST(LatinHypercube, DependsOnTheSeedAndTheNameOfTheAxis) {
  const auto a =
      parse(R"({"sample": {"method": "lhs", "seed": 1, "points": 50, "axes": {"a": [0, 1], "b": [0, 1]}}})");
  const auto b =
      parse(R"({"sample": {"method": "lhs", "seed": 2, "points": 50, "axes": {"a": [0, 1], "b": [0, 1]}}})");
  const auto c =
      parse(R"({"sample": {"method": "lhs", "seed": 1, "points": 50, "axes": {"b": [0, 1], "z": [0, 1]}}})");
  EXPECT_NE(at(a, 0), at(b, 0));
  EXPECT_NE(a.value(0, 7), a.value(1, 7));
  for (std::uint64_t i = 0; i < 50; ++i) EXPECT_EQ(a.value(1, i), c.value(0, i));
}

TEST(Sobol, IsBoostsSequenceWithADigitalShift) {
  const auto sample = parse(
      R"({"sample": {"method": "sobol", "points": 500, "axes": {"a": [0, 1], "b": [0, 1], "c": [0, 1]}}})");
  const auto bits = [&](std::size_t axis, std::uint64_t i) {
    return static_cast<std::uint64_t>(std::get<double>(sample.value(axis, i)) * 0x1p53);
  };
  boost::random::sobol engine(3);
  for (std::uint64_t i = 1; i < 500;
       ++i) {  // Boost begins with the second point; the first is the shift itself.
    for (std::size_t axis = 0; axis < 3; ++axis) {
      ASSERT_EQ(bits(axis, i) ^ bits(axis, 0), engine() >> 11);
    }
  }
}

TEST(Sobol, KeepsItsPointsWhenExtended) {
  const auto half =
      parse(R"({"sample": {"method": "sobol", "points": 300, "axes": {"a": [0, 1], "b": {"log": [1, 9]}}}})");
  const auto whole =
      parse(R"({"sample": {"method": "sobol", "points": 600, "axes": {"a": [0, 1], "b": {"log": [1, 9]}}}})");
  for (std::uint64_t i = 0; i < 300; ++i) {
    EXPECT_EQ(at(half, i), at(whole, i));
    EXPECT_EQ(whole.find(at(half, i)), i);
  }
  EXPECT_EQ(half.find(at(whole, 300)), std::nullopt);
}

TEST(Sobol, FillsEveryElementaryBox) {
  const auto sample =
      parse(R"({"sample": {"method": "sobol", "points": 256, "axes": {"a": [0, 1], "b": [0, 1]}}})");
  std::set<std::pair<int, int>> boxes;
  for (std::uint64_t i = 0; i < 256; ++i) {
    const auto values = at(sample, i);
    boxes.emplace(static_cast<int>(std::get<double>(values[0]) * 16),
                  static_cast<int>(std::get<double>(values[1]) * 16));
  }
  EXPECT_EQ(boxes.size(), 256U);
}

/// Values that are stored in memos: they must never change.
TEST(Samples, HaveGoldenValues) {
  const auto lhs = parse(
      R"({"sample": {"method": "lhs", "seed": 1, "points": 10, "axes": {"a": [0, 1], "b": {"log": [1, 8]}}}})");
  const auto sobol = parse(
      R"({"sample": {"method": "sobol", "seed": 1, "points": 10, "axes": {"a": [0, 1], "b": {"log": [1, 8]}}}})");
  EXPECT_EQ(to_text(lhs.value(0, 3)), "0.9794362419401296");
  EXPECT_EQ(to_text(lhs.value(1, 3)), "5.103788358994958");
  EXPECT_EQ(to_text(sobol.value(0, 3)), "0.22682900064327904");
  EXPECT_EQ(to_text(sobol.value(1, 3)), "1.2552255532223406");
}

}  // namespace
}  // namespace surd::sweep
