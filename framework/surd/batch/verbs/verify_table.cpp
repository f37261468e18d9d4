// surd verify of a data job: rereads its logs and looks for what they refer to.
#include <cstdio>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/ranks/epochs.hpp"

namespace surd::batch::verbs {
namespace {

using base::Json;

Json describe(const ranks::EpochsReport& report) {
  Json json = {{"sound", report.sound()},   {"finished", report.finished}, {"logs", report.logs},
               {"records", report.records}, {"units", Json::array()},      {"spills", Json::array()},
               {"damage", Json::array()}};
  for (const auto& units : report.units) {
    json["units"].push_back({{"stage", units.stage}, {"first", units.first}, {"last", units.last}});
  }
  for (const auto& spill : report.spills) {
    json["spills"].push_back(
        {{"path", spill.path.string()}, {"bytes", spill.bytes}, {"committed_bytes", spill.committed_bytes}});
  }
  for (const auto& damage : report.damage) {
    json["damage"].push_back({{"path", damage.path.string()},
                              {"offset", damage.offset},
                              {"bytes", damage.bytes},
                              {"torn_tail", damage.tail},
                              {"reason", damage.reason}});
  }
  return json;
}

void print(const ranks::EpochsReport& report, const TableJob& job) {
  for (const auto& damage : report.damage) {
    fmt::print("{}: {} bytes at {}: {}{}\n", damage.path.string(), damage.bytes, damage.offset, damage.reason,
               damage.tail ? " (the torn end of a killed run: harmless)" : ": its units are done again");
  }
  for (const auto& spill : report.spills) {
    if (spill.sound()) continue;
    fmt::print("{}: {} on disk, {} committed: its units are done again\n", spill.path.string(),
               base::format_bytes(spill.bytes), base::format_bytes(spill.committed_bytes));
  }
  fmt::print("{}: {} logs, {} records, {} spill files, {}: {}\n", job.name, report.logs, report.records,
             report.spills.size(), report.finished ? "finished" : "not finished",
             report.sound() ? "all right" : "DAMAGED");
}

}  // namespace

base::ExitStatus verify_table(const Request& request, const TableJob& job) {
  const auto work = work_directory(job, request.line.work);
  const auto report = ranks::verify_epochs(request.files, work.root);
  if (request.line.json) {
    std::fputs(batch::to_text(describe(report)).c_str(), stdout);
  } else {
    print(report, job);
  }
  return report.sound() ? base::ExitStatus::done : base::ExitStatus::fatal;
}

}  // namespace surd::batch::verbs
