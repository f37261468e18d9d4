#include <algorithm>
#include <array>
#include <cmath>
#include <set>

#include "surd/batch/report_data.hpp"

namespace surd::batch {
namespace {

using base::Json;

constexpr std::size_t sample_limit = 240;
constexpr std::size_t rank_limit = 8;

/// A report may come from a run that died, or from another version: what is not there is null.
const Json& member(const Json& from, const char* key) {
  static const Json nothing;
  if (!from.is_object()) return nothing;
  const auto found = from.find(key);
  return found == from.end() ? nothing : *found;
}

std::string text(const Json& from, const char* key) {
  const auto& it = member(from, key);
  return it.is_string() ? it.get<std::string>() : it.is_number_integer() ? it.dump() : std::string();
}

double number(const Json& from, const char* key) {
  const auto& it = member(from, key);
  return it.is_number() ? it.get<double>() : 0;
}

std::uint64_t count(const Json& from, const char* key) {
  const double it = number(from, key);
  return it >= 0 && it < 0x1p63 ? static_cast<std::uint64_t>(it) : 0;
}

std::int64_t signed_count(const Json& from, const char* key) {
  const auto& it = member(from, key);
  return it.is_number_integer() ? it.get<std::int64_t>() : 0;
}

/// At most `samples` numbers of a list, evenly chosen, the last among them.
std::vector<double> thinned(const Json& list, std::size_t samples) {
  std::vector<double> numbers;
  if (!list.is_array() || list.empty()) return numbers;
  const std::size_t kept = std::min(samples, list.size());
  for (std::size_t i = 0; i < kept; ++i) {
    const std::size_t at = (i + 1) * list.size() / kept - 1;
    numbers.push_back(list[at].is_number() ? list[at].get<double>() : std::nan(""));
  }
  return numbers;
}

void read_memory(const Json& memory, RunReport& run) {
  run.budget_bytes = count(memory, "budget_bytes");
  std::set<std::string> hosts;
  const auto& ranks = member(memory, "per_rank");
  if (!ranks.is_array()) return;
  for (const auto& rank : ranks) {
    hosts.insert(text(rank, "host"));
    const auto baseline = count(rank, "baseline_bytes");
    const auto peak = count(rank, "peak_bytes");
    run.peak_bytes = std::max(run.peak_bytes, peak > baseline ? peak - baseline : 0);
    const auto& phases = member(rank, "phases");
    if (!phases.is_array()) continue;
    for (const auto& phase : phases) {
      const auto name = text(phase, "name");
      auto known =
          std::find_if(run.phases.begin(), run.phases.end(), [&](const auto& p) { return p.name == name; });
      if (known == run.phases.end()) {
        if (run.phases.size() == 40) continue;  // phases are a dozen; more is no report of ours
        known = run.phases.insert(run.phases.end(), PhaseSummary{name, 0, 0, 0, 0, 0});
      }
      known->seconds = std::max(known->seconds, number(phase, "seconds"));
      known->cpu_seconds += number(phase, "cpu_seconds");
      known->peak_bytes = std::max(known->peak_bytes, count(phase, "peak_bytes"));
      known->read_bytes += count(phase, "read_bytes");
      known->written_bytes += count(phase, "written_bytes");
    }
  }
  run.hosts = static_cast<std::int64_t>(hosts.size());
}

/// Least, median and most of the ranks at each sample. `key` names the list of a rank.
std::array<std::vector<double>, 3> summarise(const Json& ranks, const char* key, std::size_t samples) {
  std::vector<std::vector<double>> at(samples);
  for (const auto& rank : ranks) {
    const auto numbers = thinned(member(rank, key), samples);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      if (std::isfinite(numbers[i])) at[i].push_back(numbers[i]);
    }
  }
  std::array<std::vector<double>, 3> lines;
  for (auto& numbers : at) {
    std::sort(numbers.begin(), numbers.end());
    const bool none = numbers.empty();
    lines[0].push_back(none ? std::nan("") : numbers.front());
    lines[1].push_back(none ? std::nan("") : numbers[numbers.size() / 2]);
    lines[2].push_back(none ? std::nan("") : numbers.back());
  }
  return lines;
}

void read_timeline(const Json& timeline, RunReport& run) {
  run.seconds_axis = thinned(member(timeline, "seconds"), sample_limit);
  const std::size_t samples = run.seconds_axis.size();
  run.done = thinned(member(timeline, "done"), samples);
  run.failed_over_time = thinned(member(timeline, "failed"), samples);
  const auto& ranks = member(timeline, "ranks");
  if (!ranks.is_array() || samples == 0) return;
  if (ranks.size() <= rank_limit) {
    for (const auto& rank : ranks) {
      run.lines.push_back({"rank " + text(rank, "rank"), thinned(member(rank, "busy"), samples),
                           thinned(member(rank, "resident_bytes"), samples)});
    }
    return;
  }
  auto busy = summarise(ranks, "busy", samples);
  auto resident = summarise(ranks, "resident_bytes", samples);
  const std::array<const char*, 3> names = {"least", "median", "most"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    run.lines.push_back({names[i], std::move(busy[i]), std::move(resident[i])});
  }
}

}  // namespace

RunReport read_run_report(const Json& document) {
  RunReport run;
  run.run = text(document, "run");
  run.version = text(member(document, "program"), "version");
  const auto revision = text(member(document, "program"), "revision");
  if (!revision.empty()) run.version += " (" + revision + ")";
  run.started = text(document, "started");
  run.end = text(document, "end");
  run.command_line = text(document, "command_line");
  const auto& slurm = member(document, "slurm");
  for (const char* key : {"job", "job_id", "id"}) {
    if (run.scheduler_job.empty()) run.scheduler_job = text(slurm, key);
  }
  run.seconds = number(document, "seconds");
  run.exit_status = signed_count(document, "exit_status");
  run.ranks = signed_count(document, "ranks");
  const auto& points = member(document, "points");
  run.stored_before = count(points, "stored_before");
  run.computed = count(points, "computed");
  run.failed = count(points, "failed");
  run.remaining = count(points, "remaining");
  read_memory(member(document, "memory"), run);
  read_timeline(member(document, "timeline"), run);
  return run;
}

}  // namespace surd::batch
