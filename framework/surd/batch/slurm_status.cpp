#include "surd/batch/slurm_status.hpp"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <ctime>
#include <map>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/slurm.hpp"

namespace surd::batch {
namespace {

using base::Json;

/// Somebody waits for the answer.
constexpr double patience_seconds = 5;

Json member(const Json& json, const char* key) { return json.is_object() ? json.value(key, Json()) : Json(); }

/// The job, or the array, that came last: the one submitted, unless another has run since.
std::string job_of(const Json& submitted, const Json& last_run) {
  const auto asked = text_in(submitted, "job_id", "");
  const auto slurm = member(last_run, "slurm");
  const auto ran = text_in(slurm, "array_job_id", text_in(slurm, "job_id", "").c_str());
  if (ran.empty() || asked.empty()) return asked + ran;
  return text_in(last_run, "started", "") > text_in(submitted, "submitted", "") ? ran : asked;
}

/// What the last run knew of the job or of the array it belongs to; null if it was part of another.
Json facts_of(const std::string& job, const Json& last_run) {
  const auto slurm = member(last_run, "slurm");
  const bool same = text_in(slurm, "job_id", "") == job || text_in(slurm, "array_job_id", "") == job;
  return same ? slurm : Json();
}

/// "RUNNING", or "2 RUNNING, 1 PENDING" of an array.
std::string state_of(const std::vector<QueueEntry>& entries) {
  if (entries.empty()) return "not in the queue";
  if (entries.size() == 1) return entries.front().state;
  std::map<std::string, int> counts;
  for (const auto& entry : entries) ++counts[entry.state];
  std::string text;
  for (const auto& [state, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, state);
  return text;
}

void ask_queue(Json& status, const std::string& job) {
  const auto entries = slurm_queue(job, patience_seconds);
  if (!entries) return;
  status["state"] = state_of(*entries);
  if (entries->size() != 1) return;
  const auto& entry = entries->front();
  if (entry.state != "RUNNING" && entry.reason != "None") status["reason"] = entry.reason;
  if (!entry.nodes.empty()) status["nodes"] = entry.nodes;
  if (entry.state == "RUNNING" && entry.seconds_left > 0) status["seconds_left"] = entry.seconds_left;
}

}  // namespace

Json slurm_status(storage::FileSystem& files, const WorkDirectory& work, const Json& last_run, bool writing) {
  const auto job = job_of(read_json(files, work.submitted()), last_run);
  if (job.empty()) return nullptr;
  const auto facts = facts_of(job, last_run);
  Json status = {{"job_id", job},          {"state", nullptr},     {"reason", nullptr},
                 {"nodes", nullptr},       {"partition", nullptr}, {"restart_count", nullptr},
                 {"seconds_left", nullptr}};
  if (facts.is_object()) {
    for (const char* key : {"nodes", "partition"}) status[key] = member(facts, key);
    status["restart_count"] = std::atoi(text_in(facts, "restart_count", "0").c_str());
  }
  if (!writing || !facts.is_object() || facts.contains("array_job_id")) {
    ask_queue(status, job);
    return status;
  }
  status["state"] = "RUNNING";
  const double left = number_in(facts, "end_time", 0) - static_cast<double>(std::time(nullptr));
  if (left > 0) status["seconds_left"] = left;
  return status;
}

std::string slurm_status_text(const Json& slurm) {
  auto state = text_in(slurm, "state", "squeue does not answer here");
  std::transform(state.begin(), state.end(), state.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  auto text = fmt::format("{}: {}", text_in(slurm, "job_id", "?"), state);
  if (const auto reason = text_in(slurm, "reason", ""); !reason.empty()) text += fmt::format(" ({})", reason);
  if (const auto nodes = text_in(slurm, "nodes", ""); !nodes.empty())
    text += fmt::format("{} on {}", state == "running" ? "" : ", last", nodes);
  if (const double restarts = number_in(slurm, "restart_count", 0); restarts > 0)
    text += fmt::format(", restart {:.0f}", restarts);
  if (const double left = number_in(slurm, "seconds_left", 0); left > 0)
    text += fmt::format(", {} left", base::format_seconds(left));
  return text;
}

std::string lost_run_text(const Json& last_run, const Json& slurm) {
  const auto seen = text_in(last_run, "updated", "?");
  if (text_in(slurm, "state", "") != "RUNNING") return "killed, last seen " + seen;
  return fmt::format("silent since {}, though Slurm has not ended its job", seen);
}

}  // namespace surd::batch
