#include "surd/batch/progress.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/units.hpp"

namespace surd::batch {
namespace {

constexpr double state_interval_seconds = 2;

std::string rate_text(double rate) {
  if (rate >= 1 || rate == 0)
    return fmt::format("{}/s", rate < 100 ? fmt::format("{:.1f}", rate)
                                          : base::format_count(static_cast<std::uint64_t>(rate)));
  return fmt::format("{:.1f}/h", rate * 3600);
}

}  // namespace

std::string progress_text(const ranks::SweepState& state) {
  const auto over = state.done + state.failed;
  const auto percent =
      state.total == 0 ? 100.0 : 100.0 * static_cast<double>(over) / static_cast<double>(state.total);
  auto text = fmt::format("{}/{} {:.1f} %  {}", base::format_count(over), base::format_count(state.total),
                          percent, rate_text(state.rate));
  if (state.eta_seconds >= 0 && over < state.total)
    text += fmt::format("  {} left", base::format_seconds(state.eta_seconds));
  if (state.failed > 0) text += fmt::format("  {} failed", base::format_count(state.failed));
  std::uint64_t peak = 0;
  for (const auto& rank : state.ranks) peak = std::max(peak, rank.resident_bytes);
  if (peak > 0) text += fmt::format("  {}", base::format_bytes(peak));
  if (state.neighbours > 0)
    text += fmt::format("  {} other job{}", state.neighbours, state.neighbours == 1 ? "" : "s");
  if (state.stopping) text += "  stopping";
  return text;
}

Progress::Progress(storage::FileSystem& files, storage::Path state_file, base::Json head, bool quiet)
    : files_(files), state_file_(std::move(state_file)), head_(std::move(head)), quiet_(quiet) {}

void Progress::observe(const ranks::SweepState& state) {
  timeline_.add(state);
  if (!quiet_) show(state);
  if (written_at_ < 0 || state.seconds - written_at_ >= state_interval_seconds) {
    written_at_ = state.seconds;
    write_state(state, nullptr, nullptr);
  }
}

void Progress::show(const ranks::SweepState& state) {
  if (!line_.due(state.seconds)) return;
  auto text = progress_text(state);
  if (!line_.terminal()) {
    if (state.last_failure != shown_failure_) text += "  last failure: " + state.last_failure;
    shown_failure_ = state.last_failure;
  }
  line_.show(state.seconds, text);
}

void Progress::finish(const ranks::SweepState& state, const std::string& end, int exit_status) {
  line_.erase();
  write_state(state, end, exit_status);
}

void Progress::write_state(const ranks::SweepState& state, base::Json end, base::Json exit_status) {
  auto json = head_;
  json["updated"] = utc_now();
  json["seconds"] = state.seconds;
  json["points"] = {{"total", state.total},       {"stored_before", state.stored_before},
                    {"done", state.done},         {"failed", state.failed},
                    {"computed", state.computed}, {"running", state.running}};
  json["rate"] = state.rate;
  json["eta_seconds"] = state.eta_seconds < 0 ? base::Json(nullptr) : base::Json(state.eta_seconds);
  json["neighbours"] = state.neighbours;
  json["ranks"] = state.ranks.size();
  json["stopping"] = state.stopping;
  json["last_failure"] = state.last_failure;
  json["end"] = std::move(end);
  json["exit_status"] = std::move(exit_status);
  storage::write_atomically(files_, state_file_, to_text(json), false);
}

}  // namespace surd::batch
