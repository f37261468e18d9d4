// What a Memo knows; memo.cpp scans, memo_read.cpp reads.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "surd/sweep/detail/memo_block.hpp"
#include "surd/sweep/detail/memo_segment.hpp"

namespace surd::sweep {
namespace detail {

/// Adds to a set, consecutive positions in one go.
class Collector {
 public:
  explicit Collector(PointSet& set) : set_(set) {}

  void add(Run run) {
    if (run.first == pending_.end()) {
      pending_.count += run.count;
      return;
    }
    flush();
    pending_ = run;
  }

  void flush() {
    if (pending_.count == 1) set_.add(pending_.first);
    if (pending_.count > 1) set_.add(pending_);
    pending_ = {};
  }

 private:
  PointSet& set_;
  Run pending_;
};

struct KnownSegment {
  Segment segment;
  std::uint64_t size = 0;  ///< At the last look.
  std::uint64_t records = 0;
  std::uint64_t points = 0;
  std::uint64_t unrelated_points = 0;
};

}  // namespace detail

struct Memo::State {
  State(storage::FileSystem& f, storage::Path d, const Definition& w, MemoOptions o)
      : files(f), directory(std::move(d)), wanted(w), options(std::move(o)), cache(&w) {}

  /// Outcomes of `stored` count as outcomes of the wanted points on its grid.
  [[nodiscard]] bool counts(const detail::StoredDefinition& stored) const {
    return stored.kinship == Kinship::same ||
           (stored.kinship == Kinship::other_version && options.keep_other_versions);
  }

  void refresh();
  void look_at(const std::string& name);
  void scan(detail::KnownSegment& known);
  void count(const detail::SegmentRecord& record, detail::KnownSegment& known);
  void sum_up();

  /// Calls f(record, origin, cache) for each block that counts() in the segments of `part`.
  template <class F>
  void for_each_block(int part, int parts, F f) const;
  void pick(const detail::SegmentRecord& record, detail::DefinitionCache& definitions, PointSet& seen,
            detail::SelectedBlock& into) const;

  storage::FileSystem& files;
  storage::Path directory;
  const Definition& wanted;
  MemoOptions options;
  detail::DefinitionCache cache;
  std::map<std::string, detail::KnownSegment> segments;
  PointSet done;
  PointSet failed;
  PointSet own;  ///< Done by the wanted version; empty unless other versions count, too.
  detail::Collector done_collector{done};
  detail::Collector failed_collector{failed};
  std::map<std::string, PointSet> other_versions;
  MemoStatistics statistics;
  std::vector<storage::LogDamage> damage;
  detail::SelectedBlock shown;
};

}  // namespace surd::sweep
