// The two kinds of merge. Both work by re-sorting batches: of all blocks in memory, whatever is not greater
// than the smallest last record of a block that has a successor is safe; it is gathered and sorted by
// vectors. That beats a tree of losers at any number of runs, and makes progress whatever the keys are.
#pragma once

#include <memory>
#include <vector>

#include "surd/external/detail/run_feed.hpp"
#include "surd/external/sort.hpp"

namespace surd::external::detail {

/// What every merge is made of.
struct MergeParts {
  std::shared_ptr<const Order> order;
  const RunFiles& files;
  const std::vector<RunRange>& ranges;
  MergeShape shape;
  Workspace memory;
  storage::AsyncIo& io;
};

[[nodiscard]] std::unique_ptr<RecordStream> merge_scalars(MergeParts parts);
[[nodiscard]] std::unique_ptr<RecordStream> merge_records(MergeParts parts);

}  // namespace surd::external::detail
