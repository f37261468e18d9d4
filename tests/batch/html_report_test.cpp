#include "surd/batch/html_report.hpp"

#include <cmath>
#include <cstddef>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report_support.hpp"
#include "surd/base/error.hpp"
#include "well_formed.hpp"

namespace {

using namespace surd;
using namespace surd::tests;
using batch::field_svg;
using batch::html_report;
using batch::PointCounts;
using testing::HasSubstr;
using testing::Not;

std::size_t occurrences(const std::string& text, const std::string& what) {
  std::size_t count = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + what.size())) ++count;
  return count;
}

/// What must hold of every page and drawing.
void expect_sound(const std::string& text) {
  EXPECT_EQ(WellFormed::problem(text), "");
  EXPECT_LE(text.size(), std::size_t{2} << 20);
  const std::string svg_name = "http://www.w3.org/2000/svg";  // a name, never fetched
  EXPECT_EQ(occurrences(text, "://"), occurrences(text, svg_name));
  for (const char* outside :
       {"<script", "src=", "href=", "url(", "@import", "<link", "<iframe", "javascript:"}) {
    EXPECT_THAT(text, Not(HasSubstr(outside)));
  }
  EXPECT_EQ(occurrences(text, "NaN\""), 0U) << "a NaN in a drawing";
  EXPECT_EQ(occurrences(text, "inf\""), 0U) << "an infinity in a drawing";
  EXPECT_EQ(occurrences(text, "nan"), 0U);
}

/// Everything done.
PointCounts all_done(const batch::Job& job) {
  return {job.definition->grid.size(), 0, job.definition->grid.size(), 0};
}

batch::ReportData data_of(const batch::Job& job, const Compute& compute) {
  return collect(job, compute).finish(all_done(job));
}

const Compute wave = [](const sweep::Point& p) {
  return ok({{"height", std::sin(p.f64("x")) + 0.01 * static_cast<double>(p.position() % 7)}});
};

TEST(HtmlReport, HasAllSectionsOfAFinishedSweep) {
  auto job = job_over(R"({"x": {"linspace": [0, 6, 25]}, "n": [1, 2, 3], "seed": {"range": 4}})");
  job.fields = {{"height", {{"units", "m"}, {"long_name", "height of the wave"}}}};
  auto collector = collect(job, wave);
  collector.add_run(run_report("20260131T120000-1a2b3c4d", 4, 50));

  const auto page = html_report(job, std::move(collector).finish(all_done(job)));

  expect_sound(page);
  for (const char* part :
       {"<h2>Results</h2>", "<h2>Cost per point</h2>", "<h2>Use and memory of the ranks</h2>",
        "<h2>Runs</h2>", "<h2>Job</h2>", "height of the wave (m)", "n = 3", "rank 3", "scan memo",
        "Mean over seed (4 values); shaded: ± one standard error.", "prefers-color-scheme:dark"}) {
    EXPECT_THAT(page, HasSubstr(part));
  }
  EXPECT_THAT(page, Not(HasSubstr("<h2>Failures</h2>")));
  EXPECT_THAT(page, HasSubstr(R"(<span class="state good">complete</span>)"));
}

TEST(HtmlReport, GivesTheSameBytesForTheSameData) {
  const auto job = job_over(R"({"x": {"linspace": [0, 6, 25]}})");

  EXPECT_EQ(html_report(job, data_of(job, wave)), html_report(job, data_of(job, wave)));
}

TEST(HtmlReport, ShowsMeansAndStandardErrors) {
  const auto job = job_over(R"({"x": [1, 2], "seed": [1, 2, 3, 4]})");
  const auto page =
      html_report(job, data_of(job, [](const sweep::Point& p) {
                    return ok({{"v", p.f64("x") * 1000 + p.f64("seed")}, {"flag", p.i64("seed") > 1}});
                  }));

  expect_sound(page);
  EXPECT_THAT(page, HasSubstr(R"(<th scope="row">1</th><td class="n">1002 ± 0.65</td>)"));
  EXPECT_THAT(page, HasSubstr(R"(<th scope="row">2</th><td class="n">2002 ± 0.65</td>)"));
  EXPECT_THAT(page, HasSubstr(R"(<td class="n">0.75 ± 0.25</td>)"));
}

TEST(HtmlReport, EscapesEverythingThatUsersName) {
  const std::string hostile = "<script>alert('x')</script>&\"\x01\xff\xc3(";
  auto job = job_over(R"({"a": ["<b>&\"'", "</svg>"], "x": [1, 2, 3]})", "<i>name</i>");
  job.text = "# </pre><script>" + hostile;
  job.fields["</title><script>"] = {{"long_name", "<img src=x>"}, {"units", "\"><script>"}};
  auto collector = collect(job, [&](const sweep::Point& p) {
    return p.position() % 2 == 0 ? ok({{"</title><script>", p.f64("x")}, {"t<", std::string("<")}})
                                 : failed(hostile);
  });
  auto report = run_report("<script>run", 2, 10);
  report["end"] = "</td><script>";
  report["program"]["version"] = "<script>";
  report["memory"]["per_rank"][0]["phases"][0]["name"] = "<script>phase";
  collector.add_run(report);

  const auto data = std::move(collector).finish({6, 0, 3, 3});
  const auto page = html_report(job, data);

  EXPECT_EQ(WellFormed::problem(page), "");
  EXPECT_THAT(page, Not(HasSubstr("<script")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page,
              HasSubstr("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\uFFFD\uFFFD\uFFFD("));
  EXPECT_EQ(WellFormed::problem(field_svg(job, data, "</title><script>")), "");
}

TEST(HtmlReport, StaysSmallWhateverTheSweep) {
  const auto job = job_over(R"({"x": {"range": 200}, "y": {"range": 150}})");
  auto collector = collect(job, [](const sweep::Point& p) {
    if (p.position() % 10 == 0) return failed(std::string(100'000, '<'));
    sweep::Values values;
    for (int f = 0; f < 80; ++f) {  // noise: nothing for the drawing to merge
      values.emplace_back("field" + std::to_string(f),
                          std::fmod(static_cast<double>(p.position()) * 0.618 * (f + 1), 1.0));
    }
    return ok(std::move(values), static_cast<double>(p.position() + 1) * 1e-6);
  });
  for (int i = 0; i < 250; ++i) {
    collector.add_run(run_report("run" + std::to_string(1000 + i), i < 245 ? 2 : 300, i < 245 ? 3 : 1000));
  }

  const auto data = std::move(collector).finish({30'000, 0, 27'000, 3'000});
  const auto page = html_report(job, data);

  expect_sound(page);
  EXPECT_EQ(data.fields.size(), 64U);
  EXPECT_EQ(data.failures.size(), 50U);
  EXPECT_EQ(data.runs.size(), 200U);
  EXPECT_EQ(data.runs_total, 250U);
  EXPECT_THAT(page, HasSubstr("3,000 of 30,000 points failed. The first 50 are listed."));
  EXPECT_THAT(page, HasSubstr("Not drawn, to keep this page small: "));
  EXPECT_THAT(page, HasSubstr("further fields, not drawn: field64"));
}

TEST(HtmlReport, ListsFailuresWithTheirReasons) {
  const auto job = job_over(R"({"x": [1, 2, 3]})");
  auto collector = collect(job, [](const sweep::Point& p) {
    return p.i64("x") == 2 ? failed("took too long", sweep::Status::timed_out) : failed("diverged");
  });

  const auto page = html_report(job, std::move(collector).finish({3, 0, 0, 3}));

  expect_sound(page);
  EXPECT_THAT(page, HasSubstr("3 of 3 points failed."));
  EXPECT_THAT(
      page,
      HasSubstr(R"(<th scope="row">x=2</th><td>timed out</td><td>took too long</td><td class="n">3</td>)"));
  EXPECT_THAT(page, HasSubstr("complete, 3 points failed"));
  EXPECT_THAT(page, Not(HasSubstr("<h2>Results</h2>")));
}

TEST(HtmlReport, ShowsASinglePointAsATable) {
  const auto job = job_over(R"({"x": [1.5]})");

  const auto page = html_report(job, data_of(job, [](const sweep::Point&) {
                                  return ok({{"energy", -1.25}});
                                }));

  expect_sound(page);
  EXPECT_THAT(page, HasSubstr(R"(<th scope="row">energy</th><td class="n">)"
                              "\u22121.25</td>"));
}

TEST(HtmlReport, DrawsTextAxesAsCategories) {
  const auto job = job_over(R"({"solver": ["cg", "gmres"], "host": ["a", "b", "c"]})");

  const auto page = html_report(job, data_of(job, [](const sweep::Point& p) {
                                  return ok({{"steps", static_cast<std::int64_t>(p.position()) + 10}});
                                }));

  expect_sound(page);
  EXPECT_THAT(page, HasSubstr(">gmres</text>"));
  EXPECT_THAT(page, HasSubstr(">b</text>"));
}

TEST(HtmlReport, LeavesOutResultsThatAreNotFinite) {
  const auto job = job_over(R"({"x": {"range": 5}})");
  const auto data = data_of(job, [](const sweep::Point& p) {
    const double x = p.f64("x");
    return ok({{"some", x == 2 ? std::nan("") : x == 3 ? INFINITY : x}, {"none", std::nan("")}});
  });

  const auto page = html_report(job, data);

  EXPECT_EQ(WellFormed::problem(page), "");
  EXPECT_THAT(page, HasSubstr("2 results are not finite (NaN or infinite) and left out."));
  EXPECT_THAT(page, HasSubstr("5 results are not finite (NaN or infinite) and left out."));
  EXPECT_EQ(WellFormed::problem(field_svg(job, data, "none")), "");
}

TEST(HtmlReport, SaysSoWhenThereIsNothingYet) {
  const auto job = job_over(R"({"x": {"range": 5}})");

  const auto page = html_report(job, batch::ReportCollector(*job.definition).finish({5, 0, 0, 0}));

  expect_sound(page);
  EXPECT_THAT(page, HasSubstr("No point has been computed yet."));
  EXPECT_THAT(page, HasSubstr("incomplete, 5 points missing"));
}

TEST(HtmlReport, SurvivesReportsOfRunsThatDied) {
  const auto job = job_over(R"({"x": {"range": 5}})");
  batch::ReportCollector collector(*job.definition);
  for (const char* text :
       {"null", R"({"run": "a", "seconds": -3, "timeline": {"seconds": [1, "x", null, -4]}})",
        R"({"run": "b", "timeline": {"seconds": [1, 2, 3], "done": [null], "ranks": [{"rank": 0}]}})",
        R"({"run": "c", "timeline": {"seconds": [1, 1], "done": [5, 5], "failed": [null, 1e300],
                               "ranks": [{"busy": [null, -7], "resident_bytes": ["x", 1e30]}]}})"}) {
    collector.add_run(base::Json::parse(text));
  }

  const auto page = html_report(job, std::move(collector).finish({5, 0, 0, 0}));

  EXPECT_EQ(WellFormed::problem(page), "");
}

TEST(HtmlReport, DrawsAHeatMapOverTwoLongAxes) {
  const auto job = job_over(R"({"x": {"linspace": [-1, 1, 40]}, "y": {"logspace": [-2, 2, 30]}})");
  const auto data = data_of(job, [](const sweep::Point& p) {
    return ok({{"z", p.f64("x") * std::log(p.f64("y"))}});
  });

  const auto svg = field_svg(job, data, "z");

  expect_sound(svg);
  EXPECT_THAT(svg, HasSubstr("crispEdges"));
  EXPECT_THAT(svg, HasSubstr(">0.01</text>"));  // a round value on the logarithmic axis
  EXPECT_THAT(svg, HasSubstr("<title>z</title><desc>z from "));
}

TEST(HtmlReport, SummarisesManyRanks) {
  const auto job = job_over(R"({"x": {"linspace": [0, 6, 25]}})");
  auto collector = collect(job, wave);
  collector.add_run(run_report("20260131T120000-1a2b3c4d", 300, 500));

  const auto page = html_report(job, std::move(collector).finish(all_done(job)));

  expect_sound(page);
  for (const char* name : {">least</text>", ">median</text>", ">most</text>"})
    EXPECT_THAT(page, HasSubstr(name));
}

TEST(FieldSvg, NamesTheFieldsThereAre) {
  const auto job = job_over(R"({"x": {"range": 5}})");
  const auto data = data_of(job, wave);

  try {
    (void)field_svg(job, data, "hight");
    FAIL() << "no error";
  } catch (const base::UsageError& error) {
    EXPECT_STREQ(error.what(), "no result field 'hight' to draw; there are height");
  }
  const auto svg = field_svg(job, data, "height");
  expect_sound(svg);
  EXPECT_THAT(svg, testing::StartsWith("<svg "));
}

}  // namespace
