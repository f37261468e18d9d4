// What earlier runs of a data job left that this one can go on from.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "surd/ranks/detail/epoch_log.hpp"

namespace surd::ranks::detail {

/// Known to all ranks when a run begins.
struct Start {
  RunNames runs;                                    ///< This one included.
  std::uint32_t run = 0;                            ///< This one's number.
  std::vector<std::vector<stream::Artifact>> done;  ///< [stages], each ordered by unit.
  std::size_t complete = 0;                         ///< Stages of which all units are done.
  std::set<storage::Path> renamed;                  ///< Parts of outputs that an earlier run has renamed.
  std::optional<stream::DataJob::Summary> summary;  ///< The job is finished, and its output there.

  [[nodiscard]] std::string encode() const;
  static Start decode(std::string_view text);
};

/// On one rank. Reads the logs, chooses what counts, takes the rest out of them, and removes files that
/// nothing refers to.
/// @throws UsageError  if the logs are those of another job that is not finished.
[[nodiscard]] Start prepare(const stream::DataJob& job, storage::FileSystem& files, const storage::Path& work,
                            const std::string& run);

/// Whether the artifacts, ordered by unit, cover all units, each once.
[[nodiscard]] bool cover(const std::vector<stream::Artifact>& artifacts, std::uint64_t units);

}  // namespace surd::ranks::detail
