#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "csv_support.hpp"
#include "surd/base/error.hpp"

namespace surd::test {
namespace {

using table::detail::open_csv;

std::unique_ptr<table::Input> open_texts(const TempFile& file, const std::vector<std::string>& names) {
  return open_csv(texts_only(file.path(), names), {file.path()}, storage::local_file_system());
}

void expect_same_for_any_split(const std::string& text, std::uint64_t largest) {
  const TempFile file("split.csv", text);
  const auto input = open_texts(file, {"a", "b", "c"});
  const auto expected = rows_by_oracle(text, 3);
  ASSERT_EQ(read_all(*input).rows, expected) << text;
  for (std::uint64_t bytes = 1; bytes <= largest; ++bytes) {
    ASSERT_EQ(read_all(*input, bytes).rows, expected) << bytes << " bytes a split of\n" << text;
  }
}

TEST(CsvSplits, OfAnySizeGiveTheRowsOfTheWhole) {
  base::RandomStream random(11, 0);
  for (int round = 0; round < 25; ++round) {
    expect_same_for_any_split(hostile_csv(random, 1 + random.below(8), false), 70);
  }
}

TEST(CsvSplits, MindQuotesInsideOfUnquotedFields) {
  base::RandomStream random(12, 0);
  for (int round = 0; round < 25; ++round) {
    expect_same_for_any_split(hostile_csv(random, 1 + random.below(8), true), 70);
  }
}

TEST(CsvSplits, AreRightWhereOnlyTheBeginOfTheFileTells) {
  expect_same_for_any_split("a,b,c\n1,\",\",2\n\",\",\",\",\",\"\n\",\n\",\",\",3\n", 40);
  expect_same_for_any_split("a,b,c\n\"\",\"\",\"\"\n\"\n\",\"\n\",\"\n\"\n", 40);
}

TEST(CsvSplits, MindTextsThatHoldWholeTables) {
  std::string text = "a,b,c\n";
  for (int row = 0; row < 6; ++row) {
    text += "1,\"";
    for (int line = 0; line < 5; ++line) text += "7,8,9\n\"\"q\"\",8,9\n";
    text += "\",2\n3,4,5\n";
  }
  expect_same_for_any_split(text, 100);
}

/// A file larger than the search goes back, so that cuts are found by their surroundings alone.
table::detail::CsvTable small_window(const TempFile& file, std::size_t window_bytes) {
  table::detail::CsvTable table;
  table.spec = texts_only(file.path(), {});
  table.nulls = table::detail::NullTexts({""});
  table.disk = &storage::local_file_system();
  const auto noted = table::detail::note_versions({file.path()}, *table.disk);
  table.files.push_back({noted[0], table::Compression::none, 6, 2, {"a", "b", "c"}});
  for (const auto* name : {"a", "b", "c"}) table.schema.push_back({name, table::Type::text});
  table.search_window_bytes = window_bytes;
  return table;
}

std::vector<Row> rows_of_splits(const table::detail::CsvTable& table, std::uint64_t bytes) {
  std::vector<Row> rows;
  const auto size = table.files[0].file.version.bytes;
  const std::vector<bool> all(3, true);
  for (std::uint64_t begin = 6; begin < size; begin += bytes) {
    memory::Budget budget(1U << 20);
    table::detail::CsvReader reader(table, {0, begin, std::min(size, begin + bytes)}, all, budget, 1U << 18);
    for (table::Batch batch; reader.next(batch);) {
      for (std::size_t row = 0; row < batch.rows; ++row) rows.push_back(row_of(batch, row, all));
    }
  }
  return rows;
}

TEST(CsvSplits, AreFoundByTheirSurroundings) {
  base::RandomStream random(13, 0);
  for (int round = 0; round < 20; ++round) {
    std::string text = "a,b,c\n";
    while (text.size() < 6000) {
      const auto part = hostile_csv(random, 5, false);
      text += part.substr(part.find('\n') + 1);
      if (text.back() != '\n') text += '\n';
      text += "some,text \"that\",\"tells, where it is\"\n";
    }
    const TempFile file("window.csv", text);
    const auto table = small_window(file, 2000);

    for (const std::uint64_t bytes : {17U, 100U, 999U, 2500U}) {
      ASSERT_EQ(rows_of_splits(table, bytes), rows_by_oracle(text, 3)) << bytes;
    }
  }
}

TEST(CsvSplits, WithoutAQuoteInSightCountColumns) {
  std::string text = "a,b,c\n1,\"";
  for (int line = 0; line < 600; ++line) text += "prose without commas or quotes\n";
  text += "\",3\n";
  for (int row = 0; row < 2000; ++row) text += "1,2,3\n";
  const TempFile file("prose.csv", text);

  EXPECT_EQ(rows_of_splits(small_window(file, 500), 1000), rows_by_oracle(text, 3));
}

TEST(CsvSplits, ThatCannotBeFoundAreAnErrorAndNeverWrongRows) {
  std::string text = "a,b,c\n1,\"";
  for (int line = 0; line < 3000; ++line) text += "7,8,9\n";
  text += "\",3\n4,5,6\n";
  const TempFile file("table_in_text.csv", text);
  const auto table = small_window(file, 500);

  try {
    (void)rows_of_splits(table, 1000);
    FAIL() << "no error";
  } catch (const base::UsageError& e) {
    EXPECT_THAT(e.what(), testing::HasSubstr("cannot tell where rows begin near byte 1006"));
    EXPECT_THAT(e.what(), testing::HasSubstr("split: false"));
  }
}

}  // namespace
}  // namespace surd::test
