#include <map>
#include <optional>

#include "surd/sweep/detail/memo_state.hpp"

namespace surd::sweep {

using namespace detail;
namespace {

/// Calls f(entry) for the entries of `position` in a block.
template <class F>
void for_each_entry(const BlockView& block, std::uint64_t position, F f) {
  std::uint64_t entry = 0;
  for (const auto& run : block.runs) {
    if (position >= run.first && position < run.end()) f(entry + (position - run.first));
    entry += run.count;
  }
}

}  // namespace

template <class F>
void Memo::State::for_each_block(int part, int parts, F f) const {
  DefinitionCache definitions(&wanted);
  for (const auto& name : list_segments(files, directory)) {
    if (part_of(name, parts) != part) continue;
    Segment segment;
    segment.path = directory / name;
    SegmentReader reader(files, definitions, segment);
    while (const auto record = reader.next()) {
      if (record->block && counts(*record->stored)) f(*record, segment.origin, definitions);
    }
  }
}

/// Selects of a block the first successes, and failures of points that nothing succeeded at.
void Memo::State::pick(const SegmentRecord& record, DefinitionCache& definitions, PointSet& seen,
                       SelectedBlock& into) const {
  const bool own_version = record.stored->kinship == Kinship::same;
  for_each_wanted(
      *record.block, *record.stored, definitions, [&](Run at, Status status, std::uint64_t entry) {
        const bool ok = status == Status::ok;
        const auto* const better = !ok ? &done : (own_version ? nullptr : &own);
        const bool whole = (!ok || seen.count_in(at) == 0) && (!better || better->count_in(at) == 0);
        if (whole) {
          into.select(entry, at.count, at.first);
          if (ok) seen.add(at);
          return;
        }
        for (auto p = at.first; p < at.end(); ++p) {
          if ((ok && seen.contains(p)) || (better && better->contains(p))) continue;
          into.select(entry + (p - at.first), 1, p);
          if (ok) seen.add(p);
        }
      });
}

void Memo::read(const std::function<void(const Block&)>& visit, int part, int parts) const {
  PointSet seen;
  SelectedBlock selected;
  state_->for_each_block(part, parts,
                         [&](const auto& record, const Origin& origin, DefinitionCache& definitions) {
                           selected.begin(*record.block, origin);
                           state_->pick(record, definitions, seen, selected);
                           if (selected.finish()) visit(selected);
                         });
}

std::vector<std::pair<Outcome, Origin>> Memo::history(std::uint64_t position) const {
  std::vector<std::pair<Outcome, Origin>> outcomes;
  std::map<const StoredDefinition*, std::optional<std::uint64_t>> places;
  SelectedBlock selected;
  state_->for_each_block(0, 1, [&](const auto& record, const Origin& origin, DefinitionCache&) {
    const auto [place, fresh] = places.try_emplace(record.stored);
    if (fresh) place->second = Translation(state_->wanted, record.stored->definition)(position);
    if (!place->second) return;
    for_each_entry(*record.block, *place->second, [&](std::uint64_t entry) {
      selected.begin(*record.block, origin);
      selected.select(entry, 1, position);
      if (selected.finish()) outcomes.emplace_back(selected.outcome(0), origin);
    });
  });
  return outcomes;
}

}  // namespace surd::sweep
