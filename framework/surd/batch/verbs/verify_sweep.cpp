// surd verify of a sweep: rereads everything stored.
#include <cstdio>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/verbs/verbs.hpp"
#include "surd/sweep/memo.hpp"

namespace surd::batch::verbs {
namespace {

using base::Json;

Json describe(const std::vector<sweep::SegmentReport>& segments, std::uint64_t repaired) {
  Json all = {{"segments", Json::array()}, {"repaired_segments", repaired}};
  for (const auto& segment : segments) {
    Json one = {{"path", segment.path.string()},
                {"records", segment.records},
                {"points", segment.points},
                {"bytes", segment.bytes},
                {"damage", Json::array()}};
    for (const auto& damage : segment.damage) {
      one["damage"].push_back({{"offset", damage.offset},
                               {"bytes", damage.bytes},
                               {"torn_tail", damage.tail},
                               {"reason", damage.reason}});
    }
    all["segments"].push_back(std::move(one));
  }
  return all;
}

void print(const std::vector<sweep::SegmentReport>& segments, std::size_t damaged, std::uint64_t repaired) {
  std::uint64_t records = 0;
  std::uint64_t points = 0;
  std::uint64_t bytes = 0;
  for (const auto& segment : segments) {
    records += segment.records;
    points += segment.points;
    bytes += segment.bytes;
    for (const auto& damage : segment.damage) {
      fmt::print("{}: {} bytes at {}: {}{}\n", segment.path.string(), damage.bytes, damage.offset,
                 damage.reason, damage.tail ? " (the torn end of a killed run: harmless)" : "");
    }
  }
  fmt::print("{} segments, {} records, {} outcomes, {}: {}\n", segments.size(), base::format_count(records),
             base::format_count(points), base::format_bytes(bytes),
             damaged == 0 ? "all right" : fmt::format("{} damaged places", damaged));
  if (repaired > 0) fmt::print("repaired {} segments: `run` computes again what is missing now\n", repaired);
  if (damaged > 0 && repaired == 0)
    fmt::print("`verify --repair` drops the damage; `run` goes on with or without it\n");
}

}  // namespace

base::ExitStatus verify_sweep(const Request& request, const Job& job) {
  const auto work = work_directory(job, request.line.work);
  require_memo(request, work);
  const auto segments = sweep::verify_memo(request.files, work.memo);
  std::size_t damaged = 0;
  for (const auto& segment : segments) {
    for (const auto& damage : segment.damage) damaged += damage.tail ? 0 : 1;
  }
  const auto repaired = request.line.repair ? sweep::repair_memo(request.files, work.memo) : 0;
  if (request.line.json) {
    fmt::print("{}", batch::to_text(describe(segments, repaired)));
  } else {
    print(segments, damaged, repaired);
  }
  return damaged == 0 || request.line.repair ? base::ExitStatus::done : base::ExitStatus::fatal;
}

}  // namespace surd::batch::verbs
