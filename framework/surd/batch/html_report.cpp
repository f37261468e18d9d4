#include "surd/batch/html_report.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/base/version.hpp"
#include "surd/batch/detail/chart.hpp"
#include "surd/batch/detail/html.hpp"
#include "surd/batch/detail/svg.hpp"

namespace surd::batch {
namespace detail {

HtmlTable::HtmlTable(const std::string& caption, const std::vector<std::string>& columns,
                     std::size_t first_numeric)
    : html_(R"(<div class="wide"><table>)"), first_numeric_(first_numeric) {
  if (!caption.empty()) html_ += "<caption>" + escape(caption) + "</caption>";
  html_ += "<thead><tr>";
  for (std::size_t i = 0; i < columns.size(); ++i) {
    html_ += i < first_numeric ? R"(<th scope="col">)" : R"(<th scope="col" class="n">)";
    html_ += escape(columns[i]) + "</th>";
  }
  html_ += "</tr></thead><tbody>";
}

void HtmlTable::add(const std::vector<std::string>& cells) {
  html_ += "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    const bool head = i == 0;
    html_ += head ? R"(<th scope="row">)" : i < first_numeric_ ? "<td>" : R"(<td class="n">)";
    html_ += escape(cells[i]) + (head ? "</th>" : "</td>");
  }
  html_ += "</tr>\n";
}

std::string figure(const std::string& svg, const std::string& caption, const HtmlTable* numbers) {
  std::string html = "<figure>" + svg;
  if (!caption.empty() || numbers != nullptr) html += "<figcaption>";
  if (!caption.empty()) html += "<p>" + escape(caption) + "</p>";
  if (numbers != nullptr) html += "<details><summary>Numbers</summary>" + numbers->html() + "</details>";
  if (!caption.empty() || numbers != nullptr) html += "</figcaption>";
  return html + "</figure>\n";
}

}  // namespace detail

namespace {

using detail::escape;

constexpr std::size_t results_limit = 1200 * 1024;  ///< Bytes of plots; everything else is bounded by counts.
constexpr std::size_t job_text_limit = 64 * 1024;

constexpr const char* page_style =
    R"(:root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#5b636c;--line:#e3e6ea;--tile:#f6f7f9;--good:#1a7f4b;--bad:#b3372f;--open:#9a6700}
@media screen and (prefers-color-scheme:dark){:root{--paper:#15181c;--ink:#e8eaed;--soft:#a1a9b2;--line:#2b3036;--tile:#1c2025;--good:#4cc38a;--bad:#ff8a80;--open:#e0b04b}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI","Helvetica Neue",Arial,sans-serif}
main{max-width:1180px;margin:0 auto;padding:40px 28px 60px}
h1{font-size:30px;line-height:1.2;margin:0;letter-spacing:-.01em;overflow-wrap:anywhere}h2{font-size:19px;margin:0 0 12px}h3{font-size:15px;margin:20px 0 8px;font-weight:600}
section{border-top:1px solid var(--line);margin-top:34px;padding-top:22px}p{margin:0 0 12px}
.sub{color:var(--soft);margin:4px 0 0;overflow-wrap:anywhere}.state{font-weight:600}.good{color:var(--good)}.bad{color:var(--bad)}.open{color:var(--open)}
.bar{display:flex;height:8px;border-radius:4px;overflow:hidden;background:var(--line);margin:20px 0 16px}.bar i{display:block}.bar .d{background:var(--good)}.bar .f{background:var(--bad)}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(138px,1fr));gap:10px;margin:0}dl div{background:var(--tile);border-radius:8px;padding:10px 14px}
dt{color:var(--soft);font-size:13px}dd{margin:0;font-size:18px;font-weight:600;white-space:nowrap;font-variant-numeric:tabular-nums}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,460px),1fr));gap:30px 44px;align-items:start}
.small{grid-template-columns:repeat(auto-fit,minmax(min(100%,330px),1fr));gap:24px 32px;margin-bottom:18px}figure{margin:0;break-inside:avoid;min-width:0}figure svg{display:block;width:100%;height:auto}
figcaption{font-size:13px;color:var(--soft);margin-top:6px}figcaption p{margin:0 0 2px}summary{cursor:pointer;width:max-content}
.wide{overflow-x:auto}table{border-collapse:collapse;font-size:13px;line-height:1.35;font-variant-numeric:tabular-nums;margin:6px 0 14px;color:var(--ink)}
caption{text-align:left;color:var(--soft);padding:0 0 6px}th,td{text-align:left;padding:5px 18px 5px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}td{white-space:pre-line}
thead th{color:var(--soft);font-weight:500;white-space:nowrap}tbody th{font-weight:500}.n{text-align:right;white-space:nowrap}td:last-child,th:last-child{padding-right:0}
pre{background:var(--tile);border-radius:8px;padding:14px 16px;overflow-x:auto;font-size:13px;line-height:1.45}code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}code{font-size:.92em}
footer{margin-top:34px;border-top:1px solid var(--line);padding-top:14px;color:var(--soft);font-size:13px}
@media print{main{max-width:none;padding:0}.figures{grid-template-columns:1fr 1fr}section{break-inside:auto}dl div,pre{background:none;border:1px solid var(--line)}}
)";

struct State {
  const char* style;
  std::string text;
};

State state_of(const ReportData& data) {
  const auto& points = data.points;
  if (points.missing() > 0) {
    const auto end =
        data.runs.empty() || data.runs.back().end == "complete" ? "incomplete" : data.runs.back().end;
    return {"open", end + ", " + base::format_count(points.missing()) + " points missing"};
  }
  if (points.failed > 0) return {"bad", "complete, " + base::format_count(points.failed) + " points failed"};
  return {"good", "complete"};
}

std::string tile(const char* name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>", name, escape(value));
}

std::string progress_bar(const PointCounts& points) {
  const auto share = [&](std::uint64_t count) {
    return points.total == 0 ? 0.0 : 100 * static_cast<double>(count) / static_cast<double>(points.total);
  };
  return fmt::format(
      R"(<div class="bar" role="img" aria-label="{:.1f} % done, {:.1f} % failed">)"
      R"(<i class="d" style="width:{:.2f}%"></i><i class="f" style="width:{:.2f}%"></i></div>)",
      share(points.done), share(points.failed), share(points.done), share(points.failed));
}

std::string header(const Job& job, const ReportData& data) {
  const auto state = state_of(data);
  double run_seconds = 0;
  for (const auto& run : data.runs) run_seconds += run.seconds;
  std::string html = fmt::format("<header><h1>{}</h1><p class=\"sub\"><span class=\"state {}\">{}</span>",
                                 escape(job.name), state.style, escape(state.text));
  html += " · " + escape(job.file.string());
  if (!data.runs.empty() && !data.runs.back().version.empty()) {
    html += " · program version " + escape(data.runs.back().version);
  }
  html += "</p>" + progress_bar(data.points) + "<dl>";
  html += tile("Points", base::format_count(data.points.total)) +
          tile("Done", base::format_count(data.points.done));
  html += tile("Failed", base::format_count(data.points.failed));
  html += tile("Missing", base::format_count(data.points.missing()));
  if (data.points.excluded > 0) html += tile("Left out", base::format_count(data.points.excluded));
  html += tile("Time in points", base::format_seconds(data.cost.seconds.sum()));
  if (!data.runs.empty()) {
    html += tile("Run time", base::format_seconds(run_seconds)) +
            tile("Runs", base::format_count(data.runs_total));
  }
  return html + "</dl></header>";
}

std::string job_section(const Job& job) {
  if (job.text.empty()) return "";
  auto text = job.text.substr(0, job_text_limit);
  if (text.size() < job.text.size()) text += "\n…";
  return "<section><h2>Job</h2><details><summary>The job file</summary><pre>" + escape(text) +
         "</pre></details></section>";
}

}  // namespace

std::string html_report(const Job& job, const ReportData& data) {
  std::string html = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">";
  html +=
      R"(<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark">)";
  html += "<title>" + escape(job.name) + ": report</title><style>" + page_style + detail::chart_style() +
          "</style></head>\n<body><main>";
  html += header(job, data);
  if (data.points.done + data.points.failed == 0)
    html += "<section><p>No point has been computed yet.</p></section>";
  html += detail::results_section(job, data, results_limit) + detail::failures_section(data);
  html +=
      detail::cost_section(data) + detail::use_section(data) + detail::runs_section(data) + job_section(job);
  html += fmt::format("<footer>Written by surd {} ({}).</footer></main></body></html>\n", base::version(),
                      base::git_revision());
  return html;
}

std::string field_svg(const Job& job, const ReportData& data, const std::string& field) {
  const auto named = [&](const auto& table) { return table.name == field; };
  const auto found = std::find_if(data.fields.begin(), data.fields.end(), named);
  if (found != data.fields.end()) return detail::stand_alone(detail::field_plot(job, data, *found));
  std::string known;
  for (const auto& table : data.fields) known += (known.empty() ? "" : ", ") + table.name;
  throw base::UsageError("no result field '" + field + "' to draw; " +
                         (known.empty() ? "nothing has been stored yet" : "there are " + known));
}

}  // namespace surd::batch
