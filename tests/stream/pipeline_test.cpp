#include "surd/stream/pipeline.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "scratch_test_folder.hpp"
#include "surd/base/random.hpp"

namespace surd::stream {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::uint64_t MiB = 1 << 20;
using Numbers = std::vector<std::int64_t>;

/// "v" and the numbers from 0 to rows - 1, a line each.
std::string counting(std::int64_t rows) {
  std::string text = "v\n";
  for (std::int64_t i = 0; i < rows; ++i) text += std::to_string(i) + "\n";
  return text;
}

class PipelineTest : public testing::Test {
 protected:
  Pipeline input(const std::string& name, const std::string& content) {
    return csv(folder.write(name, content).string()) | RunOptions{8 * MiB, folder.path()};
  }
  ScratchTestFolder folder;
};

TEST_F(PipelineTest, FiltersSkipsAndTakesAndMayBeRunAgain) {
  const auto pipeline =
      input("range.csv", counting(10)) | derive("v", "v * 2") | filter("v > 4") | skip(1) | take(3);

  EXPECT_EQ((pipeline | collect()).columns.at(0).integers, (Numbers{8, 10, 12}));
  EXPECT_EQ((pipeline | collect()).columns.at(0).integers, (Numbers{8, 10, 12}));
}

TEST_F(PipelineTest, GivesWindowsAndChunksInOrder) {
  const auto rows_of = [](const table::Batch& rows, table::Batch& into) {
    std::string text;
    for (const auto value : rows.columns[0].integers) text += std::to_string(value) + " ";
    into.columns[0].push_text(text);
    into.rows = 1;
  };
  const table::Schema schema{{"rows", table::Type::text}};
  const auto texts = [](const table::Batch& rows) {
    std::vector<std::string> result;
    for (std::size_t i = 0; i < rows.rows; ++i) result.emplace_back(rows.columns.at(0).text(i));
    return result;
  };

  EXPECT_THAT(texts(input("w.csv", counting(6)) | window(3, 2, schema, rows_of) | collect()),
              ElementsAre("0 1 2 ", "2 3 4 "));
  EXPECT_THAT(texts(input("c.csv", counting(5)) | chunk(2, schema, rows_of) | collect()),
              ElementsAre("0 1 ", "2 3 ", "4 "));
  EXPECT_THAT(texts(input("g.csv", counting(6)) | window(1, 3, schema, rows_of) | collect()),
              ElementsAre("0 ", "3 "));
}

TEST_F(PipelineTest, SortsStablyInBothDirections) {
  std::string text = "k,v\n";
  for (int i = 0; i < 20'000; ++i) text += std::to_string(i % 6) + "," + std::to_string(i) + "\n";
  const auto rows = input("mod.csv", text);

  for (const bool down : {false, true}) {
    const auto sorted = rows | sort({{"k", down, false}}) | collect();

    ASSERT_EQ(sorted.rows, 20'000U);
    for (std::size_t i = 1; i < sorted.rows; ++i) {
      const auto before = sorted.columns[0].integers[i - 1];
      const auto after = sorted.columns[0].integers[i];
      ASSERT_TRUE(down ? before >= after : before <= after) << i;
      if (before == after) {
        ASSERT_LT(sorted.columns[1].integers[i - 1], sorted.columns[1].integers[i]);
      }
    }
  }
}

TEST_F(PipelineTest, SortsAndGroupsLongRowsInLittleMemory) {
  std::vector<std::string> lines;
  for (int i = 0; i < 400; ++i) {
    const auto letter = static_cast<char>('a' + i % 26);
    lines.push_back(std::to_string(1000 + i * 7 % 400) + "," +
                    std::string(i % 2 == 0 ? 150'000 : 10, letter) + "\n");
  }
  std::string text = "k,t\n";
  for (const auto& line : lines) text += line;
  std::sort(lines.begin(), lines.end());
  std::string expected = "k,t\n";
  for (const auto& line : lines) expected += line;
  const auto rows = input("long.csv", text);

  static_cast<void>(rows | sort({ascending("k")}) | to_csv(folder.path() / "sorted.csv"));
  EXPECT_TRUE(folder.read("sorted.csv") == expected);
  static_cast<void>(rows | group({"k"}, {aggregate(external::Aggregate::last, "t")}) |
                    to_csv(folder.path() / "grouped.csv"));
  EXPECT_TRUE(folder.read("grouped.csv") == expected);
}

TEST_F(PipelineTest, CutsAJoinAlikeInAnyMemory) {
  const auto left = folder.write("large.csv", counting(50'000));
  const auto right = csv(folder.write("right.csv", "v\n1\n").string());
  auto& files = storage::local_file_system();

  for (const std::uint64_t gibibytes : {3U, 40U, 4000U}) {
    std::filesystem::resize_file(left, gibibytes << 30U);  // sparse: only its size is looked at
    const auto query = (csv(left.string()) | join(right, {"v"})).query();
    const auto small = choose_cut(query, {.memory_bytes = 8 * MiB}, files);
    const auto large = choose_cut(query, {.memory_bytes = 1024 * MiB}, files);

    EXPECT_EQ(small.unit_bytes, large.unit_bytes) << gibibytes;
    EXPECT_EQ(small.partitions, large.partitions) << gibibytes;
  }
}

TEST_F(PipelineTest, SortsAwkwardInputs) {
  std::vector<Numbers> inputs{{}, {5}, Numbers(3000, 7)};
  auto& organ_pipe = inputs.emplace_back();
  for (std::int64_t i = 0; i < 4000; ++i) organ_pipe.push_back(std::min(i, 4000 - i));
  inputs.emplace_back(organ_pipe);
  std::sort(inputs.back().begin(), inputs.back().end(), std::greater<>());
  for (auto& numbers : inputs) {
    std::string text = "v\n";
    for (const auto value : numbers) text += std::to_string(value) + "\n";
    auto query = input("awkward.csv", text).query();
    query.input.types = {{"v", table::Type::int64}};

    const auto sorted = from(query) | RunOptions{8 * MiB, folder.path()} | sort({ascending("v")}) | collect();

    std::sort(numbers.begin(), numbers.end());
    EXPECT_EQ(sorted.columns.at(0).integers, numbers);
  }
}

TEST_F(PipelineTest, GroupsLikeAMap) {
  std::string text = "category,amount,note\n";
  std::map<std::int64_t, std::pair<std::int64_t, std::int64_t>> expected;
  base::RandomStream random(5, 0);
  for (int i = 0; i < 100'000; ++i) {
    const auto category = static_cast<std::int64_t>(random.below(100));
    const auto amount = static_cast<std::int64_t>(random.below(1000));
    text += std::to_string(category) + "," + std::to_string(amount) + ",x\n";
    expected[category].first += 1;
    expected[category].second += amount;
  }

  const auto groups =
      input("groups.csv", text) | group({"category"}, {count("n"), sum("total", "amount")}) | collect();

  ASSERT_EQ(groups.rows, 100U);
  std::size_t row = 0;
  for (const auto& [category, sums] : expected) {  // by the keys, ascending
    EXPECT_EQ(groups.columns[0].integers[row], category);
    EXPECT_EQ(groups.columns[1].integers[row], sums.first);
    EXPECT_EQ(groups.columns[2].integers[row], sums.second);
    ++row;
  }
}

TEST_F(PipelineTest, GroupsNullKeysTogether) {
  std::string text = "k,v\n";
  for (int i = 0; i < 50'000; ++i)
    text += (i % 7 == 0 ? "" : std::to_string(i % 7)) + "," + std::to_string(i) + "\n";
  const auto rows = input("nulls.csv", text);
  const auto grouped = [&](const std::vector<std::string>& by) {
    return rows | derive("other", "k") |
           group(by, {count("n"), sum("v"), aggregate(external::Aggregate::first, "first", "v")}) | collect();
  };

  const auto integers = grouped({"k"});
  const auto bytes = grouped({"k", "other"});

  ASSERT_EQ(integers.rows, 7U);
  EXPECT_TRUE(integers.columns[0].is_null(6));
  EXPECT_FALSE(integers.columns[0].is_null(0));
  EXPECT_EQ(integers.columns[0].integers, (Numbers{1, 2, 3, 4, 5, 6, 0}));
  EXPECT_EQ(integers.columns[3].integers, (Numbers{1, 2, 3, 4, 5, 6, 0}));
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(integers.columns[i].integers, bytes.columns[i + 1].integers);
}

TEST_F(PipelineTest, JoinsIntegerKeysLikeBytes) {
  for (const int right_rows : {40, 30'000}) {
    std::string left = "k,x,flag\n";
    std::string right = "k,y,z\n";
    for (int i = 0; i < 40'000; ++i) {
      left += (i % 11 == 0 ? "" : std::to_string(i % 20'000 - 9000)) + "," + std::to_string(i) + "," +
              (i % 2 == 0 ? "true" : "") + "\n";
    }
    for (int i = 0; i < right_rows; ++i) {
      right += (i % 13 == 0 ? "" : std::to_string(i % 15'000 - 8000)) + "," +
               (i % 3 == 0 ? "" : std::to_string(i)) + "," + std::to_string(i) + ".5\n";
    }
    const auto lefts = input("left.csv", left);
    const auto rights = input("right.csv", right);
    for (const auto kind : {external::JoinKind::inner, external::JoinKind::left, external::JoinKind::semi,
                            external::JoinKind::anti}) {
      const auto order = [](const Pipeline& joined) {
        return joined | derive("again", "0") | sort(std::vector<SortKey>{ascending("x")}) | collect();
      };
      const auto integers = order(lefts | join(rights, {"k"}, kind));
      const auto text = [](const Pipeline& rows) { return rows | derive("t", "if(x >= 0, 'text', '')"); };
      const auto bytes = order(text(lefts) | join(rights, {"k"}, kind));  // texts take the other way

      ASSERT_EQ(integers.rows, bytes.rows);
      ASSERT_GT(integers.rows, 0U);
      const auto both = kind == external::JoinKind::inner || kind == external::JoinKind::left;
      for (std::size_t i = 0; i < (both ? 5U : 3U); ++i) {
        const auto& column = bytes.columns[i < 3 ? i : i + 1];
        ASSERT_EQ(integers.columns[i].integers, column.integers) << i;
        ASSERT_EQ(integers.columns[i].numbers, column.numbers) << i;
        for (std::size_t row = 0; row < integers.rows; ++row) {
          ASSERT_EQ(integers.columns[i].is_null(row), column.is_null(row)) << i << " " << row;
        }
      }
    }
  }
}

TEST_F(PipelineTest, KeepsTheFirstRowOfEachKey) {
  std::string text = "k,v\n";
  for (int i = 0; i < 5000; ++i) {
    text += std::to_string(i % 500) + "," + (i < 500 ? "" : std::to_string(i)) + "\n";  // nulls count as rows
  }
  const auto rows = input("distinct.csv", text);

  const auto firsts = rows | distinct({"k"}) | sort({ascending("k")}) | collect();
  const auto keys = rows | select({"k"}) | distinct() | sort({ascending("k")}) | collect();

  ASSERT_EQ(firsts.rows, 500U);
  ASSERT_EQ(keys.rows, 500U);
  for (std::size_t i = 0; i < 500; ++i) {
    EXPECT_EQ(firsts.columns[0].integers[i], static_cast<std::int64_t>(i));
    EXPECT_TRUE(firsts.columns[1].is_null(i));
    EXPECT_EQ(keys.columns[0].integers[i], static_cast<std::int64_t>(i));
  }
}

TEST_F(PipelineTest, JoinsSmallAndLargeSidesAlike) {
  for (const int right_rows : {50, 20'000}) {  // the second is beyond what is held in memory
    std::string left = "id,x\n";
    std::string right = "id,name\n";
    for (int i = 0; i < 30'000; ++i) left += std::to_string(i % 25'000) + "," + std::to_string(i) + "\n";
    for (int i = 0; i < right_rows; ++i) right += std::to_string(i) + ",name of " + std::to_string(i) + "\n";
    const auto names = input("right.csv", right);
    const auto rows = input("left.csv", left);
    const auto matches = [&](external::JoinKind kind) {
      return rows | join(names, {"id"}, kind) | sort({ascending("x")}) | collect();
    };

    const auto inner = matches(external::JoinKind::inner);
    const auto outer = matches(external::JoinKind::left);
    std::size_t expected = 0;
    for (int i = 0; i < 30'000; ++i) expected += i % 25'000 < right_rows ? 1U : 0U;
    EXPECT_EQ(inner.rows, expected);
    EXPECT_EQ(outer.rows, 30'000U);
    EXPECT_EQ(matches(external::JoinKind::semi).rows, expected);
    EXPECT_EQ(matches(external::JoinKind::anti).rows, 30'000U - expected);
    ASSERT_EQ(outer.columns.size(), 3U);
    for (std::size_t i = 0; i < outer.rows; ++i) {
      const auto id = outer.columns[0].integers[i];
      ASSERT_EQ(outer.columns[2].is_null(i), id >= right_rows);
      if (id < right_rows) {
        ASSERT_EQ(outer.columns[2].text(i), "name of " + std::to_string(id));
      }
    }
  }
}

TEST_F(PipelineTest, JoinsRightSidesOfAnySize) {
  const auto rows = [](int count, const std::string& prefix) {
    std::string text = "k,v\n";
    for (int i = 0; i < count; ++i) text += prefix + std::to_string(i) + "," + std::to_string(i) + "\n";
    return text;
  };
  for (const std::string prefix : {"", "a key "}) {
    const auto left = input("left.csv", rows(6000, prefix));
    for (int count = 200; count <= 6000; count += 200) {  // some are held whole, others not
      SCOPED_TRACE(prefix + std::to_string(count));
      const auto joined = left | join(input("right.csv", rows(count, prefix)), {"k"}) | collect();
      EXPECT_EQ(joined.rows, static_cast<std::size_t>(count));
    }
  }
}

TEST_F(PipelineTest, ReadsOnlyColumnsThatSomebodyUses) {
  const auto rows = input("wide.csv", "a,b,c\n1,2,3\n4,5,6\n") | derive("unused", "b + c") | select({"a"});

  const auto all = rows | collect();

  ASSERT_EQ(all.columns.size(), 1U);
  EXPECT_EQ(all.columns[0].integers, (Numbers{1, 4}));

  // What is selected, and dropped later, need not be there in between.
  const auto dropped = input("d.csv", "a\n4\n1\n") | derive("b", "a * 2") | sort({ascending("a")}) |
                       select({"a", "b"}) | select({"a"});
  EXPECT_EQ((dropped | collect()).columns.at(0).integers, (Numbers{1, 4}));
}

TEST_F(PipelineTest, LeavesGroupsThatTieInASortInTheOrderOfTheirKeys) {
  std::string text = "k\n";
  for (int i = 0; i < 5000; ++i) text += std::to_string(i * 7919 % 5000) + "\n";
  const auto groups = input("groups.csv", text) | group({"k"}, {count("n")});

  const auto sorted = groups | sort({ascending("n")}) | collect();
  const auto down = groups | sort({descending("n")}) | select({"k"}) | take(3) | collect();

  EXPECT_TRUE(std::ranges::is_sorted(sorted.columns.at(0).integers));
  EXPECT_EQ(down.columns.at(0).integers, (Numbers{0, 1, 2}));
}

TEST_F(PipelineTest, FoldsAndMapsRows) {
  const auto twice = [](const table::Batch& rows, table::Batch& into) {
    for (const auto value : rows.columns[0].integers) {
      into.columns[0].push_integer(value);
      into.columns[0].push_integer(value);
    }
    into.rows = 2 * rows.rows;
  };
  const auto sum_of = [](std::int64_t sum, const table::Batch& rows) {
    for (const auto value : rows.columns[0].integers) sum += value;
    return sum;
  };

  const auto rows = input("fold.csv", counting(1000));
  EXPECT_EQ(rows | reduce(std::int64_t{0}, sum_of), 499'500);
  EXPECT_EQ(rows | flat_map({{"v", table::Type::int64}}, twice) | filter("v < 10") |
                reduce(std::int64_t{0}, sum_of),
            90);
}

TEST_F(PipelineTest, SaysWhichStepDoesNotFit) {
  const auto rows = input("small.csv", "price,product\n1.5,a\n") | filter("price > 1");
  try {
    static_cast<void>((rows | sort({ascending("prise")})).schema());
    FAIL() << "no error";
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("step 2 (sort by prise): "));
    EXPECT_THAT(e.what(), HasSubstr("price"));
  }
}

TEST_F(PipelineTest, NamesTheMemoryThatAWindowTakes) {
  std::string text = "v\n";
  for (char letter = 'a'; letter <= 'z'; ++letter) text += std::string(200'000, letter) + "\n";
  const auto first_letters = [](const table::Batch& rows, table::Batch& into) {
    std::string letters;
    for (std::size_t row = 0; row < rows.rows; ++row) letters += rows.columns[0].text(row)[0];
    into.columns[0].push_text(letters);
    into.rows = 1;
  };
  const auto windows = input("long.csv", text) | window(25, 1, {{"rows", table::Type::text}}, first_letters);

  try {
    static_cast<void>(windows | collect());
    FAIL() << "no error";
  } catch (const base::UsageError& e) {
    const std::string said = e.what();
    EXPECT_THAT(said, HasSubstr("rows of a window of 25 take "));
    const auto at = said.find("give at least --memory ");
    ASSERT_NE(at, std::string::npos) << said;
    const auto needed = std::stoull(said.substr(at + 23));
    const auto rows = windows | RunOptions{needed * MiB, folder.path()} | collect();
    ASSERT_EQ(rows.rows, 2U);
    EXPECT_EQ(rows.columns[0].text(1), "bcdefghijklmnopqrstuvwxyz");
  }
}

TEST_F(PipelineTest, QuarantinesBadRows) {
  auto query = input("bad.csv", "a,b\n1,2\n3\n5,6\n").query();
  query.input.on_bad_row = table::OnBadRow::quarantine;
  const auto out = folder.path() / "good.csv";

  const auto summary = from(query) | RunOptions{8 * MiB, folder.path()} | to_csv(out);

  EXPECT_EQ(summary.rows, 2U);
  EXPECT_EQ(summary.bad_rows, 1U);
  EXPECT_EQ(folder.read("good.csv"), "a,b\n1,2\n5,6\n");
  EXPECT_THAT(folder.read("good.csv.bad.csv"), HasSubstr("bad.csv"));
}

}  // namespace
}  // namespace surd::stream
