// The plan of a sort, and the whole of it on one rank.
#include "surd/external/sort.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/detail/merge_passes.hpp"
#include "surd/external/detail/run_feed.hpp"
#include "surd/external/detail/run_former.hpp"

namespace surd::external {
namespace {

/// Records of variable size are taken to be no longer than this before they are seen.
constexpr std::uint64_t presumed_longest = 4 << 10;

std::uint64_t presumed_longest_of(const RecordFormat& format) noexcept {
  return format.fixed() ? format.record_bytes : presumed_longest;
}

std::uint64_t least_sort_bytes(const detail::Order& order, std::uint64_t longest_bytes) noexcept {
  const auto merging = detail::least_merge_bytes(order, 2, longest_bytes);
  return std::max(detail::least_buffer_bytes(order.format(), longest_bytes), merging + merging / 15 + 2048);
}

}  // namespace

SortPlan plan_sort(std::uint64_t bytes, const RecordFormat& format, std::uint64_t memory_bytes) {
  const detail::Order order(format);
  const auto longest = presumed_longest_of(format);
  SortPlan plan;
  plan.least_memory = least_sort_bytes(order, longest);
  if (memory_bytes < plan.least_memory) {
    throw base::UsageError(fmt::format("sorting these records needs at least {} of memory, but has {}",
                                       base::format_bytes(plan.least_memory),
                                       base::format_bytes(memory_bytes)));
  }
  const auto held = detail::buffer_capacity(order, memory_bytes);
  plan.run_bytes = detail::run_capacity(order, memory_bytes);
  plan.fan_in = fan_in(format, without_index(memory_bytes));
  plan.moved_bytes = 2 * bytes;
  if (bytes <= held) return plan;
  plan.runs = 1 + (bytes - held + plan.run_bytes - 1) / plan.run_bytes;
  plan.scratch_bytes = bytes;
  plan.merge_passes = 1;
  auto runs = plan.runs;
  auto run_bytes = plan.run_bytes;
  while (runs > plan.fan_in) {
    std::uint64_t merged = 0;
    const auto groups = detail::pass_groups(runs, plan.fan_in);
    for (const auto group : groups) merged += group;
    plan.scratch_bytes += std::min(bytes, merged * run_bytes);
    runs -= merged - groups.size();
    run_bytes *= groups[0];
    ++plan.merge_passes;
  }
  plan.moved_bytes += 2 * plan.scratch_bytes;
  plan.block_bytes = detail::merge_shape(order, runs, longest, memory_bytes).block_bytes;
  return plan;
}

std::uint64_t least_run_memory(const RecordFormat& format, std::uint64_t record_bytes) noexcept {
  return detail::least_buffer_bytes(format, record_bytes);
}

struct Sorter::State {
  RecordFormat format;
  memory::Budget& budget;
  std::uint64_t memory_bytes;
  storage::AsyncIo io;
  SpillFile spill;
  std::optional<detail::RunFormer> former;
  std::unique_ptr<RecordStream> merged;
};

namespace {

/// Merges groups of `runs` until one merge is left.
std::vector<Run> reduce(std::vector<Run> runs, const RecordFormat& format, const RunFiles& files,
                        memory::Budget& budget, std::uint64_t memory_bytes, SpillFile& spill,
                        storage::AsyncIo& io) {
  const auto longest = longest_of(runs);
  const auto most = fan_in(format, without_index(memory_bytes), longest);
  if (most < 2 && runs.size() > 1) {
    throw base::UsageError(fmt::format("sorting records of up to {} needs at least {} of memory, but has {}",
                                       base::format_bytes(longest),
                                       base::format_bytes(least_sort_bytes(detail::Order(format), longest)),
                                       base::format_bytes(memory_bytes)));
  }
  while (runs.size() > most) {
    std::vector<Run> fewer;
    auto next = runs.begin();
    for (const auto group : detail::pass_groups(runs.size(), most)) {
      const std::vector<Run> together(next, next + static_cast<std::ptrdiff_t>(group));
      next += static_cast<std::ptrdiff_t>(group);
      fewer.push_back(merge_to_run(format, files, together, budget, memory_bytes, spill, 0, io));
    }
    spill.flush(io);
    fewer.insert(fewer.end(), next, runs.end());
    runs = std::move(fewer);
  }
  return runs;
}

}  // namespace

Sorter::Sorter(RecordFormat format, memory::Budget& budget, std::uint64_t memory_bytes,
               storage::FileSystem& files, const storage::Path& scratch)
    : state_(new State{
          std::move(format), budget, memory_bytes, {}, SpillFile::scratch(files, scratch), {}, {}}) {
  auto& state = *state_;
  state.former.emplace(state.format, budget, memory_bytes, state.spill, 0, state.io);
}

Sorter::Sorter(Sorter&&) noexcept = default;
Sorter::~Sorter() = default;

void Sorter::push(std::span<const std::byte> records) { state_->former->push(records); }

void Sorter::push(std::span<const std::byte> key, std::span<const std::byte> rest) {
  state_->former->push(key, rest);
}

std::uint64_t Sorter::runs() const noexcept { return state_->former->runs().size(); }

namespace {

/// Records that never left memory, or what a merge makes, with all that it is made from.
template <class State>
class SortedStream final : public RecordStream {
 public:
  explicit SortedStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
  std::span<const std::byte> next() override {
    return state_->merged ? state_->merged->next() : state_->former->buffer().drain();
  }

 private:
  std::unique_ptr<State> state_;
};

}  // namespace

std::unique_ptr<RecordStream> Sorter::merge() && {
  auto state = std::move(state_);
  if (state->former->runs().empty()) {
    state->former->buffer().sort();
    return std::make_unique<SortedStream<State>>(std::move(state));
  }
  auto runs = state->former->finish();
  state->former.reset();
  state->spill.flush(state->io);
  const RunFiles files{&state->spill.reader()};
  runs = reduce(std::move(runs), state->format, files, state->budget, state->memory_bytes, state->spill,
                state->io);
  std::vector<RunRange> ranges;
  ranges.reserve(runs.size());
  for (const auto& run : runs) ranges.push_back(whole(run));
  state->merged =
      merge_runs(state->format, files, std::move(ranges), state->budget, state->memory_bytes, state->io);
  return std::make_unique<SortedStream<State>>(std::move(state));
}

}  // namespace surd::external
