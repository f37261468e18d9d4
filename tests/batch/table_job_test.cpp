#include "surd/batch/table_job.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "surd/batch/shortcut.hpp"

namespace {

using surd::batch::parse_table_job;
using surd::batch::ShortcutFlags;
using testing::HasSubstr;

std::string mistake(const std::string& text) {
  try {
    (void)parse_table_job(text, "job.yaml", {});
  } catch (const surd::batch::JobError& e) {
    return e.what();
  }
  return "none";
}

TEST(TableJob, IsReadWithDefaults) {
  const auto job = parse_table_job(R"(
kind: table
name: top
input: sales.csv
steps:
  - filter: "price > 0"
  - take: 3
output: top.csv
)",
                                   "job.yaml", {});

  EXPECT_EQ(job.name, "top");
  EXPECT_EQ(job.memory_bytes, 0U);
  EXPECT_FALSE(job.records);
  EXPECT_EQ(job.query.steps.size(), 2U);
  EXPECT_EQ(job.output.path, "top.csv");
}

TEST(TableJob, SortsRecordsWithoutColumns) {
  const auto job = parse_table_job(
      "{kind: table, name: r, input: {path: [a.bin, b.bin], fixed: {record_bytes: 100, key: [0, 10]}}, "
      "output: s.bin, memory: 8MiB}",
      "job.yaml", {});

  ASSERT_TRUE(job.records);
  EXPECT_EQ(job.records->inputs.size(), 2U);
  EXPECT_EQ(job.records->format.record_bytes, 100U);
  ASSERT_EQ(job.records->format.key.size(), 1U);
  EXPECT_EQ(job.records->format.key[0].bytes, 10U);
  EXPECT_EQ(job.memory_bytes, 8U << 20);
}

TEST(TableJob, NamesThePlaceOfAMistake) {
  const std::string head = "kind: table\nname: t\ninput: a.csv\noutput: b.csv\n";

  EXPECT_THROW((void)surd::batch::job_kind("kind: tabel\nname: t\n", "job.yaml", {}), surd::batch::JobError);
  EXPECT_THAT(mistake(head + "step: []\n"), HasSubstr("did you mean 'steps'"));
  EXPECT_THAT(mistake(head + "steps: [{fliter: x}]\n"), HasSubstr("job.yaml:5"));
  EXPECT_THAT(mistake(head + "memory: 10\n"), HasSubstr("job.yaml:5: memory"));
  const std::string records = "{kind: table, name: t, output: o.bin, input: {path: a, fixed: ";
  EXPECT_THAT(mistake(records + "{record_bytes: 8, key: [4, 8]}}}"), HasSubstr("fixed"));
  EXPECT_THAT(mistake(records + "{record_bytes: 8, key: {offset: 0, type: u65}}}}"),
              HasSubstr("unknown type"));
  EXPECT_THAT(mistake(records + "{record_bytes: 8}}, steps: [{take: 1}]}"), HasSubstr("steps"));
  const std::string one = "{kind: table, name: t, output: ";
  const std::string of_8 = ", fixed: {record_bytes: 8}}}";
  EXPECT_THAT(mistake(one + "o.bin.gz, input: {path: a" + of_8), HasSubstr("output: "));
  EXPECT_THAT(mistake(one + "o.csv, input: {path: a" + of_8),
              HasSubstr("output: o.csv is no name for records"));
}

TEST(Shortcut, OfSortMakesTheJobThatItsFlagsDescribe) {
  ShortcutFlags flags;
  flags.inputs = {"in.csv"};
  flags.output = "out/sorted.csv";
  flags.keys = {"a,-b", "c"};
  flags.where = {"a > 1"};

  const auto job = parse_table_job(surd::batch::shortcut_job("sort", flags), "surd sort", {});

  EXPECT_THAT(job.name, testing::StartsWith("sort-sorted.csv-"));
  ASSERT_EQ(job.query.steps.size(), 2U);
  const auto& sort = std::get<surd::stream::Sort>(job.query.steps[1]);
  ASSERT_EQ(sort.by.size(), 3U);
  EXPECT_EQ(sort.by[1].column, "b");
  EXPECT_TRUE(sort.by[1].descending);
  EXPECT_FALSE(sort.by[2].descending);
}

TEST(Shortcut, OfSortTakesKeysOfRecords) {
  ShortcutFlags flags;
  flags.inputs = {"in.bin"};
  flags.output = "out.bin";
  flags.format = "fixed:16";
  flags.keys = {"8:u64", "-0:8"};

  const auto job = parse_table_job(surd::batch::shortcut_job("sort", flags), "surd sort", {});

  ASSERT_TRUE(job.records);
  const auto& key = job.records->format.key;
  ASSERT_EQ(key.size(), 2U);
  EXPECT_EQ(key[0].type, surd::external::FieldType::u64);
  EXPECT_EQ(key[0].offset, 8U);
  EXPECT_EQ(key[1].type, surd::external::FieldType::bytes);
  EXPECT_TRUE(key[1].descending);
}

TEST(Shortcut, OfGroupReadsAggregates) {
  ShortcutFlags flags;
  flags.inputs = {"in.csv"};
  flags.output = "out.csv";
  flags.by = {"store,product"};
  flags.aggregates = {"revenue=sum(price)", "n=count"};

  const auto job = parse_table_job(surd::batch::shortcut_job("group", flags), "surd group", {});

  const auto& group = std::get<surd::stream::Group>(job.query.steps.at(0));
  EXPECT_THAT(group.by, testing::ElementsAre("store", "product"));
  ASSERT_EQ(group.results.size(), 2U);
  EXPECT_EQ(group.results[0].input, "price");
  EXPECT_EQ(group.results[1].name, "n");
}

TEST(Shortcut, OfJoinPairsColumns) {
  ShortcutFlags flags;
  flags.inputs = {"orders.csv", "customers.csv"};
  flags.output = "out.csv";
  flags.keys = {"customer=id,country"};
  flags.join = "left";

  const auto job = parse_table_job(surd::batch::shortcut_job("join", flags), "surd join", {});

  const auto& join = *std::get<std::shared_ptr<surd::stream::Join>>(job.query.steps.at(0));
  EXPECT_THAT(join.left_by, testing::ElementsAre("customer", "country"));
  EXPECT_THAT(join.right_by, testing::ElementsAre("id", "country"));
  EXPECT_EQ(join.kind, surd::external::JoinKind::left);
}

TEST(Shortcut, NamesTheFlagThatIsWrong) {
  const auto wrong = [](const std::string& verb, const ShortcutFlags& flags) {
    try {
      (void)surd::batch::shortcut_job(verb, flags);
    } catch (const surd::base::UsageError& e) {
      return std::string(e.what());
    }
    return std::string("none");
  };
  ShortcutFlags flags;
  flags.inputs = {"a"};
  flags.output = "b";

  EXPECT_THAT(wrong("join", flags), HasSubstr("two inputs"));
  EXPECT_THAT(wrong("sort", flags), HasSubstr("--key"));
  flags.aggregates = {"n=count", "n=sum(price)"};
  EXPECT_THAT(wrong("group", flags), HasSubstr("'n' is taken"));
  flags.aggregates = {"sum(price)"};
  EXPECT_THAT(wrong("group", flags), HasSubstr("--agg sum(price)"));
  flags.aggregates = {"order=count"};
  EXPECT_THAT(wrong("group", flags), HasSubstr("--agg order=count: 'order'"));
  flags.format = "fixed:x";
  EXPECT_THAT(wrong("sort", flags), HasSubstr("--format fixed:x"));
  flags.format = "fixd:8";
  EXPECT_THAT(wrong("sort", flags), HasSubstr("--format fixd:8"));
  flags.format = "fixed:8";
  flags.on_bad_row = "skip";
  EXPECT_THAT(wrong("sort", flags), HasSubstr("--on-bad-row"));
  flags = {};
  flags.inputs = {"a", "b"};
  flags.keys = {"a=x", "b", "a=y"};
  EXPECT_THAT(wrong("join", flags), HasSubstr("--on a=y: the column 'a' is matched already"));
}

TEST(Shortcut, WithOtherFlagsHasAnotherName) {
  ShortcutFlags flags;
  flags.inputs = {"a.csv"};
  flags.output = "b.csv";
  flags.keys = {"x"};
  const auto first = parse_table_job(surd::batch::shortcut_job("sort", flags), "surd sort", {}).name;
  flags.keys = {"y"};

  EXPECT_NE(first, parse_table_job(surd::batch::shortcut_job("sort", flags), "surd sort", {}).name);
}

}  // namespace
