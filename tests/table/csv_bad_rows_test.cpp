#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "csv_support.hpp"
#include "surd/base/error.hpp"
#include "surd/memory/limits.hpp"

namespace surd::test {
namespace {

using table::OnBadRow;
using table::Type;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

const table::Schema forced{{"n", Type::int64}, {"x", Type::float64}, {"b", Type::boolean}, {"t", Type::text}};

Reading read(const TempFile& file, OnBadRow policy, std::uint64_t split_bytes = 1U << 30) {
  table::InputSpec spec;
  spec.on_bad_row = policy;
  spec.types = forced;
  const auto input = table::detail::open_csv(spec, {file.path()}, storage::local_file_system());
  return read_all(*input, split_bytes);
}

std::string error_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const base::UsageError& e) {
    return e.what();
  }
  return "no error";
}

TEST(BadCsvRows, AreNamedByFileLineColumnAndValue) {
  const TempFile file("bad.csv", "n,x,b,t\n1,2,true,\"two\nlines\"\n3,12x,true,t\n");

  const auto what = error_of([&] { (void)read(file, OnBadRow::error); });

  EXPECT_THAT(what, HasSubstr("bad.csv:4, column x: '12x' is no float"));
  EXPECT_THAT(what, HasSubstr("on_bad_row: skip"));
}

TEST(BadCsvRows, AreNamedByTheirExactLineInLaterSplitsToo) {
  std::string text = "n,x,b,t\n";
  for (int i = 0; i < 100; ++i) text += "1,2,true,abc\n";
  text += "1,2,yes,abc\n";
  const TempFile file("later.csv", text);

  EXPECT_THAT(error_of([&] { (void)read(file, OnBadRow::error, 50); }),
              HasSubstr("later.csv:102, column b: 'yes' is no boolean"));
}

TEST(BadCsvRows, AreLeftOutAndReported) {
  const TempFile file("skip.csv",
                      "n,x,b,t\n"
                      "1,1,true,a\n"
                      "1.5,1,true,a\n"
                      "99999999999999999999,1,true,a\n"
                      "1,1e999,true,a\n"
                      "1,1,1,a\n"
                      "1,1,true,\xFF\n"
                      "1,1,true,\"a\"b\n"
                      "1,1,true\n"
                      "1,1,true,a,b\n"
                      "2,2,false,b\n"
                      "1,1,true,\"open\n");

  const auto reading = read(file, OnBadRow::skip);

  EXPECT_THAT(reading.rows, ElementsAre(Row{"1", "1", "1", "a"}, Row{"2", "2", "0", "b"}));
  std::vector<std::string> reasons;
  for (const auto& bad : reading.bad)
    reasons.push_back(std::to_string(bad.line) + " " + bad.column + " " + bad.reason);
  EXPECT_THAT(
      reasons,
      ElementsAre("3 n '1.5' is no integer", "4 n '99999999999999999999' is beyond the integers of 64 bits",
                  "5 x '1e999' is beyond the floats of 64 bits", "6 b '1' is no boolean (true or false)",
                  "7 t '\\xFF' is not UTF-8", "8 t '\"a\"b' has text behind its closing quote",
                  "9  3 columns instead of 4", "10  5 columns instead of 4",
                  "12  a quote is not closed before the end of the file"));
  EXPECT_EQ(reading.bad[0].text, "1.5,1,true,a");
  EXPECT_EQ(reading.bad[0].offset, 19U);
  EXPECT_TRUE(reading.bad[0].line_is_exact);
}

TEST(BadCsvRows, KeepTheirTextOnlyForTheFirstThousand) {
  std::string text = "n,x,b,t\n1,1,true,a\n";
  for (int i = 0; i < 3000; ++i) text += i % 3 == 0 ? "1,1,true,good\n" : "x,1,true,bad\n";
  const TempFile file("many.csv", text);

  const auto reading = read(file, OnBadRow::quarantine);

  EXPECT_EQ(reading.rows.size(), 1001U);
  ASSERT_EQ(reading.bad.size(), 2000U);
  EXPECT_EQ(reading.bad[999].text, "x,1,true,bad");
  EXPECT_EQ(reading.bad[1000].text, "");
}

TEST(LongCsvRows, AreErrorsInBoundedMemoryWhateverIsDoneWithBadRows) {
  std::string text = "n,x,b,t\n1,1,true,a\n2,2,true,";
  text.append(std::size_t{64} << 20, 'x');
  text += "\n3,3,true,c\n4,4,true,\"";
  for (int i = 0; i < 2000000; ++i) text += "7,8,\"\"9\"\"\n";
  text += "\"\n5,5,false,e\n";
  const TempFile file("long.csv", text);
  text = std::string();
  const auto before = memory::usage().resident;
  memory::reset_peak();

  try {
    (void)read(file, OnBadRow::skip);
    FAIL() << "no error";
  } catch (const table::LongRow& row) {
    EXPECT_THAT(row.what(), HasSubstr("long.csv:3: the row has "));
    EXPECT_THAT(row.what(), HasSubstr("64.0 MiB, but at most 256 KiB fit into the memory for reading"));
    EXPECT_EQ(row.memory_for(row.limit(1U << 20) - 1), 1U << 20);
  }
  EXPECT_LT(memory::usage().peak_resident, before + (std::uint64_t{8} << 20));
}

TEST(LongCsvRows, SayHowMuchTheyAre) {
  const auto text = "a\n" + std::string(300'000, 'x') + "\ny\n";
  const TempFile file("long.csv", text);
  const auto input = table::open_input(texts_only(file.path(), {"a"}), storage::local_file_system());

  EXPECT_THROW((void)read_all(*input, 1U << 30, 1U << 20), table::LongRow);
  try {
    (void)read_all(*input, 1000, 1U << 20);
    FAIL() << "no error";
  } catch (const table::LongRow& row) {
    EXPECT_EQ(row.row_bytes(), 300'001U);
  }
  EXPECT_EQ(read_all(*input, 1U << 30, 2U << 20).rows.size(), 2U);
}

}  // namespace
}  // namespace surd::test
