// Parts of the report page: tables, figures and the sections made of them.
#pragma once

#include <string>
#include <vector>

#include "surd/batch/job.hpp"
#include "surd/batch/report_data.hpp"

namespace surd::batch::detail {

/// A table of texts, all escaped here. `first_numeric`: columns from this one on are set as numbers.
class HtmlTable {
 public:
  HtmlTable(const std::string& caption, const std::vector<std::string>& columns,
            std::size_t first_numeric = 1);
  void add(const std::vector<std::string>& cells);
  [[nodiscard]] std::string html() const { return html_ + "</tbody></table></div>"; }

 private:
  std::string html_;
  std::size_t first_numeric_;
};

/// <figure> with a chart, what to know about it, and the numbers it shows, folded away.
[[nodiscard]] std::string figure(const std::string& svg, const std::string& caption,
                                 const HtmlTable* numbers = nullptr);

/// The plot of one field. @see field_svg
[[nodiscard]] std::string field_plot(const Job& job, const ReportData& data, const FieldTable& field);

/// Sections of the page; empty if there is nothing to show. `limit_bytes`: plots beyond are left out, by
/// name.
[[nodiscard]] std::string results_section(const Job& job, const ReportData& data, std::size_t limit_bytes);
[[nodiscard]] std::string failures_section(const ReportData& data);
[[nodiscard]] std::string cost_section(const ReportData& data);
[[nodiscard]] std::string use_section(const ReportData& data);
[[nodiscard]] std::string runs_section(const ReportData& data);

}  // namespace surd::batch::detail
