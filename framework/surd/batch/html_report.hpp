// The page that `surd report JOB.yaml -o OUT.html` writes: one file with everything in it (inline SVG and
// CSS, no script, no network), readable in dark and light, on paper and by screen readers, at most about 2
// MB.
//
// The same data give the same bytes.
#pragma once

#include <string>

#include "surd/batch/job.hpp"
#include "surd/batch/report_data.hpp"

namespace surd::batch {

/// The whole page.
[[nodiscard]] std::string html_report(const Job& job, const ReportData& data);

/// The plot of one result field as a stand-alone SVG file.
/// @throws UsageError  naming the fields there are, if `field` is not one of data.fields.
[[nodiscard]] std::string field_svg(const Job& job, const ReportData& data, const std::string& field);

}  // namespace surd::batch
