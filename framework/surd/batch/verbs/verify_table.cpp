// surd verify of a data job: rereads its logs and looks for what they refer to.
#include <cstdio>

#include <fmt/format.h>

#include "surd/batch/verbs/verbs.hpp"
#include "surd/ranks/epochs.hpp"

namespace surd::batch::verbs {
namespace {

using base::Json;

Json describe(const std::vector<ranks::FileReport>& files) {
  Json json = Json::array();
  for (const auto& file : files) {
    json.push_back({{"path", file.path.string()},
                    {"bytes", file.bytes},
                    {"committed_bytes", file.committed_bytes},
                    {"damage", file.damage}});
  }
  return json;
}

Json describe(const ranks::EpochsReport& report, std::uint64_t repaired) {
  Json json = {{"sound", report.sound()},   {"finished", report.finished},
               {"logs", report.logs},       {"records", report.records},
               {"units", Json::array()},    {"spills", describe(report.spills)},
               {"released", Json::array()}, {"outputs", describe(report.outputs)},
               {"damage", Json::array()},   {"dropped_commits", repaired}};
  for (const auto& units : report.units) {
    json["units"].push_back({{"stage", units.stage}, {"first", units.first}, {"last", units.last}});
  }
  for (const auto& path : report.released) json["released"].push_back(path.string());
  for (const auto& damage : report.damage) {
    json["damage"].push_back({{"path", damage.path.string()},
                              {"offset", damage.offset},
                              {"bytes", damage.bytes},
                              {"torn_tail", damage.tail},
                              {"reason", damage.reason}});
  }
  return json;
}

void print(const std::vector<ranks::FileReport>& files) {
  for (const auto& file : files) {
    if (file.damage.empty()) continue;
    fmt::print("{} {} ({} of its bytes are committed)\n", file.path.string(), file.damage,
               file.committed_bytes);
  }
}

void print(const ranks::EpochsReport& report, const TableJob& job, bool repair, std::uint64_t repaired) {
  for (const auto& damage : report.damage) {
    fmt::print("{}: {} bytes at {}: {}{}\n", damage.path.string(), damage.bytes, damage.offset, damage.reason,
               damage.tail ? " (the torn end of a killed run: harmless)" : ": its units are done again");
  }
  print(report.spills);
  print(report.outputs);
  if (!report.released.empty()) {
    fmt::print("{} spill files, such as {}, are needed no more: the next run removes them\n",
               report.released.size(), report.released.front().string());
  }
  fmt::print("{}: {} logs, {} records, {} spill files, {}: {}\n", job.name, report.logs, report.records,
             report.spills.size(), report.finished ? "finished" : "not finished",
             report.sound() ? "all right" : "DAMAGED");
  if (report.sound()) return;
  if (repair) {
    fmt::print("dropped {} commits: `run` makes anew what is missing now\n", repaired);
  } else {
    fmt::print("`verify --repair` drops the damage; `run` then makes anew what is missing\n");
  }
}

}  // namespace

base::ExitStatus verify_table(const Request& request, const TableJob& job) {
  const auto work = work_directory(job, request.line.work);
  const auto report = ranks::verify_epochs(request.files, work.root);
  const bool repair = request.line.repair && !report.sound();
  const auto repaired = repair ? ranks::repair_epochs(request.files, work.root) : 0;
  if (request.line.json) {
    std::fputs(batch::to_text(describe(report, repaired)).c_str(), stdout);
  } else {
    print(report, job, repair, repaired);
  }
  return report.sound() || repair ? base::ExitStatus::done : base::ExitStatus::fatal;
}

}  // namespace surd::batch::verbs
