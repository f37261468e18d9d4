#include "support/crash_states.hpp"

#include <unordered_set>

#include <fmt/format.h>

namespace surd::test {
namespace {

constexpr std::size_t barren_draws_per_operation = 20;

}  // namespace

std::string CrashPoint::text() const {
  return fmt::format(
      "{} after {} operations, the last: {}{}", power_lost ? "power lost" : "killed", operations, last,
      power_lost ? fmt::format(", draw {}", draw) : fmt::format(", {} bytes of the next append", torn_bytes));
}

std::size_t for_each_crash_state(const RecordingFileSystem& run, CrashPlan plan,
                                 const std::function<void(RecordingFileSystem&, const CrashPoint&)>& check) {
  const auto log = run.log();
  std::unordered_set<std::uint64_t> seen;
  const auto visit = [&](DiskContent content, CrashPoint at) {
    if (seen.size() >= plan.states ||
        !seen.insert(content.hash() ^ (at.operations * 2 + (at.power_lost ? 1 : 0))).second)
      return false;
    if (at.operations > 0) at.last = log[at.operations - 1].text();
    RecordingFileSystem disk(std::move(content));
    check(disk, at);
    return true;
  };
  for (std::size_t i = 0; i <= log.size(); ++i) {
    visit(run.killed_after(i), {i, false, 0, 0, {}});
    if (i == log.size() || log[i].kind != Operation::Kind::append) continue;
    const auto size = log[i].bytes.size();
    for (const auto torn : {std::size_t{1}, size / 2, size - std::min<std::size_t>(size, 1)}) {
      if (torn < size) visit(run.killed_after(i, torn), {i, false, torn, 0, {}});
    }
  }
  std::size_t barren = 0;
  for (std::uint64_t draw = 0; seen.size() < plan.states; ++draw) {
    if (barren > barren_draws_per_operation * (log.size() + 1)) break;
    const auto operations = static_cast<std::size_t>(draw % (log.size() + 1));
    base::RandomStream choice(plan.seed, draw);
    barren =
        visit(run.power_lost_after(operations, choice), {operations, true, 0, draw, {}}) ? 0 : barren + 1;
  }
  return seen.size();
}

}  // namespace surd::test
