// surd plan of a data job: its stages, and what they need.
#include <cstdio>

#include <fmt/format.h>

#include "surd/base/log.hpp"
#include "surd/base/units.hpp"
#include "surd/batch/data_plan.hpp"
#include "surd/batch/verbs/verbs.hpp"

namespace surd::batch::verbs {
namespace {

using base::format_bytes;
using base::Json;

void print_row(const char* name, const std::string& text) { fmt::print("  {:<9}{}\n", name, text); }

DataTime time_of(const DataPlan& plan) {
  const int nodes = (launched_ranks() + launched_ranks_on_node() - 1) / launched_ranks_on_node();
  return data_time(plan.stages, launched_ranks(), nodes);
}

void print(const DataPlan& plan, const TableJob& job) {
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
  const auto time = time_of(plan);
  print_row("time", fmt::format("{}: {}", base::format_seconds(time.seconds), time.basis()));
}

Json describe(const DataPlan& plan, const TableJob& job) {
  Json columns = Json::array();
  for (const auto& field : plan.stages.schema) {
    columns.push_back({{"name", field.name}, {"type", table::name(field.type)}});
  }
  const auto time = time_of(plan);
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
          {"time",
           {{"seconds", time.seconds},
            {"bytes_to_move", time.bytes},
            {"assumed_bytes_per_second", time.bytes_per_second}}},
          {"scratch", {{"bytes_at_most", plan.stages.scratch_bytes}, {"free_bytes", plan.free_bytes}}}};
}

}  // namespace

base::ExitStatus plan_table(const Request& request, const TableJob& job) try {
  require_apart(request.files, job);
  const MemoryPlan memory = memory_plan(job.memory_bytes, input_bytes(request.files, job),
                                        {launched_ranks(), launched_ranks_on_node()});
  const auto plan = plan_data(request.files, job, memory, work_directory(job, request.line.work).root);
  if (request.line.json) {
    std::fputs(batch::to_text(describe(plan, job)).c_str(), stdout);
  } else {
    print(plan, job);
  }
  if (!plan.warning().empty()) base::log_warning(plan.warning());
  if (plan.refusal().empty()) return base::ExitStatus::done;
  base::log_error(plan.refusal());
  return base::ExitStatus::usage;
} catch (const base::UsageError& e) {
  base::log_error(explain(job, e));
  return base::ExitStatus::usage;
}

}  // namespace surd::batch::verbs
