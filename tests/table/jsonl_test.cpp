#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "csv_support.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

using table::OnBadRow;
using table::Type;
using testing::ElementsAre;
using testing::HasSubstr;

std::unique_ptr<table::Input> open(const TempFile& file, OnBadRow policy = OnBadRow::error,
                                   table::Schema types = {}) {
  table::InputSpec spec;
  spec.on_bad_row = policy;
  spec.types = std::move(types);
  return table::detail::open_jsonl(spec, {file.path()}, storage::local_file_system());
}

TEST(JsonLines, HaveTheUnionOfTheKeysAsColumns) {
  const TempFile file("union.jsonl",
                      "\xEF\xBB\xBF{\"i\": 1, \"f\": 1, \"b\": true, \"t\": \"x\\n\\u00e9\"}\r\n"
                      "\n"
                      "{\"f\": 2.5, \"n\": {\"a\": [1, 2]}, \"i\": -2, \"mixed\": \"m\"}\n"
                      "{\"mixed\": 3, \"t\": null, \"null\": null}");
  const auto input = open(file);

  EXPECT_EQ(input->schema(), (table::Schema{{"i", Type::int64},
                                            {"f", Type::float64},
                                            {"b", Type::boolean},
                                            {"t", Type::text},
                                            {"n", Type::text},
                                            {"mixed", Type::text},
                                            {"null", Type::text}}));
  EXPECT_THAT(read_all(*input).rows,
              ElementsAre(Row{"1", "1", "1", "x\n\xC3\xA9", "<null>", "<null>", "<null>"},
                          Row{"-2", "2.5", "<null>", "<null>", "{\"a\":[1,2]}", "m", "<null>"},
                          Row{"<null>", "<null>", "<null>", "<null>", "<null>", "3", "<null>"}));
}

TEST(JsonLines, NeverTakeIntegersBeyond64BitsForOtherNumbers) {
  const TempFile file("ids.jsonl", "{\"id\": 18446744073709551615}\n{\"id\": 18446744073709551614}\n");
  EXPECT_EQ(open(file)->schema()[0].type, Type::int64);
  try {
    (void)read_all(*open(file));
    FAIL() << "read as other numbers";
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("column id: 18446744073709551615 is beyond"));
  }
  EXPECT_THAT(read_all(*open(file, OnBadRow::error, {{"id", Type::text}})).rows,
              ElementsAre(Row{"18446744073709551615"}, Row{"18446744073709551614"}));
}

TEST(JsonLines, NameTheNumberThatJsonParsersDoNotRead) {
  const TempFile file("big.jsonl", "{\"id\": 12345678901234567890123}\n");
  try {
    (void)open(file);
    FAIL() << "opened";
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), HasSubstr("row 1: a number in it is none, or an integer beyond 64 bits"));
  }
}

TEST(JsonLines, OfAllFilesTellTheTypes) {
  const TempFile null("1.jsonl", "{\"a\": null, \"b\": 1}\n");
  const TempFile number("2.jsonl", "{\"c\": true, \"a\": 2.5}\n");
  const auto input =
      table::detail::open_jsonl({}, {null.path(), number.path()}, storage::local_file_system());

  EXPECT_EQ(input->schema(), (table::Schema{{"a", Type::float64}, {"b", Type::int64}, {"c", Type::boolean}}));
  EXPECT_THAT(read_all(*input).rows, ElementsAre(Row{"<null>", "1", "<null>"}, Row{"2.5", "<null>", "1"}));
}

TEST(JsonLines, OfAnySplitAreTheSame) {
  base::RandomStream random(21, 0);
  std::string text;
  std::vector<Row> expected;
  for (int row = 0; row < 300; ++row) {
    const auto number = std::to_string(random.below(1000));
    const std::string word(random.below(20), 'w');
    text += "{\"n\":" + number + ",\"deep\":{\"n\":[1,{}]},\"w\":\"" + word + "\"}" +
            (row % 5 == 0 ? "\r\n\n" : "\n");
    expected.push_back({number, "{\"n\":[1,{}]}", word});
  }
  const TempFile file("split.jsonl", text);
  const auto input = open(file);

  for (const std::uint64_t bytes : {1U, 2U, 7U, 31U, 64U, 1000U, 1U << 20}) {
    ASSERT_EQ(read_all(*input, bytes).rows, expected) << bytes;
    ASSERT_EQ(read_all(*input, bytes, 1U << 17).rows, expected) << bytes;
  }
}

TEST(JsonLines, ReadOnlyTheColumnsAskedFor) {
  const TempFile file("project.jsonl", "{\"a\": 1, \"b\": 2}\n{\"new\": 0, \"b\": 3, \"a\": \"bad\"}\n");
  const auto input = open(file, OnBadRow::error, {{"a", Type::int64}, {"rare", Type::float64}});

  EXPECT_EQ(input->schema().size(), 4U);
  EXPECT_THAT(read_all(*input, 1U << 30, 1U << 20, {false, true, false, true}).rows,
              ElementsAre(Row{"2", "<null>"}, Row{"3", "<null>"}));
}

TEST(BadJsonLines, AreNamedOrLeftOut) {
  const TempFile file(
      "bad.jsonl",
      "{\"a\": 1}\n{\"a\": 1.5}\n{\"a\": \n[1]\n{\"a\": \"\xFF\"}\n{\"a\": 2} x\n{\"a\": 3}\n{\"a\": 4}\n");
  const table::Schema types{{"a", Type::int64}};

  const auto reading = read_all(*open(file, OnBadRow::skip, types));

  EXPECT_THAT(reading.rows, ElementsAre(Row{"1"}, Row{"3"}, Row{"4"}));
  ASSERT_EQ(reading.bad.size(), 5U);
  EXPECT_THAT(to_text(reading.bad[0]), HasSubstr("bad.jsonl:2, column a: 1.5 is no integer"));
  EXPECT_THAT(reading.bad[1].reason, HasSubstr("not a line of JSON"));
  EXPECT_THAT(reading.bad[2].reason, HasSubstr("no JSON object"));
  EXPECT_THROW((void)read_all(*open(file, OnBadRow::error, types)), base::UsageError);
}

TEST(LongJsonLines, AreErrorsWhateverIsDoneWithBadRows) {
  const TempFile file("long.jsonl",
                      "{\"a\": \"1\"}\n{\"a\": \"" + std::string(100'000, 'x') + "\"}\n{\"a\": \"4\"}\n");

  for (const std::uint64_t split : {std::uint64_t{5}, std::uint64_t{1} << 30}) {
    try {
      (void)read_all(*open(file, OnBadRow::skip), split);
      FAIL() << "no error";
    } catch (const table::LongRow& row) {
      EXPECT_THAT(row.what(), HasSubstr("long.jsonl:2: the row has 97.7 KiB, but at most 32.0 KiB fit"));
      EXPECT_EQ(row.row_bytes(), 100'009U);
    }
  }
  EXPECT_EQ(read_all(*open(file, OnBadRow::skip), 1U << 30, 4U << 20).rows.size(), 3U);
}

TEST(BadJsonLines, AreAnErrorIfThereIsNothingElse) {
  const TempFile array("array.json", "[\n{\"a\": 1}]\n");

  EXPECT_THROW((void)open(array), base::UsageError);
}

}  // namespace
}  // namespace surd::test
