#include "surd/batch/report_data.hpp"

#include <cmath>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report_support.hpp"
#include "surd/base/error.hpp"
#include "surd/batch/detail/svg.hpp"

namespace {

using namespace surd;
using namespace surd::tests;
using batch::ReportData;
using batch::Tally;
using testing::ElementsAre;

ReportData plotted(const std::string& axes, const batch::PlotChoice& choice = {}) {
  const auto job = job_over(axes);
  return collect(
             job,
             [](const sweep::Point&) {
               return ok({{"v", 1.0}});
             },
             choice)
      .finish({});
}

TEST(ReportTally, AgreesWithTwoPasses) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> normal(1e6, 1);
  std::vector<double> numbers(10'000);
  Tally tally;
  double sum = 0;
  for (auto& number : numbers) tally.add(number = normal(random));
  for (const double number : numbers) sum += number;
  double squares = 0;
  for (const double number : numbers) squares += std::pow(number - sum / 10'000, 2);

  EXPECT_EQ(tally.count(), 10'000U);
  EXPECT_NEAR(tally.mean(), sum / 10'000, 1e-7);
  EXPECT_NEAR(tally.deviation(), std::sqrt(squares / 9'999), 1e-9);
  EXPECT_NEAR(tally.standard_error(), tally.deviation() / 100, 1e-12);
  EXPECT_EQ(tally.smallest(), *std::min_element(numbers.begin(), numbers.end()));
  EXPECT_EQ(tally.largest(), *std::max_element(numbers.begin(), numbers.end()));
}

TEST(ReportAxes, AreTheLongestNumericOneAndTheNextThatIsNoRepetition) {
  const auto data =
      plotted(R"({"seed": {"range": 100}, "L": [8, 16], "T": {"linspace": [1, 2, 9]}, "p": [1, 2, 3]})");

  EXPECT_EQ(data.x.name, "T");
  ASSERT_TRUE(data.series);
  EXPECT_EQ(data.series->name, "L");
  EXPECT_THAT(data.averaged, ElementsAre("seed (100 values)", "p (3 values)"));
  EXPECT_FALSE(data.repetitions);
}

TEST(ReportAxes, MayBeARepetitionIfThereIsNothingElse) {
  const auto data = plotted(R"({"seed": {"range": 10}, "L": [8]})");

  EXPECT_EQ(data.x.name, "seed");
  EXPECT_FALSE(data.series);
}

TEST(ReportAxes, CanBeChosen) {
  const std::string axes = R"({"T": {"linspace": [1, 2, 9]}, "L": [8, 16], "seed": [1, 2]})";

  const auto data = plotted(axes, {"L", "T"});

  EXPECT_EQ(data.x.name, "L");
  EXPECT_EQ(data.series->name, "T");
  EXPECT_EQ(plotted(axes, {"seed", ""}).x.name, "seed");
  EXPECT_EQ(plotted(axes, {"", "seed"}).series->name, "seed");
  EXPECT_FALSE(plotted(axes, {"T", "T"}).series);
  EXPECT_THROW(plotted(axes, {"Q", ""}), base::UsageError);
}

TEST(ReportAxes, TakeEveryFormOfDimension) {
  EXPECT_EQ(plotted(R"({"pair": {"zip": {"name": ["a", "b"], "size": [1, 2]}}})").x.name, "size");
  EXPECT_EQ(
      plotted(
          R"({"s": {"sample": {"method": "sobol", "points": 64, "seed": 1, "axes": {"u": [0, 1], "v": [0, 9]}}}})",
          {"v", ""})
          .x.name,
      "v");
  EXPECT_FALSE(plotted(R"({"flag": [true, false], "mode": ["auto", "1"]})").x.numeric);
}

TEST(ReportCells, HoldEachPointOnceHoweverLongTheAxes) {
  for (const auto* axes : {R"({"x": {"range": 100000}})", R"({"x": {"range": 317}, "y": {"range": 211}})",
                           R"({"x": [3, 1, 2], "y": {"range": 7}})"}) {
    const auto job = job_over(axes);
    const auto data = collect(job, [](const sweep::Point& p) {
                        return ok({{"x", p.f64("x")}}, 1e-5);
                      }).finish({});

    std::uint64_t points = 0;
    const std::size_t series = data.series ? data.series->cells() : 1;
    for (std::size_t cell = 0; cell < data.fields[0].cells.size(); ++cell) {
      const auto& tally = data.fields[0].cells[cell];
      EXPECT_GT(tally.count(), 0U);
      EXPECT_NEAR(tally.mean(), data.x.centres[cell / series], 250) << "in the wrong cell";
      points += tally.count();
    }
    EXPECT_EQ(points, job.definition->grid.size());
    EXPECT_EQ(data.cost.seconds.count(), points);
    EXPECT_LE(data.fields[0].cells.size(), 96U * 96U);
  }
}

TEST(ReportCells, AreInTheOrderOfTheValues) {
  const auto job = job_over(R"({"x": [30, 10, 20]})");

  const auto data = collect(job, [](const sweep::Point& p) { return ok({{"v", p.f64("x")}}); }).finish({});

  EXPECT_THAT(data.x.labels, ElementsAre("10", "20", "30"));
  EXPECT_EQ(data.fields[0].cells[0].mean(), 10);
  EXPECT_EQ(data.fields[0].cells[2].mean(), 30);
}

TEST(ReportFields, KeepTheOrderOfTheFunctionAndLeaveOutTexts) {
  const auto job = job_over(R"({"x": [1, 2]})");
  const auto data =
      collect(job, [](const sweep::Point& p) {
        return ok({{"z", 1}, {"word", std::string("w")}, {"a", std::vector<double>{1, 2, p.f64("x") * 3}}});
      }).finish({});

  ASSERT_EQ(data.fields.size(), 2U);
  EXPECT_EQ(data.fields[0].name, "z");
  EXPECT_EQ(data.fields[1].elements, 3U);
  EXPECT_EQ(data.fields[1].cells[1].mean(), 3);
  EXPECT_THAT(data.undrawn, ElementsAre("word"));
}

TEST(ReportFailures, AreTheFirstByPositionAndTheLatestOfEach) {
  const auto job = job_over(R"({"x": {"range": 100}})");
  batch::ReportCollector collector(*job.definition);
  for (std::uint64_t position = 100; position-- > 0;) {
    collector.add(FakeBlock({{position, failed("first")}}));
    collector.add(FakeBlock({{position, failed("again")}}));
  }

  const auto data = std::move(collector).finish({100, 0, 0, 100});

  ASSERT_EQ(data.failures.size(), 50U);
  EXPECT_EQ(data.failures.front().point, "x=0");
  EXPECT_EQ(data.failures.back().point, "x=49");
  EXPECT_EQ(data.failures.front().message, "again");
}

TEST(ReportRuns, AreReadWhateverTheirReportsHold) {
  for (const char* text :
       {"null", "[]", "3", R"({"run": 7, "seconds": "x", "points": [], "memory": 3})",
        R"({"memory": {"per_rank": {}}, "timeline": {"seconds": [1, "x", null], "ranks": 5}})",
        R"({"memory": {"per_rank": [1, {"phases": 2}]}, "timeline": {"seconds": [1], "ranks": [{}, 2]}})",
        R"({"points": {"computed": -5, "failed": 1e300}, "timeline": {"seconds": []}})"}) {
    const auto run = batch::read_run_report(base::Json::parse(text));

    EXPECT_EQ(run.computed, 0U) << text;
    EXPECT_EQ(run.failed, 0U) << text;
  }
}

TEST(ReportRuns, KeepTheirNumbers) {
  const auto run = batch::read_run_report(run_report("r", 12, 1000));

  EXPECT_EQ(run.version, "0.1.0 (abc1234)");
  EXPECT_EQ(run.ranks, 12);
  EXPECT_EQ(run.hosts, 3);
  EXPECT_EQ(run.computed, 392U);
  EXPECT_EQ(run.peak_bytes, 14U << 20);
  EXPECT_EQ(run.seconds_axis.size(), 240U);
  EXPECT_EQ(run.seconds_axis.back(), 499.5);
  ASSERT_EQ(run.lines.size(), 3U);
  EXPECT_LE(run.lines[0].busy[7], run.lines[2].busy[7]);
  ASSERT_EQ(run.phases.size(), 2U);
  EXPECT_EQ(run.phases[1].written_bytes, 12U << 20);
}

TEST(ReportTicks, AreRound) {
  using batch::detail::linear_ticks;
  using batch::detail::log_ticks;

  EXPECT_THAT(linear_ticks(0, 1, 5).labels, ElementsAre("0.0", "0.2", "0.4", "0.6", "0.8", "1.0"));
  EXPECT_THAT(linear_ticks(-1.95, -0.6, 3).labels, ElementsAre("\u22121.5", "\u22121.0"));
  EXPECT_THAT(linear_ticks(0, 3, 6, 1).labels, ElementsAre("0", "1", "2", "3"));
  EXPECT_THAT(linear_ticks(0, 4e6, 4).labels, ElementsAre("0", "10⁶", "2·10⁶", "3·10⁶", "4·10⁶"));
  EXPECT_THAT(log_ticks(1e-2, 1e2).labels, ElementsAre("0.01", "0.1", "1", "10", "100"));
  EXPECT_THAT(log_ticks(1, 10).labels, ElementsAre("1", "2", "5", "10"));
  EXPECT_EQ(linear_ticks(5, 5, 4).at.size(), 1U);
  EXPECT_LE(linear_ticks(1e300, 1.0000001e300, 4).at.size(), 50U);
}

TEST(ReportText, IsEscapedAndCut) {
  using batch::detail::escape;
  using batch::detail::pretty;
  using batch::detail::shorten;

  EXPECT_EQ(escape("a<b>&\"'"), "a&lt;b&gt;&amp;&quot;&#39;");
  EXPECT_EQ(escape("\x1b[1m \xff\xe2\x82 é€"), "\uFFFD[1m \uFFFD\uFFFD\uFFFD é€");
  EXPECT_EQ(escape("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");  // a surrogate
  EXPECT_EQ(shorten("temperature", 5), "temp…");
  EXPECT_EQ(shorten("größe", 5), "größe");
  EXPECT_EQ(pretty(-1.9532), "\u22121.953");
  EXPECT_EQ(pretty(1.5e-7), "1.5·10⁻⁷");
  EXPECT_EQ(pretty(9.99999e8), "10⁹");
  EXPECT_EQ(pretty(0.0), "0");
}

}  // namespace
