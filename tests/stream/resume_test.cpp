// Results must not depend on how a job is cut, in which order its units are done, nor on memory.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "scratch_test_folder.hpp"
#include "surd/base/random.hpp"
#include "surd/stream/pipeline.hpp"

namespace surd::stream {
namespace {

constexpr std::uint64_t MiB = 1 << 20;

std::string sales(int rows) {
  base::RandomStream random(11, 0);
  const std::array status{"completed", "open", "cancelled"};
  std::string text = "id,product,price,quantity,status,note,maybe\n";
  for (int i = 0; i < rows; ++i) {
    text += std::to_string(i) + ",p" + std::to_string(random.below(random.below(2) == 0 ? 20 : 3000)) + "," +
            std::to_string(random.uniform() * 100) + "," + std::to_string(random.below(9)) + "," +
            status[random.below(3)] + "," + (random.below(4) == 0 ? "" : "\"a, note\"") + "," +
            (random.below(5) == 0 ? "" : std::to_string(random.below(4000))) + "\n";
  }
  return text;
}

class CutTest : public testing::TestWithParam<const char*> {
 protected:
  /// The output of the steps, cut and run in a way of its own.
  std::string run(const Cut& cut, std::uint64_t seed) {
    auto& files = storage::local_file_system();
    const auto document = base::Json::parse(GetParam());
    Query query;
    query.input.paths = {input_.string()};
    query.steps = parse_steps(base::Spec(document, "steps"));
    for (auto& step : query.steps) {
      if (auto* join = std::get_if<std::shared_ptr<Join>>(&step))
        (*join)->right.input.paths = {input_.string()};
    }
    table::OutputSpec output;
    output.path = folder_.path() / "out.csv";
    CompileOptions options;
    options.memory_bytes = cut.memory_bytes;
    const auto job = compile(query, output, options, cut, files);
    summary_ = seed == 0 ? run_here(*job, files, folder_.path(), cut.memory_bytes)
                         : run_scattered(*job, folder_.path(), cut.memory_bytes, seed);
    return folder_.read("out.csv");
  }

  ScratchTestFolder folder_;
  storage::Path input_ = folder_.write("sales.csv", sales(20'000));
  DataJob::Summary summary_;
};

TEST_P(CutTest, DoesNotChangeTheResult) {
  const auto expected = run({.unit_bytes = 64 * MiB, .memory_bytes = 64 * MiB, .partitions = 16}, 0);
  EXPECT_GT(summary_.rows, 0U);
  const bool joins = std::string_view(GetParam()).find("join") != std::string_view::npos;

  const Cut tiny{.unit_bytes = 20'000, .memory_bytes = 8 * MiB, .partitions = joins ? 16U : 64U};
  for (const std::uint64_t seed : {0U, 1U, 2U}) {
    const auto rows = summary_.rows;
    ASSERT_TRUE(run(tiny, seed) == expected) << "order of units " << seed;
    EXPECT_EQ(summary_.rows, rows);
  }
}

class StretchTest : public CutTest {};

TEST_P(StretchTest, DoesNotChangeTheResult) {
  const Cut tiny{.unit_bytes = 20'000, .memory_bytes = 8 * MiB, .partitions = 64};
  const auto expected = run(tiny, 0);
  EXPECT_GT(summary_.rows, 100U);
  for (const std::uint64_t seed : {1U, 2U})
    ASSERT_TRUE(run(tiny, seed) == expected) << "order of units " << seed;
}

// Which groups are in a sample may depend on the cut, but not on the stretches in which units are done.
INSTANTIATE_TEST_SUITE_P(
    Steps, StretchTest,
    testing::Values(R"([{"group": {"by": ["id"], "n": "count", "order": "any"}}, {"sample": 0.3}])",
                    R"([{"distinct": ["id"]}, {"sample": 0.3}])"));

INSTANTIATE_TEST_SUITE_P(
    Steps, CutTest,
    testing::Values(
        R"([{"filter": "status == 'completed'"}, {"derive": {"revenue": "price * quantity"}}])",
        R"([{"sort": ["status", "-price"]}])", R"([{"sort": "product"}, {"skip": 100}, {"take": 1000}])",
        R"([{"filter": "quantity > 2"}, {"skip": 50}, {"take": 700}])",
        R"([{"derive": {"revenue": "price * quantity"}},
            {"group": {"by": ["product"], "revenue": "sum", "n": "count", "middle": {"median": "price"},
                       "first": {"first": "note"}, "spread": {"stddev": "price"}}}])",
        R"([{"group": {"by": ["product", "status"], "n": "count", "order": "any"}}])",
        R"([{"group": {"by": ["id"], "n": "count", "order": "any"}}, {"take": 700}])",
        R"([{"group": {"by": ["id"], "n": "count", "order": "any"}}])",
        R"([{"group": {"by": ["product"], "n": "count"}}, {"sort": ["-n", "product"]}, {"take": 10}])",
        R"([{"group": {"by": ["maybe"], "n": "count", "middle": {"median": "price"}, "first": {"first": "id"},
                       "notes": {"count": "note"}, "last": {"last": "note"}, "order": "any"}}])",
        R"([{"distinct": ["maybe"]}])", R"([{"select": ["maybe"]}, "distinct"])",
        R"([{"join": {"path": "self", "on": "id", "kind": "left",
                      "steps": [{"filter": "quantity == 3"}, {"select": ["id", "maybe"]}]}}, {"select": ["id", "maybe", "maybe_right"]}])",
        R"([{"select": ["maybe", "id", "price"]},
            {"join": {"path": "self", "on": "maybe", "kind": "left",
                      "steps": [{"filter": "quantity == 3"}, {"select": ["maybe", "id"]}]}}])",
        R"([{"select": ["maybe", "id"]}, {"join": {"path": "self", "on": "maybe", "kind": "anti",
                      "steps": [{"filter": "quantity > 1"}, {"select": ["maybe"]}]}}])",
        R"([{"distinct": ["product", "quantity"]}])", R"([{"select": ["status", "quantity"]}, "distinct"])",
        R"([{"join": {"path": "self", "on": "id", "steps": [{"filter": "quantity == 3"}, {"select": ["id", "note"]}]}},
            {"sort": "id"}])",
        R"([{"join": {"path": "self", "on": "product", "kind": "semi", "steps": [{"filter": "price > 99"}]}},
            {"sort": "id"}])"));

class FirstRowsTest : public testing::TestWithParam<std::uint64_t> {};

TEST_P(FirstRowsTest, AreThoseOfTheFullSort) {
  const ScratchTestFolder folder;
  const auto rows = csv(folder.write("sales.csv", sales(20'000)).string()) |
                    RunOptions{8 * MiB, folder.path()} |
                    sort({ascending("quantity"), descending("status")});  // many ties

  const auto all = rows | collect();
  const auto some = rows | skip(3) | take(GetParam()) | collect();

  ASSERT_EQ(some.rows, std::min<std::size_t>(GetParam(), 20'000 - 3));
  for (std::size_t i = 0; i < some.rows; ++i) {
    ASSERT_EQ(some.columns[0].integers[i], all.columns[0].integers[i + 3]) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Rows, FirstRowsTest, testing::Values(1, 10, 1000, 4000, 100'000));

TEST(Sampling, DependsOnTheSeedAlone) {
  const ScratchTestFolder folder;
  const auto rows = csv(folder.write("sales.csv", sales(20'000)).string()) | select({"id"}) | sample(0.1, 3);

  const auto some = rows | RunOptions{8 * MiB, folder.path()} | collect();
  const auto same = rows | RunOptions{64 * MiB, folder.path()} | collect();

  EXPECT_NEAR(static_cast<double>(some.rows), 2000, 200);
  EXPECT_EQ(some.columns.at(0).integers, same.columns.at(0).integers);
}

}  // namespace
}  // namespace surd::stream
