// surd plan of a sweep: what run would do.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/memory_plan.hpp"
#include "surd/batch/survey.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/sweep/lease.hpp"

namespace surd::batch::verbs {
namespace {

using base::format_bytes;
using base::format_count;
using base::format_seconds;
using base::Json;

struct Plan {
  Survey survey;
  MemoryPlan memory;
  std::size_t neighbours = 0;
  std::uint64_t neighbour_points = 0;
  int ranks = 1;
  std::uint64_t to_do = 0;
  std::string refusal;

  [[nodiscard]] double rank_seconds() const { return survey.point_seconds * static_cast<double>(to_do); }
  [[nodiscard]] std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(std::llround(survey.bytes_per_point() * static_cast<double>(to_do)));
  }
};

Plan make_plan(const Request& request, const Job& job) {
  const auto work = work_directory(job, request.line.work);
  Plan plan;
  plan.survey = survey(request.files, work, job);
  plan.ranks = launched_ranks();
  plan.memory = memory_plan(job, plan.survey.bytes_per_point(), {plan.ranks, launched_ranks_on_node()});
  plan.refusal = version_refusal(plan.survey, job);
  plan.to_do = plan.survey.missing() + (request.line.retry_failed ? plan.survey.failed : 0);
  sweep::Leases leases(request.files, work.leases, *job.definition, new_run_name(), job.lease_seconds);
  plan.neighbour_points = leases.others().size();
  plan.neighbours = leases.neighbours();
  return plan;
}

Json describe(const Plan& plan, const Job& job) {
  const auto& survey = plan.survey;
  Json json = {{"job", job.name}, {"run_would_start", plan.refusal.empty()}};
  json["points"] = {{"total", survey.total},   {"excluded", survey.excluded}, {"done", survey.done},
                    {"failed", survey.failed}, {"missing", survey.missing()}, {"to_do", plan.to_do}};
  json["chunks"] = {{"total", survey.chunks},
                    {"complete", survey.complete_chunks},
                    {"partial", survey.partial_chunks},
                    {"missing", survey.missing_chunks()}};
  json["version"] = {{"now", job.definition->subject.version}, {"others", Json::object()}};
  for (const auto& [version, points] : survey.memo.other_versions)
    json["version"]["others"][version] = points;
  json["time"] = {{"point_seconds", survey.point_seconds},
                  {"rank_seconds", plan.rank_seconds()},
                  {"ranks", plan.ranks},
                  {"seconds", plan.rank_seconds() / plan.ranks}};
  json["memory"] = {{"budget_bytes", plan.memory.budget_bytes},
                    {"chosen", plan.memory.chosen},
                    {"limit_bytes", plan.memory.limit.bytes},
                    {"limit_source", plan.memory.limit.source}};
  json["writes"] = {
      {"files_at_most", plan.ranks + 6}, {"memo_bytes", plan.bytes()}, {"output", job.output.string()}};
  json["memo"] = {{"segments", survey.memo.segments},
                  {"bytes", survey.memo.bytes},
                  {"points", survey.memo.points},
                  {"unrelated_points", survey.memo.unrelated_points},
                  {"damaged", survey.damage.size()}};
  json["neighbours"] = {{"jobs", plan.neighbours}, {"points", plan.neighbour_points}};
  return json;
}

void print_row(const char* name, const std::string& text) { fmt::print("  {:<11}{}\n", name, text); }

void print_versions(const Plan& plan, const Job& job) {
  if (plan.survey.other_points() == 0) return;
  const char* act = "run would refuse: choose --version-change new or keep";
  if (job.on_version_change == VersionChange::fresh) act = "on_version_change: new computes them again";
  if (job.on_version_change == VersionChange::keep) act = "on_version_change: keep counts them as done";
  if (job.on_version_change == VersionChange::error && plan.refusal.empty())
    act = "nothing is missing without them";
  for (const auto& [version, points] : plan.survey.memo.other_versions) {
    print_row("versions", fmt::format("{} points of version '{}' (now '{}'): {}", format_count(points),
                                      version, job.definition->subject.version, act));
  }
}

void print_time(const Plan& plan) {
  if (plan.to_do == 0) return print_row("time", "nothing to compute");
  if (plan.survey.point_seconds <= 0) return print_row("time", "unknown until some points are stored");
  print_row("time",
            fmt::format("{} on {} rank{} ({} per point)", format_seconds(plan.rank_seconds() / plan.ranks),
                        plan.ranks, plan.ranks == 1 ? "" : "s", format_seconds(plan.survey.point_seconds)));
}

void print(const Plan& plan, const Job& job) {
  const auto& survey = plan.survey;
  const auto& subject = job.definition->subject;
  fmt::print("{}: {} version '{}', seed {}\n", job.name,
             subject.kind == "function" ? "function " + subject.name : "a command", subject.version,
             subject.seed);
  print_row(
      "points",
      fmt::format(
          "{} in all: {} done, {} failed, {} missing{}", format_count(survey.total),
          format_count(survey.done), format_count(survey.failed), format_count(survey.missing()),
          survey.excluded == 0 ? "" : fmt::format(" ({} more are excluded)", format_count(survey.excluded))));
  print_row("chunks",
            fmt::format("{} in all: {} complete, {} partial, {} missing", format_count(survey.chunks),
                        format_count(survey.complete_chunks), format_count(survey.partial_chunks),
                        format_count(survey.missing_chunks())));
  print_versions(plan, job);
  print_row("to do", fmt::format("{} points", format_count(plan.to_do)));
  print_time(plan);
  print_row("memory", fmt::format("{} per rank ({}); limit {} ({})", format_bytes(plan.memory.budget_bytes),
                                  plan.memory.chosen ? "chosen" : "sqrt",
                                  format_bytes(plan.memory.limit.bytes), plan.memory.limit.source));
  print_row("writes",
            fmt::format("at most {} files{}; output {}", plan.ranks + 6,
                        plan.bytes() > 0 ? fmt::format(", {} of memo", format_bytes(plan.bytes())) : "",
                        job.output.string()));
  print_row("memo",
            fmt::format("{} segments, {}, {} outcomes, {} of other grids or subjects, {} damaged places",
                        format_count(survey.memo.segments), format_bytes(survey.memo.bytes),
                        format_count(survey.memo.points), format_count(survey.memo.unrelated_points),
                        survey.damage.size()));
  if (plan.neighbours > 0) {
    print_row("neighbours", fmt::format("{} other jobs work on {} of these points", plan.neighbours,
                                        format_count(plan.neighbour_points)));
  }
}

}  // namespace

base::ExitStatus plan_sweep(const Request& request, const Job& job) {
  const auto plan = make_plan(request, job);
  if (request.line.json) {
    fmt::print("{}", batch::to_text(describe(plan, job)));
  } else {
    print(plan, job);
  }
  return base::ExitStatus::done;
}

}  // namespace surd::batch::verbs
