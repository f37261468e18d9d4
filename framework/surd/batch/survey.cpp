#include "surd/batch/survey.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "surd/base/units.hpp"

namespace surd::batch {
namespace {

/// Mean seconds of stored points, from a few points of each block.
class PointClock {
 public:
  void add(const sweep::Block& block) {
    const auto step = std::max<std::size_t>(1, block.size() / 16);
    for (std::size_t i = 0; i < block.size(); i += step) {
      const auto weight = static_cast<double>(std::min(step, block.size() - i));
      seconds_ += weight * block.seconds(i);
      points_ += weight;
    }
  }

  [[nodiscard]] double mean() const { return points_ > 0 ? seconds_ / points_ : 0; }

 private:
  double seconds_ = 0;
  double points_ = 0;
};

/// Counts chunks by the runs of settled points: O(runs) or O(chunks), whichever is less.
void count_chunks(const sweep::Grid& grid, const sweep::PointSet& settled, Survey& survey) {
  survey.chunks = grid.chunk_count();
  auto run = settled.next_run(0);
  while (run) {
    const auto first = grid.chunk_of(run->first);
    auto next = first + 1;
    if (run->first == grid.chunk_begin(first) && run->end() >= grid.chunk_begin(next)) {
      next = run->end() == grid.size() ? grid.chunk_count() : grid.chunk_of(run->end());
      survey.complete_chunks += next - first;
    } else {
      ++survey.partial_chunks;  // the run is maximal: the chunk begins before it or goes on after it
    }
    run = next < grid.chunk_count() ? settled.next_run(grid.chunk_begin(next)) : std::nullopt;
  }
}

}  // namespace

std::uint64_t Survey::other_points() const {
  std::uint64_t sum = 0;
  for (const auto& [version, points] : memo.other_versions) sum += points;
  return sum;
}

double Survey::bytes_per_point() const {
  return memo.points == 0 ? 0 : static_cast<double>(memo.bytes) / static_cast<double>(memo.points);
}

Survey survey(storage::FileSystem& files, const WorkDirectory& work, const Job& job) {
  PointClock clock;
  const auto& definition = *job.definition;
  const bool keep = job.on_version_change == VersionChange::keep;
  const sweep::Memo memo(files, work.memo, definition,
                         {keep, [&](const sweep::Block& block) { clock.add(block); }});

  Survey result;
  const auto excluded = definition.grid.excluded();
  result.excluded = excluded.size();
  result.total = definition.grid.size() - result.excluded;
  auto settled = memo.done();
  settled -= excluded;
  result.done = settled.size();
  settled |= memo.failed();
  settled -= excluded;
  result.failed = settled.size() - result.done;
  settled |= excluded;
  count_chunks(definition.grid, settled, result);
  result.point_seconds = clock.mean();
  result.memo = memo.statistics();
  result.damage = memo.damage();
  return result;
}

std::string version_refusal(const Survey& survey, const Job& job) {
  if (job.on_version_change != VersionChange::error || survey.missing() == 0 || survey.other_points() == 0)
    return {};
  const auto& subject = job.definition->subject;
  std::string others;
  for (const auto& [version, points] : survey.memo.other_versions) {
    others +=
        fmt::format("{}{} of version '{}'", others.empty() ? "" : ", ", base::format_count(points), version);
  }
  return fmt::format(
      "the memo holds points of this grid that another version computed: {}; the {} now is version '{}', "
      "with {} of {} "
      "points stored. Nothing was computed. Choose what to do with the others:\n"
      "  --version-change new    compute the {} missing points again; the old results stay in the memo\n"
      "  --version-change keep   count the others as done\n"
      "  or go back to the version that computed them (on_version_change: in the job does the same)",
      others, subject.kind, subject.version, base::format_count(survey.done),
      base::format_count(survey.total), base::format_count(survey.missing()));
}

}  // namespace surd::batch
