#include "surd/ranks/detail/unit_source.hpp"

#include <algorithm>
#include <chrono>

namespace surd::ranks::detail {
namespace {

constexpr double state_seconds = 0.1;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::vector<sweep::Run> missing_units(const std::vector<stream::Artifact>& artifacts, std::uint64_t units) {
  std::vector<sweep::Run> missing;
  std::uint64_t next = 0;
  for (const auto& artifact : artifacts) {
    if (artifact.first > next) missing.push_back({next, artifact.first - next});
    next = artifact.last;
  }
  if (next < units) missing.push_back({next, units - next});
  return missing;
}

UnitSource::UnitSource(const stream::Stage& stage, const std::vector<sweep::Run>& missing, Limits limits,
                       DataJobState& state, const std::function<void(const DataJobState&)>& observe)
    : stage_(stage),
      missing_(missing.begin(), missing.end()),
      limits_(limits),
      state_(state),
      observe_(observe),
      start_(steady_seconds() - state.seconds) {
  state_.stage_name = stage.name();
  state_.units = state_.units_done = stage.units();
  state_.total_bytes = 0;
  for (std::uint64_t unit = 0; unit < state_.units; ++unit) state_.total_bytes += stage.unit_bytes(unit);
  for (const auto& run : missing) {
    state_.units_done -= run.count;
    for (auto unit = run.first; unit < run.end(); ++unit) bytes_left_ += stage.unit_bytes(unit);
  }
  state_.units_resumed += state_.units_done;
  state_.bytes = state_.total_bytes - bytes_left_;
  const auto ranks = static_cast<std::uint64_t>(limits.ranks);
  limits_.least_bytes = std::min({limits.least_bytes, limits.most_bytes, bytes_left_ / (4 * ranks)});
}

WorkSource::Answer UnitSource::next(int /*rank*/, sweep::Batch& batch) {
  if (stopping_ || missing_.empty()) return Answer::finished;
  // A rank alone gets all at once: every stretch of a merge costs a search for its cuts, and blocks read
  // twice.
  const auto share = bytes_left_ / (2 * static_cast<std::uint64_t>(limits_.ranks));
  const auto wanted =
      limits_.ranks == 1 ? bytes_left_ : std::clamp(share, limits_.least_bytes, limits_.most_bytes);
  auto& open = missing_.front();
  sweep::Run taken{open.first, 0};
  std::uint64_t bytes = 0;
  do {
    const auto next = stage_.unit_bytes(open.first + taken.count);
    if (taken.count > 0 && bytes + next > wanted) break;
    bytes += next;
    ++taken.count;
  } while (taken.count < open.count);
  bytes_left_ -= std::min(bytes_left_, bytes);
  open = {taken.end(), open.count - taken.count};
  if (open.count == 0) missing_.pop_front();
  batch.run_count = 1;
  batch.runs[0] = taken;
  return Answer::work;
}

void UnitSource::finished(int /*rank*/, const sweep::Batch& batch, const Report& report) {
  if (report.given_up > 0) stopping_ = true;
  const auto& run = batch.runs[0];
  for (auto unit = run.first; unit < run.first + report.points; ++unit)
    state_.bytes += stage_.unit_bytes(unit);
  state_.units_done += report.points;
  state_.rows += report.rows;
}

bool UnitSource::upkeep() {
  const double elapsed = now();
  if (elapsed - last_state_ < state_seconds) return stopping_;
  last_state_ = state_.seconds = elapsed;
  if (observe_) observe_(state_);
  return stopping_;
}

double UnitSource::now() const { return steady_seconds() - start_; }

}  // namespace surd::ranks::detail
