#include "surd/sweep/grid.hpp"

#include <cmath>
#include <set>

#include <gtest/gtest.h>

#include "grid_support.hpp"
#include "surd/base/error.hpp"

namespace surd::sweep {
namespace {

std::vector<std::uint64_t> coordinates_of(const Grid& grid, std::uint64_t position) {
  std::vector<std::uint64_t> coordinates(grid.shape().size());
  grid.coordinates(position, coordinates);
  return coordinates;
}

std::vector<std::uint64_t> chunk_of(const Grid& grid, const std::vector<std::uint64_t>& coordinates) {
  auto chunk = coordinates;
  for (std::size_t d = 0; d < chunk.size(); ++d) chunk[d] /= grid.chunk_shape()[d];
  return chunk;
}

TEST(GridPositions, GoChunkByChunkAndBack) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    const auto grid = parse_grid(random_job(random, 9));
    std::set<std::uint64_t> row_majors;
    auto last = coordinates_of(grid, 0);
    std::uint64_t chunk = 0;
    for (std::uint64_t position = 0; position < grid.size(); ++position) {
      const auto coordinates = coordinates_of(grid, position);
      ASSERT_EQ(grid.position(coordinates), position);
      row_majors.insert(grid.row_major(coordinates));
      // Chunk corners ascend, and within a chunk so do coordinates.
      const auto corner = chunk_of(grid, coordinates);
      ASSERT_TRUE(position == 0 || std::pair(chunk_of(grid, last), last) < std::pair(corner, coordinates));
      if (corner != chunk_of(grid, last)) ++chunk;
      ASSERT_EQ(grid.chunk_of(position), chunk);
      ASSERT_LE(grid.chunk_begin(chunk), position);
      ASSERT_GT(grid.chunk_begin(chunk + 1), position);
      last = coordinates;
    }
    ASSERT_EQ(chunk + 1, grid.chunk_count());
    ASSERT_EQ(row_majors.size(), grid.size());
    ASSERT_EQ(*row_majors.rbegin(), grid.size() - 1);
  }
}

TEST(GridPositions, OfATrillionPointsGoThereAndBack) {
  const auto grid = parse_grid(
      R"({"axes": {"a": {"range": 10007}, "b": {"linspace": [0, 1, 9973]}, "c": {"range": 9999}}})");
  std::mt19937_64 random(1);

  EXPECT_EQ(grid.size(), 10007ULL * 9973 * 9999);
  EXPECT_NEAR(static_cast<double>(grid.chunk_count()), std::sqrt(static_cast<double>(grid.size())), 1e5);
  for (int i = 0; i < 10000; ++i) {
    const auto position = random() % grid.size();
    ASSERT_EQ(grid.position(coordinates_of(grid, position)), position);
    const auto chunk = grid.chunk_of(position);
    ASSERT_LE(grid.chunk_begin(chunk), position);
    ASSERT_GT(grid.chunk_begin(chunk + 1), position);
  }
  EXPECT_EQ(grid.chunk_begin(grid.chunk_count()), grid.size());
}

TEST(GridChunks, AreAboutTheSquareRootByDefault) {
  using Shape = std::vector<std::uint64_t>;
  const auto chunk = [](const std::string& rest) {
    return parse_grid(R"({"axes": {"T": {"range": 41}, "L": [1, 2, 3], "seed": {"range": 16}})" + rest + "}")
        .chunk_shape();
  };
  EXPECT_EQ(chunk(""), (Shape{1, 3, 16}));
  EXPECT_EQ(chunk(R"(, "chunk": "sqrt")"), (Shape{1, 3, 16}));
  EXPECT_EQ(chunk(R"(, "chunk": 1)"), (Shape{1, 1, 1}));
  EXPECT_EQ(chunk(R"(, "chunk": 5)"), (Shape{1, 1, 5}));
  EXPECT_EQ(chunk(R"(, "chunk": 200)"), (Shape{4, 3, 16}));
  EXPECT_EQ(chunk(R"(, "chunk": 1000000)"), (Shape{41, 3, 16}));
  EXPECT_EQ(chunk(R"(, "chunk": {"T": 4, "seed": 100})"), (Shape{4, 3, 16}));
}

TEST(GridChunks, MayBeNamedByAnAxisOfAZip) {
  const auto grid =
      parse_grid(R"({"axes": {"p": {"zip": {"a": [1, 2, 3], "b": [4, 5, 6]}}}, "chunk": {"b": 2}})");
  EXPECT_EQ(grid.chunk_shape(), std::vector<std::uint64_t>{2});
  EXPECT_EQ(grid.axes(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(grid.value(1, std::vector<std::uint64_t>{2}), Value(std::int64_t{6}));
}

TEST(Grids, AreWhatTheyDescribe) {
  const auto grid =
      parse_grid(R"({"axes": {"T": {"linspace": [1, 2, 5]}, "L": [8, 16], "m": ["x", "y"]}, "chunk": 3,
                                   "exclude": [{"L": 8, "m": "y"}], "where": "T < 2"})");
  const auto described = grid.describe();
  const auto again = Grid::parse(base::Spec(described));

  EXPECT_EQ(again.describe(), described);
  EXPECT_EQ(again.chunk_shape(), grid.chunk_shape());
  EXPECT_TRUE(again.excluded() == grid.excluded());
  EXPECT_EQ(grid.excluded().size(), 5U + 4U - 1U);
}

/// Leaves out by looking at every point.
PointSet excluded_one_by_one(const Grid& grid,
                             const std::function<bool(const std::vector<std::uint64_t>&)>& out) {
  PointSet set;
  for (std::uint64_t position = 0; position < grid.size(); ++position) {
    if (out(coordinates_of(grid, position))) set.add(position);
  }
  return set;
}

TEST(GridExclusion, MatchesLookingAtEveryPoint) {
  std::mt19937 random(11);
  for (int round = 0; round < 400; ++round) {
    auto job = base::Json::parse(random_job(random, 8));
    const auto axes = job.at("axes").size();
    const auto first = random() % axes;
    const auto second = random() % axes;
    const auto limit = random() % 9;
    const std::string a(1, static_cast<char>('a' + first));
    const std::string b(1, static_cast<char>('a' + second));
    job["where"] = a + " + " + b + " < " + std::to_string(limit) + " or " + a + " % 3 == 1";
    const std::uint64_t value = random() % job.at("axes").at(a).at("range").get<std::uint64_t>();
    job["exclude"] = base::Json::array({{{a, value}}});
    const auto grid = Grid::parse(base::Spec(job));

    const auto expected = excluded_one_by_one(grid, [&](const auto& c) {
      return c[first] == value || !(c[first] + c[second] < limit || c[first] % 3 == 1);
    });
    ASSERT_TRUE(grid.excluded() == expected) << job;
  }
}

TEST(GridExclusion, OfABillionPointsLooksOnlyAtTheAxesItNames) {
  const std::string axes = R"({"axes": {"a": {"range": 1000}, "b": {"range": 1000}, "c": {"range": 1000}}, )";
  EXPECT_EQ(parse_grid(axes + R"("where": "a < b"})").excluded().size(), 500'500'000U);
  EXPECT_EQ(parse_grid(axes + R"("where": "c > 500"})").excluded().size(), 501'000'000U);
  EXPECT_EQ(parse_grid(axes + R"("exclude": [{"b": 3}, {"c": 5}]})").excluded().size(), 1'999'000U);
}

TEST(GridExclusion, MatchesEntriesOfZipsByAnyOfTheirAxes) {
  const auto size = [](const std::string& entry) {
    return parse_grid(R"({"axes": {"p": {"zip": {"a": [1, 1, 2], "b": ["x", "y", "x"]}}, "c": {"range": 10}},
                          "exclude": [)" +
                      entry + "]}")
        .excluded()
        .size();
  };
  EXPECT_EQ(size(R"({"a": 1})"), 20U);
  EXPECT_EQ(size(R"({"a": 1.0, "b": "x"})"), 10U);
  EXPECT_EQ(size(R"({"b": "x", "c": 3})"), 2U);
}

}  // namespace
}  // namespace surd::sweep
