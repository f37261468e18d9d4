// surd plan of a data job: its stages, and what they need.
#include <cstdio>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/data_cut.hpp"
#include "surd/batch/verbs/verbs.hpp"

namespace surd::batch::verbs {
namespace {

using base::format_bytes;
using base::Json;

struct TablePlan {
  MemoryPlan memory;
  stream::PipelinePlan stages;
  std::uint64_t free_bytes = 0;  ///< Where the work directory lies.
};

TablePlan make_plan(const Request& request, const TableJob& job) {
  auto& files = request.files;
  TablePlan plan;
  plan.memory = memory_plan(job.memory_bytes, input_bytes(files, job), launched_ranks());
  stream::CompileOptions options;
  options.memory_bytes = plan.memory.budget_bytes;
  plan.stages =
      job.records ? stream::plan(*job.records, options, files) : stream::plan(job.query, options, files);
  plan.free_bytes = files.free_bytes(".");
  return plan;
}

void print_row(const char* name, const std::string& text) { fmt::print("  {:<9}{}\n", name, text); }

void print(const TablePlan& plan, const TableJob& job) {
  fmt::print("{}: {} of input, output {}\n", job.name, format_bytes(plan.stages.input_bytes),
             job.output.path.string());
  for (std::size_t i = 0; i < plan.stages.stages.size(); ++i) {
    print_row(i == 0 ? "stages" : "", fmt::format("{}. {}", i + 1, plan.stages.stages[i]));
  }
  std::string columns;
  for (const auto& field : plan.stages.schema) {
    columns += fmt::format("{}{} ({})", columns.empty() ? "" : ", ", field.name, table::name(field.type));
  }
  if (!columns.empty()) print_row("columns", columns);
  const auto& memory = plan.memory;
  print_row("memory",
            fmt::format("{} per rank ({}), at least {}; limit {} ({})", format_bytes(memory.budget_bytes),
                        memory.chosen ? "chosen" : "sqrt", format_bytes(plan.stages.least_memory),
                        format_bytes(memory.limit.bytes), memory.limit.source));
  print_row("scratch", fmt::format("at most {} in the work directory, {} are free there",
                                   format_bytes(plan.stages.scratch_bytes), format_bytes(plan.free_bytes)));
}

Json describe(const TablePlan& plan, const TableJob& job) {
  Json columns = Json::array();
  for (const auto& field : plan.stages.schema) {
    columns.push_back({{"name", field.name}, {"type", table::name(field.type)}});
  }
  return {{"job", job.name},
          {"input_bytes", plan.stages.input_bytes},
          {"output", job.output.path.string()},
          {"stages", plan.stages.stages},
          {"columns", std::move(columns)},
          {"memory",
           {{"budget_bytes", plan.memory.budget_bytes},
            {"chosen", plan.memory.chosen},
            {"least_bytes", plan.stages.least_memory},
            {"limit_bytes", plan.memory.limit.bytes},
            {"limit_source", plan.memory.limit.source}}},
          {"scratch", {{"bytes_at_most", plan.stages.scratch_bytes}, {"free_bytes", plan.free_bytes}}}};
}

}  // namespace

base::ExitStatus plan_table(const Request& request, const TableJob& job) {
  const auto plan = make_plan(request, job);
  if (request.line.json) {
    std::fputs(batch::to_text(describe(plan, job)).c_str(), stdout);
  } else {
    print(plan, job);
  }
  return base::ExitStatus::done;
}

}  // namespace surd::batch::verbs
