// A filled memo under another grid: what counts is the identity of points, found here by brute force.
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::Definition;
using sweep::Memo;
using sweep::MemoWriter;

/// Identity of every point to its position.
std::map<base::Hash128, std::uint64_t> identities(const Definition& definition) {
  std::map<base::Hash128, std::uint64_t> found;
  std::vector<std::uint64_t> coordinates(definition.grid.dimensions().size());
  for (std::uint64_t p = 0; p < definition.grid.size(); ++p) {
    definition.grid.coordinates(p, coordinates);
    found[sweep::PointIdentities(definition).at(coordinates)] = p;
  }
  return found;
}

sweep::Outcome result_of(const Definition& definition, std::uint64_t position) {
  std::vector<std::uint64_t> coordinates(definition.grid.dimensions().size());
  definition.grid.coordinates(position, coordinates);
  return success({{"id", sweep::PointIdentities(definition).at(coordinates).hex()}});
}

void fill(RecordingFileSystem& disk, const Definition& definition, const std::string& run) {
  MemoWriter writer(disk, "memo", definition, origin(run), {.flush_bytes = 300});
  for (std::uint64_t p = 0; p < definition.grid.size(); ++p) writer.add(p, result_of(definition, p));
  writer.close();
}

struct Edit {
  const char* name;
  const char* grid;
  std::map<std::string, sweep::Value> params = {};
  std::size_t reused;  ///< Of the 6 * 4 stored points.
};

class MemoUnderAnEdit : public testing::TestWithParam<Edit> {};

TEST_P(MemoUnderAnEdit, HoldsExactlyTheSharedPoints) {
  const auto stored =
      define(R"({"axes": {"a": {"range": 6}, "b": ["x", "y", "z", "w"]}, "chunk": {"a": 2}})");
  const auto wanted = define(GetParam().grid, "1", GetParam().params);
  RecordingFileSystem disk;
  fill(disk, stored, "a");

  const Memo memo(disk, "memo", wanted);
  std::map<std::uint64_t, std::string> expected;
  const auto theirs = identities(stored);
  for (const auto& [identity, position] : identities(wanted)) {
    if (theirs.contains(identity)) expected[position] = exact(result_of(wanted, position));
  }

  EXPECT_EQ(expected.size(), GetParam().reused);
  EXPECT_EQ(memo.done().size(), expected.size());
  EXPECT_EQ(read_all(memo), expected);
  EXPECT_EQ(memo.statistics().unrelated_points, 24 - expected.size());
  for (const auto& [position, outcome] : expected) EXPECT_EQ(memo.history(position).size(), 1U);
}

TEST_P(MemoUnderAnEdit, IsCompleteOnceTheRestIsAddedAndStillServesTheOldGrid) {
  const auto stored =
      define(R"({"axes": {"a": {"range": 6}, "b": ["x", "y", "z", "w"]}, "chunk": {"a": 2}})");
  const auto wanted = define(GetParam().grid, "1", GetParam().params);
  RecordingFileSystem disk;
  fill(disk, stored, "a");
  const auto done = Memo(disk, "memo", wanted).done();
  MemoWriter writer(disk, "memo", wanted, origin("b"));
  for (std::uint64_t p = 0; p < wanted.grid.size(); ++p) {
    if (!done.contains(p)) writer.add(p, result_of(wanted, p));
  }
  writer.close();

  EXPECT_EQ(writer.points(), wanted.grid.size() - GetParam().reused);
  EXPECT_EQ(Memo(disk, "memo", wanted).done().size(), wanted.grid.size());
  EXPECT_EQ(Memo(disk, "memo", stored).done().size(), stored.grid.size());
  compact_memo(disk, "memo", wanted, origin("c"));
  EXPECT_EQ(disk.list("memo").size(), 1U);
  for (const auto* definition : {&wanted, &stored}) {
    const auto contents = read_all(Memo(disk, "memo", *definition));
    ASSERT_EQ(contents.size(), definition->grid.size());
    for (const auto& [p, outcome] : contents) EXPECT_EQ(outcome, exact(result_of(*definition, p)));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Axes, MemoUnderAnEdit,
    testing::Values(
        Edit{"Unchanged",
             R"({"axes": {"a": {"range": 6}, "b": ["x", "y", "z", "w"]}, "chunk": {"a": 2}})",
             {},
             24},
        Edit{
            "OtherChunks", R"({"axes": {"a": {"range": 6}, "b": ["x", "y", "z", "w"]}, "chunk": 3})", {}, 24},
        Edit{"Appended",
             R"({"axes": {"a": {"range": 9}, "b": ["x", "y", "z", "w", "v"]}, "chunk": {"a": 2}})",
             {},
             24},
        Edit{"Prepended", R"({"axes": {"a": {"range": [-2, 6]}, "b": ["v", "x", "y", "z", "w"]}})", {}, 24},
        Edit{"Removed", R"({"axes": {"a": [0, 2, 5], "b": ["z", "w"]}})", {}, 6},
        Edit{"ReorderedValues", R"({"axes": {"a": [5, 3, 1, 0, 2, 4], "b": ["w", "x", "z", "y"]}})", {}, 24},
        Edit{"ReorderedAxes",
             R"({"axes": {"b": ["x", "y", "z", "w"], "a": {"range": 6}}, "chunk": 5})",
             {},
             24},
        Edit{"FloatsForIntegers",
             R"({"axes": {"a": {"linspace": [0, 5, 11]}, "b": ["x", "y", "z", "w"]}})",
             {},
             24},
        Edit{"AxisToParam", R"({"axes": {"a": {"range": 6}}})", {{"b", std::string("y")}}, 6},
        Edit{"Zipped", R"({"axes": {"d": {"zip": {"b": ["x", "y", "q"], "a": [3, 4, 5]}}}})", {}, 2},
        Edit{"Excluded",
             R"({"axes": {"a": {"range": 6}, "b": ["x", "y", "z", "w"]}, "exclude": [{"a": 1}]})",
             {},
             24},
        Edit{"OtherAxis", R"({"axes": {"a": {"range": 6}, "c": ["x", "y", "z", "w"]}})", {}, 0},
        Edit{"OneMoreParam",
             R"({"axes": {"a": {"range": 6}, "b": ["x", "y"]}})",
             {{"p", std::int64_t{1}}},
             0}),
    [](const auto& edit) { return edit.param.name; });

TEST(MemoUnderAnEdit, TurnsAParamIntoAnAxis) {
  const auto stored = define(R"({"axes": {"a": {"range": 6}}})", "1", {{"b", std::int64_t{2}}});
  const auto wanted = define(R"({"axes": {"b": [1, 2, 3], "a": {"range": 6}}})");
  RecordingFileSystem disk;
  fill(disk, stored, "a");

  const Memo memo(disk, "memo", wanted);

  EXPECT_EQ(memo.done().size(), 6U);
  for (const auto& [position, outcome] : read_all(memo))
    EXPECT_EQ(outcome, exact(result_of(wanted, position)));
}

}  // namespace
}  // namespace surd::test
