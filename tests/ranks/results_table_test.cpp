#include <filesystem>
#include <limits>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ranks/results_support.hpp"
#include "surd/base/error.hpp"
#include "surd/ranks/results.hpp"

namespace surd::ranks {
namespace {

class Table : public testing::Test {
 protected:
  Table() {
    std::string name = (std::filesystem::temp_directory_path() / "surd-table-XXXXXX").native();
    if (mkdtemp(name.data()) == nullptr) name.clear();
    directory_ = name;
  }
  ~Table() override { std::filesystem::remove_all(directory_); }

  std::string write(const sweep::Definition& definition, const std::string& format, bool with_failed = false,
                    std::uint64_t memory_bytes = 1U << 24) {
    ResultsOptions options;
    options.output = directory_ / "out";
    options.scratch = directory_ / "scratch";
    options.memory_bytes = memory_bytes;
    summary_ = export_table(storage::local_file_system(), directory_ / "memo", definition, format, options,
                            with_failed);
    return test::content(options.output);
  }

  storage::Path directory_;
  ResultsSummary summary_;
};

sweep::Definition small() {
  return test::define(R"({"axes": {"name": ["plain", "a, \"b\"\nc"], "x": [1, 2.5]}, "chunk": 1})");
}

sweep::Outcome evaluate(const test::Coordinates& c) {
  if (c[0] == 0 && c[1] == 1) return test::failure("no");
  if (c[0] == 1 && c[1] == 0) return test::nothing();
  return test::success(
      {{"y", 0.1 + static_cast<double>(c[0])},
       {"n", std::int64_t{1} << 60},
       {"ok", c[0] == 1},
       {"text", "t\"," + std::to_string(c[1])},
       {"v", sweep::Array({2, 2}, {1, std::numeric_limits<double>::quiet_NaN(), 1e300, -0.5})}});
}

TEST_F(Table, IsCsvInRowMajorOrderWithQuotes) {
  test::fill(directory_ / "memo", small(), 2, evaluate);

  const auto text = write(small(), "csv", true);

  EXPECT_EQ(
      text,
      "name,x,status,y,n,ok,text,v\n"
      "plain,1,done,0.1,1152921504606846976,false,\"t\"\",0\",\"[[1,null],[1e+300,-0.5]]\"\n"
      "plain,2.5,failed,,,,,\n"
      "\"a, \"\"b\"\"\nc\",2.5,done,1.1,1152921504606846976,true,\"t\"\",1\",\"[[1,null],[1e+300,-0.5]]\"\n");
  EXPECT_EQ(summary_.done, 2U);
  EXPECT_EQ(summary_.failed, 1U);
  EXPECT_EQ(summary_.missing, 1U);
  EXPECT_EQ(summary_.bytes, text.size());
}

TEST_F(Table, IsJsonLines) {
  test::fill(directory_ / "memo", small(), 2, evaluate);

  std::istringstream lines(write(small(), "jsonl", true));

  std::vector<base::Json> rows;
  for (std::string line; std::getline(lines, line);) rows.push_back(base::Json::parse(line));
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(
      rows[0].dump(),
      R"({"name":"plain","x":1,"status":"done","y":0.1,"n":1152921504606846976,"ok":false,"text":"t\",0",)"
      R"("v":[[1,null],[1e+300,-0.5]]})");
  EXPECT_TRUE(rows[1]["y"].is_null());
  EXPECT_EQ(rows[2]["name"], "a, \"b\"\nc");
}

TEST_F(Table, LeavesFailedPointsOutUnlessAskedFor) {
  test::fill(directory_ / "memo", small(), 2, evaluate);

  EXPECT_EQ(write(small(), "jsonl").find("failed"), std::string::npos);
}

TEST_F(Table, IsTheSameInAnyMemory) {
  const auto definition =
      test::define(R"({"axes": {"a": {"range": 60}, "b": {"range": 70}}, "chunk": {"a": 7, "b": 9}})");
  test::fill(directory_ / "memo", definition, 3, [](const test::Coordinates& c) {
    return test::success({{"y", static_cast<double>(c[0] * 70 + c[1])}});
  });

  const auto text = write(definition, "csv");

  EXPECT_EQ(write(definition, "csv", false, 5000), text);
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  for (int i = 0; i < 60 * 70; ++i) {
    std::getline(lines, line);
    ASSERT_EQ(line, fmt::format("{},{},done,{}", i / 70, i % 70, i));
  }
}

TEST_F(Table, OfAnEmptyMemoHasNoRows) {
  EXPECT_EQ(write(small(), "csv"), "name,x,status\n");
  EXPECT_EQ(write(small(), "jsonl"), "");
}

TEST_F(Table, RefusesFormatsItDoesNotKnow) { EXPECT_THROW(write(small(), "xml"), base::UsageError); }

}  // namespace
}  // namespace surd::ranks
