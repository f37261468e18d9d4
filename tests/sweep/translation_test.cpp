#include "surd/sweep/translation.hpp"

#include <map>

#include <gtest/gtest.h>

#include "grid_support.hpp"

namespace surd::sweep {
namespace {

base::Hash128 identity_at(const Definition& definition, std::uint64_t position) {
  std::vector<std::uint64_t> coordinates(definition.grid.shape().size());
  definition.grid.coordinates(position, coordinates);
  return PointIdentities(definition).at(coordinates);
}

/// How many points are shared; fails where identities say otherwise.
std::uint64_t shared(const Definition& from, const Definition& to) {
  std::map<base::Hash128, std::uint64_t> places;
  for (std::uint64_t position = 0; position < to.grid.size(); ++position)
    places[identity_at(to, position)] = position;
  Translation translation(from, to);
  std::uint64_t count = 0;
  for (std::uint64_t position = 0; position < from.grid.size(); ++position) {
    const auto it = places.find(identity_at(from, position));
    const auto expected = it == places.end() ? std::nullopt : std::optional(it->second);
    EXPECT_EQ(translation(position), expected) << from.text() << "\n" << to.text() << "\n" << position;
    if (expected) ++count;
    EXPECT_FALSE(translation.disjoint() && expected);
    EXPECT_FALSE(translation.identical() && expected != position);
  }
  return count;
}

std::uint64_t shared(const std::string& from, const std::string& to) {
  return shared(make_definition(from), make_definition(to));
}

TEST(Translation, KeepsAllSharedPointsOverEditsOfAxes) {
  const std::string filled =
      R"({"axes": {"T": {"linspace": [1, 3, 5]}, "L": [8, 16, 32], "s": {"range": 4}}, "chunk": {"T": 2, "L": 2}})";
  EXPECT_EQ(shared(filled, filled), 60U);
  // Appended, prepended, removed, reordered values; other chunks; other order of dimensions.
  EXPECT_EQ(
      shared(filled, R"({"axes": {"T": {"linspace": [1, 3, 5]}, "L": [8, 16, 32, 64], "s": {"range": 9}}})"),
      60U);
  EXPECT_EQ(
      shared(filled,
             R"({"axes": {"T": {"linspace": [1, 3, 5]}, "L": [4, 8, 16, 32], "s": {"range": [-3, 4]}}})"),
      60U);
  EXPECT_EQ(shared(filled, R"({"axes": {"T": [1, 2.0, 3], "L": [32, 8], "s": [3, 1]}})"), 12U);
  EXPECT_EQ(
      shared(filled,
             R"({"axes": {"s": {"range": 4}, "L": [32, 16, 8], "T": {"linspace": [1, 3, 9]}}, "chunk": 7})"),
      60U);
  EXPECT_EQ(shared(filled, R"({"axes": {"T": [7], "L": [8], "s": [0]}})"), 0U);
  // Zips and samples against plain axes.
  EXPECT_EQ(
      shared(filled, R"({"axes": {"z": {"zip": {"T": [1, 1.5, 2, 9], "L": [8, 16, 8, 8]}}, "s": [2, 5]}})"),
      3U);
  EXPECT_EQ(
      shared(R"({"axes": {"z": {"zip": {"T": [1, 1.5, 2, 9], "L": [8, 16, 8, 8]}}, "s": [2, 5]}})", filled),
      3U);
}

TEST(Translation, TurnsParametersIntoAxesAndBack) {
  const auto axis = make_definition(R"({"axes": {"x": [1, 2, 3], "y": [5, 6], "z": ["p", "q"]}})");
  const auto param = make_definition(R"({"axes": {"z": ["q", "r"]}})", {{"x", 2.0}, {"y", std::int64_t{6}}});
  const auto other = make_definition(R"({"axes": {"z": ["q", "r"]}})", {{"x", 2.5}, {"y", std::int64_t{6}}});

  EXPECT_EQ(shared(axis, param), 1U);
  EXPECT_EQ(shared(param, axis), 1U);
  EXPECT_EQ(shared(axis, other), 0U);
  EXPECT_EQ(shared(other, axis), 0U);
  EXPECT_TRUE(Translation(other, axis).disjoint());
  EXPECT_TRUE(Translation(param, other).disjoint());
}

TEST(Translation, KnowsStrangersAndVersions) {
  const auto a = make_definition(R"({"axes": {"x": [1, 2, 3]}})");
  auto b = a;
  EXPECT_EQ(Translation(a, b).kinship(), Kinship::same);
  EXPECT_TRUE(Translation(a, b).identical());
  b.subject.version = "2";
  EXPECT_EQ(Translation(a, b).kinship(), Kinship::other_version);
  EXPECT_EQ(Translation(a, b)(2), 2U);
  b.subject.seed = 8;
  EXPECT_EQ(Translation(a, b).kinship(), Kinship::unrelated);
  EXPECT_TRUE(Translation(a, b).disjoint());
  const auto c = make_definition(R"({"axes": {"x": [1, 2, 3], "new": [1]}})");
  EXPECT_EQ(Translation(a, c).kinship(), Kinship::same);
  EXPECT_TRUE(Translation(a, c).disjoint());
}

TEST(Translation, IgnoresWhatIsLeftOut) {
  const auto a = make_definition(R"({"axes": {"x": [1, 2, 3]}})");
  const auto b = make_definition(R"({"axes": {"x": [1, 2, 3]}, "where": "x < 3"})");
  EXPECT_TRUE(Translation(a, b).identical());
}

/// Values of x, y, z spread over axes, zips and parameters at random.
Definition random_definition(std::mt19937& random) {
  base::Json axes = base::Json::object();
  base::Json zip = base::Json::object();
  std::map<std::string, Value> params;
  const auto zipped = 2 + random() % 3;
  std::vector<std::string> names{"x", "y", "z"};
  std::shuffle(names.begin(), names.end(), random);
  for (const auto& name : names) {
    const auto kind = random() % 4;
    base::Json values = base::Json::array();
    for (std::int64_t v = 0; v < 5; ++v) {
      if (random() % 2 == 0)
        values.insert(values.begin() + static_cast<std::ptrdiff_t>(random() % (values.size() + 1)), v);
    }
    if (kind == 0) {
      params[name] = static_cast<double>(random() % 3);
    } else if (kind == 1 && values.size() >= zipped) {
      zip[name] = base::Json(
          std::vector<base::Json>(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(zipped)));
    } else if (!values.empty()) {
      axes[name] = values;
    } else {
      axes[name] = {{"range", {0, 3}}};
    }
  }
  if (!zip.empty()) axes["together"] = {{"zip", zip}};
  if (axes.empty()) axes["w"] = {1};
  const base::Json job{{"axes", axes}, {"chunk", 1 + random() % 9}};
  return make_definition(job.dump(), params);
}

TEST(Translation, MatchesIdentitiesOfRandomGrids) {
  std::mt19937 random(2);
  std::uint64_t total = 0;
  for (int round = 0; round < 2000; ++round)
    total += shared(random_definition(random), random_definition(random));
  EXPECT_GT(total, 1000U);
}

TEST(Translation, OfHugeGridsTakesNoMemory) {
  const auto a = make_definition(R"({"axes": {"x": {"range": 100000000}, "y": {"range": 1000}}})");
  const auto b = make_definition(R"({"axes": {"y": {"range": 1001}, "x": {"range": [5, 1000000000]}}})");
  Translation translation(a, b);
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    const auto position = random() % a.grid.size();
    const auto there = translation(position);
    ASSERT_TRUE(there);
    ASSERT_EQ(identity_at(a, position), identity_at(b, *there));
  }
}

}  // namespace
}  // namespace surd::sweep
