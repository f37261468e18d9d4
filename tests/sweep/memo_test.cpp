#include "surd/sweep/memo.hpp"

#include <limits>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sweep/memo_support.hpp"

namespace surd::test {
namespace {

using sweep::Array;
using sweep::Memo;
using sweep::MemoWriter;
using sweep::Outcome;
using sweep::Status;
using testing::ElementsAre;
using testing::IsEmpty;

std::vector<Outcome> outcomes_of_all_kinds() {
  const auto inf = std::numeric_limits<double>::infinity();
  std::vector<Outcome> all{
      success({{"b", true}, {"i", std::numeric_limits<std::int64_t>::min()}, {"x", -0.0}, {"t", "one"}},
              2e-3),
      success({{"b", false}, {"i", std::int64_t{7}}, {"x", std::nan("7")}, {"t", ""}}, 1e-6),
      success({{"b", false}, {"i", std::int64_t{-1}}, {"x", -inf}, {"t", std::string("a\0b", 3)}}),
      failure("diverged"),
      failure("", Status::timed_out),
      failure("signal 11", Status::killed),
      success({{"a", Array({2, 3}, {1, 2, inf, std::nan(""), 5, 6})}, {"n", 3}}),
      success({{"a", Array({2, 3}, {6, 5, 4, 3, 2, 1})}, {"n", 4}}),
      success({{"a", Array({3, 2}, {6, 5, 4, 3, 2, 1})}, {"n", 4}}),
      success({{"a", Array({0, 5}, {})}}),
      success({{"a", Array(std::vector<std::uint64_t>{}, {1.5})}}),
      success({}),
      success({{"long", std::string(1 << 20, 'x')}, {"short", "y"}}),
      success({{"long", std::string(1 << 20, 'z')}, {"short", ""}}),
      failure("not JSON", Status::bad_output),
  };
  all[3].attempts = 3;
  all[4].capture = sweep::Capture{-1, 9, std::uint64_t{1} << 40, "out", std::string(1000, 'e')};
  all[7].attempts = std::numeric_limits<std::uint32_t>::max();
  all[7].capture = sweep::Capture{};
  return all;
}

TEST(Memo, GivesBackEveryKindOfOutcomeToTheLastBit) {
  RecordingFileSystem disk;
  const auto definition = line(100);
  const auto all = outcomes_of_all_kinds();
  MemoWriter writer(disk, "memo", definition, origin());
  for (std::size_t i = 0; i < all.size(); ++i) writer.add(3 * i, all[i]);
  writer.close();

  const Memo memo(disk, "memo", definition);
  const auto contents = read_all(memo);

  ASSERT_EQ(contents.size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i) EXPECT_EQ(contents.at(3 * i), exact(all[i])) << i;
  EXPECT_THAT(elements(memo.failed()), ElementsAre(9, 12, 15, 42));
  EXPECT_EQ(memo.done().size(), all.size() - 4);
  EXPECT_EQ(memo.statistics().points, all.size());
  EXPECT_THAT(memo.damage(), IsEmpty());
}

TEST(Memo, OfNothingIsEmptyAndLeavesNoFile) {
  RecordingFileSystem disk;
  const auto definition = line(100);

  MemoWriter writer(disk, "memo", definition, origin());
  writer.flush();
  writer.close();
  const Memo memo(disk, "memo", definition);

  EXPECT_TRUE(memo.done().empty());
  EXPECT_EQ(writer.records(), 0U);
  EXPECT_THAT(disk.content(), IsEmpty());
}

}  // namespace
}  // namespace surd::test
