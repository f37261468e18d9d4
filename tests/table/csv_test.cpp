#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "csv_support.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

using table::Type;
using table::detail::open_csv;
using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<table::Input> open(const TempFile& file, table::InputSpec spec = {}) {
  spec.paths = {file.path()};
  return open_csv(spec, {file.path()}, storage::local_file_system());
}

TEST(CsvTypes, AreInferredAsTheNarrowestThatHoldsAll) {
  const TempFile file("types.csv",
                      "i,f,b,t,mixed,empty,big,plus\n"
                      "1,1,true,x,1,,9223372036854775807,+5\n"
                      "-2,2.5,FALSE,1,true,NA,-9223372036854775808,-7\n"
                      ",1e300,,\"\",,,0,\n");
  const auto input = open(file);

  const table::Schema expected{{"i", Type::int64},   {"f", Type::float64},  {"b", Type::boolean},
                               {"t", Type::text},    {"mixed", Type::text}, {"empty", Type::text},
                               {"big", Type::int64}, {"plus", Type::int64}};
  EXPECT_EQ(input->schema(), expected);
  EXPECT_THAT(
      read_all(*input).rows,
      ElementsAre(Row{"1", "1", "1", "x", "1", "<null>", "9223372036854775807", "5"},
                  Row{"-2", "2.5", "0", "1", "true", "<null>", "-9223372036854775808", "-7"},
                  Row{"<null>", "1.0000000000000001e+300", "<null>", "", "<null>", "<null>", "0", "<null>"}));
}

TEST(CsvTypes, NeverTakeIntegersBeyond64BitsForOtherNumbers) {
  const TempFile file("ids.csv",
                      "id,f\n18446744073709551615,1e19\n18446744073709551614,10000000000000000000\n");
  EXPECT_EQ(open(file)->schema(), (table::Schema{{"id", Type::int64}, {"f", Type::float64}}));
  try {
    (void)read_all(*open(file));
    FAIL() << "read as other numbers";
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("ids.csv:2, column id: '18446744073709551615' is beyond"));
  }
  table::InputSpec spec;
  spec.types = {{"id", Type::text}};
  EXPECT_THAT(read_all(*open(file, spec)).rows,
              ElementsAre(Row{"18446744073709551615", "1e+19"}, Row{"18446744073709551614", "1e+19"}));
}

TEST(CsvTypes, AreInferredFromTheFirstRowsOfAllFiles) {
  const TempFile head("1.csv", "a,b\n");
  const TempFile null("2.csv", "a,b\n,x\n");
  const TempFile numbers("3.csv", "a,b\n10,y\n9.5,z\n");
  const auto input = open_csv({}, {head.path(), null.path(), numbers.path()}, storage::local_file_system());

  EXPECT_EQ(input->schema(), (table::Schema{{"a", Type::float64}, {"b", Type::text}}));
  EXPECT_THAT(read_all(*input).rows, ElementsAre(Row{"<null>", "x"}, Row{"10", "y"}, Row{"9.5", "z"}));
}

TEST(CsvTypes, AreOverridden) {
  const TempFile file("override.csv", "zip,n\n01234,1\n");
  table::InputSpec spec;
  spec.types = {{"zip", Type::text}, {"n", Type::float64}};

  const auto input = open(file, spec);

  EXPECT_EQ(input->schema()[0].type, Type::text);
  EXPECT_THAT(read_all(*input).rows, ElementsAre(Row{"01234", "1"}));
  spec.types = {{"zap", Type::text}};
  EXPECT_THROW((void)open(file, spec), base::UsageError);
}

TEST(CsvText, FollowsRfc4180) {
  const TempFile file("rfc.csv",
                      "\xEF\xBB\xBF\"a\",\"b \"\"x\"\"\"\r\n"
                      "\"1,5\",\"line\r\nbreak\"\n\n\r\n"
                      "\"\"\"\",\"\"\r\n"
                      "plain,5\" pipe\n"
                      "last,\"no end\"");
  const auto input = open(file);

  EXPECT_EQ(input->schema()[0].name, "a");
  EXPECT_EQ(input->schema()[1].name, "b \"x\"");
  EXPECT_THAT(read_all(*input).rows, ElementsAre(Row{"1,5", "line\r\nbreak"}, Row{"\"", ""},
                                                 Row{"plain", "5\" pipe"}, Row{"last", "no end"}));
}

TEST(CsvText, HasHeadersAndDelimitersOfAnyKind) {
  const TempFile file("semicolon.csv", "1;x\n2;y\n");
  table::InputSpec spec;
  spec.header = false;
  spec.delimiter = ';';
  const auto input = open(file, spec);
  const TempFile tabs("tabs.tsv", "a\tb\n1,5\t2\n");

  EXPECT_EQ(input->schema(), (table::Schema{{"c0", Type::int64}, {"c1", Type::text}}));
  EXPECT_THAT(read_all(*input).rows, ElementsAre(Row{"1", "x"}, Row{"2", "y"}));
  EXPECT_THAT(read_all(*open(tabs)).rows, ElementsAre(Row{"1,5", "2"}));
  spec = {};
  spec.delimiter = ',';
  EXPECT_EQ(open(tabs, spec)->schema()[0].name, "a\tb") << "one chosen is kept";
  const TempFile turned("old.tsv.1", "a\tb\n1\t2\n");
  EXPECT_THAT(read_all(*open(turned)).rows, ElementsAre(Row{"1", "2"}));
  const TempFile commas("old.tsv.csv", "a,b\n1,2\n");
  EXPECT_THAT(read_all(*open(commas)).rows, ElementsAre(Row{"1", "2"}));
}

TEST(CsvText, MatchesTheOracleWithAnyMemory) {
  base::RandomStream random(5, 0);
  for (int round = 0; round < 30; ++round) {
    const auto text = hostile_csv(random, 3000, round % 2 == 0);
    const TempFile file("oracle.csv", text);
    const auto input =
        open_csv(texts_only(file.path(), {"a", "b", "c"}), {file.path()}, storage::local_file_system());
    const auto expected = rows_by_oracle(text, 3);

    for (const std::uint64_t memory : {1U << 17, 1U << 20, 1U << 24}) {
      ASSERT_EQ(read_all(*input, 1U << 30, memory).rows, expected) << round;
    }
    ASSERT_EQ(read_all(*input, 20000).rows, expected) << round;
  }
}

TEST(CsvNumbers, AreExact) {
  base::RandomStream random(6, 0);
  std::string text = "x\n";
  std::vector<double> expected;
  for (int i = 0; i < 20000; ++i) {
    char number[64];
    const auto digits = static_cast<int>(random.below(18));
    const double value = std::ldexp(random.uniform() - 0.5, static_cast<int>(random.below(120)) - 60);
    std::snprintf(number, sizeof number, random.below(2) == 0 ? "%.*g" : "%.*f", digits, value);
    text += std::string(number) + "\n";
    expected.push_back(std::strtod(number, nullptr));
  }
  const TempFile file("numbers.csv", text);
  table::InputSpec spec;
  spec.types = {{"x", Type::float64}};
  const auto input = open(file, spec);
  memory::Budget budget(1U << 20);
  const auto reader = input->read(input->splits(1U << 30).at(0), {true}, budget, 1U << 20);
  std::size_t at = 0;

  for (table::Batch batch; reader->next(batch);) {
    for (const double number : batch.columns[0].numbers) {
      ASSERT_EQ(std::signbit(number), std::signbit(expected[at]));
      ASSERT_EQ(number, expected[at++]);
    }
  }
  EXPECT_EQ(at, expected.size());
}

TEST(CsvProjection, LeavesOtherColumnsUnread) {
  const TempFile file("project.csv", "a,b,c\n1,oops\xFF,3\n4,\"5\"x,6\n");
  table::InputSpec spec;
  spec.types = {{"b", Type::int64}};
  const auto input = open(file, spec);

  EXPECT_THAT(read_all(*input, 1U << 30, 1U << 20, {true, false, true}).rows,
              ElementsAre(Row{"1", "3"}, Row{"4", "6"}));
  EXPECT_THAT(read_all(*input, 1U << 30, 1U << 20, {false, false, false}).rows, ElementsAre(Row{}, Row{}));
}

TEST(CsvFiles, MustAgreeOnTheirColumns) {
  const TempFile first("first.csv", "a,b\n1,2\n");
  const TempFile empty("empty.csv", "");
  const TempFile second("second.csv", "a,b\n3,4\n");
  const TempFile other("other.csv", "a,c\n3,4\n");
  auto& disk = storage::local_file_system();

  const auto input = open_csv({}, {first.path(), empty.path(), second.path()}, disk);
  EXPECT_THAT(read_all(*input, 2).rows, ElementsAre(Row{"1", "2"}, Row{"3", "4"}));
  EXPECT_EQ(input->bytes(), 16U);
  try {
    (void)open_csv({}, {first.path(), other.path()}, disk);
    FAIL() << "no error";
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("first.csv"));
    EXPECT_THAT(e.what(), HasSubstr("other.csv"));
  }
}

TEST(CsvFiles, ThatChangeAreAnError) {
  const TempFile file("changing.csv", "a,b\n1,2\n3,4\n");
  const auto input = open(file);
  const auto before = input->fingerprint();
  memory::Budget budget(1U << 20);
  const auto reader = input->read(input->splits(1U << 30).at(0), {true, true}, budget, 1U << 20);
  file.write("a,b\n1,2\n3,4\n5,6\n");
  table::Batch batch;

  EXPECT_TRUE(reader->next(batch));
  EXPECT_THROW((void)reader->next(batch), base::IoError);
  EXPECT_THROW((void)read_all(*input), base::IoError);
  EXPECT_NE(open(file)->fingerprint(), before);
}

}  // namespace
}  // namespace surd::test
