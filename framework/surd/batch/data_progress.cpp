#include "surd/batch/data_progress.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include "surd/base/units.hpp"
#include "surd/batch/work_directory.hpp"

namespace surd::batch {
namespace {

constexpr double state_interval_seconds = 2;

double share(const ranks::DataJobState& state) {
  if (state.total_bytes == 0) return state.units == 0 ? 1 : 0;
  return std::min(1.0, static_cast<double>(state.bytes) / static_cast<double>(state.total_bytes));
}

}  // namespace

std::string progress_text(const ranks::DataJobState& state, double stage_seconds) {
  const auto done = share(state);
  const auto rate = stage_seconds > 0 ? static_cast<double>(state.bytes) / stage_seconds : 0;
  auto text = fmt::format("{}/{} {}  {:.1f} %  {}/s", std::min(state.stage + 1, state.stages), state.stages,
                          state.stage_name, 100 * done, base::format_bytes(static_cast<std::uint64_t>(rate)));
  if (done > 0 && done < 1) {
    text += fmt::format("  {} left", base::format_seconds(stage_seconds * (1 - done) / done));
  }
  return text;
}

DataProgress::DataProgress(storage::FileSystem& files, storage::Path state_file, base::Json head, bool quiet)
    : files_(files), state_file_(std::move(state_file)), head_(std::move(head)), quiet_(quiet) {}

void DataProgress::observe(const ranks::DataJobState& state) {
  if (state.stage != stage_) {
    stage_ = state.stage;
    stage_began_ = state.seconds;
  }
  if (!quiet_ && line_.due(state.seconds)) {
    line_.show(state.seconds, progress_text(state, state.seconds - stage_began_));
  }
  if (written_at_ < 0 || state.seconds - written_at_ >= state_interval_seconds) {
    written_at_ = state.seconds;
    write_state(state, nullptr, nullptr);
  }
}

void DataProgress::finish(const ranks::DataJobState& state, const std::string& end, int exit_status) {
  line_.erase();
  write_state(state, end, exit_status);
}

void DataProgress::write_state(const ranks::DataJobState& state, base::Json end, base::Json exit_status) {
  auto json = head_;
  json["updated"] = utc_now();
  json["seconds"] = state.seconds;
  json["stage"] = {{"number", state.stage + 1},       {"of", state.stages},
                   {"name", state.stage_name},        {"units", state.units},
                   {"units_done", state.units_done},  {"bytes", state.bytes},
                   {"total_bytes", state.total_bytes}};
  json["units_resumed"] = state.units_resumed;
  json["rows"] = state.rows;
  json["end"] = std::move(end);
  json["exit_status"] = std::move(exit_status);
  storage::write_atomically(files_, state_file_, to_text(json), false);
}

}  // namespace surd::batch
