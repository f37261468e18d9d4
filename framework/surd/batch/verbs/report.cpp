// surd report: a page with plots of the results and of the runs, or the plot of one result.
#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/html_report.hpp"
#include "surd/batch/survey.hpp"
#include "surd/batch/verbs/verbs.hpp"

namespace surd::batch::verbs {

base::ExitStatus report(const Request& request) {
  const auto job = load_job(request);
  const auto work = work_directory(job, request.line.work);
  require_memo(request, work);
  const bool keep = job.on_version_change == VersionChange::keep;
  const sweep::Memo memo(request.files, work.memo, *job.definition, {keep, {}});
  ReportCollector collector(*job.definition);
  memo.read([&](const sweep::Block& block) { collector.add(block); });
  for (const auto& name : request.files.list(work.root)) {
    if (!name.starts_with("report-") || !name.ends_with(".json")) continue;
    const auto run = read_json(request.files, work.root / name);
    if (run.is_object()) collector.add_run(run);
  }
  const auto counts = survey(request.files, work, job);
  const auto data = std::move(collector).finish({counts.total, counts.excluded, counts.done, counts.failed});
  const auto& output = request.line.output;
  const bool picture = output.extension() == ".svg";
  if (picture && request.line.field.empty())
    throw base::UsageError("an .svg shows one result: name it by --field");
  const auto page = picture ? field_svg(job, data, request.line.field) : html_report(job, data);
  if (output.has_parent_path()) request.files.make_directories(output.parent_path());
  storage::write_atomically(request.files, output, page);
  base::log_info(fmt::format("wrote {} ({})", output.string(), base::format_bytes(page.size())));
  return base::ExitStatus::done;
}

}  // namespace surd::batch::verbs
