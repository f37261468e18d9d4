// The report of a real memo, written and read back.
#include <cstdlib>
#include <filesystem>

#include <gtest/gtest.h>

#include "report_support.hpp"
#include "surd/storage/file_system.hpp"

namespace {

using namespace surd;
using namespace surd::tests;

class ReportOfAMemo : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "surd-report-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::filesystem::path directory_;
};

TEST_F(ReportOfAMemo, HoldsEveryKindOfResult) {
  const auto job = job_over(R"({"x": [1, 2, 3, 4], "seed": {"range": 50}})");
  auto& files = storage::local_file_system();
  sweep::MemoWriter writer(files, directory_ / "memo", *job.definition, {"run", 0, "host", "1"});
  sweep::Point point(*job.definition);
  for (std::uint64_t position = 0; position < 200; ++position) {
    point.move_to(position);
    const double x = point.f64("x");
    if (x == 4) {
      writer.add(position, failed("four"));
      continue;
    }
    writer.add(position, ok({{"flag", point.i64("seed") < 25},
                             {"whole", point.i64("x") * 10},
                             {"real", x + 0.5},
                             {"word", std::string("w")},
                             {"pair", std::vector<double>{x, x + 2}}}));
  }
  writer.close();

  const sweep::Memo memo(files, directory_ / "memo", *job.definition);
  batch::ReportCollector collector(*job.definition);
  memo.read([&](const sweep::Block& block) { collector.add(block); });
  const auto data = std::move(collector).finish({200, 0, memo.done().size(), memo.failed().size()});

  EXPECT_EQ(data.points.done, 150U);
  EXPECT_EQ(data.points.failed, 50U);
  ASSERT_EQ(data.fields.size(), 4U);
  const double expected[][3] = {{0.5, 0.5, 0.5}, {10, 20, 30}, {1.5, 2.5, 3.5}, {2, 3, 4}};
  for (std::size_t f = 0; f < 4; ++f) {
    for (std::size_t x = 0; x < 3; ++x) {
      EXPECT_EQ(data.fields[f].cells[x].count(), 50U);
      EXPECT_DOUBLE_EQ(data.fields[f].cells[x].mean(), expected[f][x]) << data.fields[f].name;
    }
    EXPECT_EQ(data.fields[f].cells[3].count(), 0U);
  }
  ASSERT_EQ(data.failures.size(), 50U);
  EXPECT_EQ(data.failures.front().message, "four");
  EXPECT_EQ(data.cost.seconds.count(), 200U);
}

}  // namespace
