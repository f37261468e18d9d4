// A sorted run on disk: blocks of records, then a sparse index (one entry per block).
#pragma once

#include <cstdint>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/external/record.hpp"
#include "surd/memory/budget.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::external {

/// Describes a run; a few dozen bytes however long the run is. Runs are ordered by where their records stood
/// in the input: of equal records, the one in the earlier run comes first.
struct Run {
  std::uint64_t file = 0;    ///< Index into the caller's list of spill files.
  std::uint64_t offset = 0;  ///< Of its first record in the file.
  std::uint64_t bytes = 0;   ///< Of its records.
  std::uint64_t records = 0;
  std::uint64_t index_offset = 0;  ///< Of its sparse index.
  std::uint64_t index_bytes = 0;
  std::uint64_t checksum = 0;       ///< Sum over records of XXH3-64: independent of their order.
  std::uint64_t longest_bytes = 0;  ///< Its longest record: what a buffer must hold to read it.
};

/// Part of a run.
struct RunRange {
  Run run;
  std::uint64_t first_record = 0;
  std::uint64_t first_byte = 0;  ///< Of first_record, from the run's start.
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

[[nodiscard]] RunRange whole(const Run& run) noexcept;

/// The longest record of any of `runs`.
[[nodiscard]] std::uint64_t longest_of(const std::vector<Run>& runs) noexcept;

void put_run(base::ByteWriter& into, const Run& run);
[[nodiscard]] Run get_run(base::ByteReader& from);

/// Opened spill files, by Run::file.
using RunFiles = std::vector<storage::ReadableFile*>;

/// Exact splitting: cuts the merged order of `runs` at each of `cuts` (record numbers, ascending, at most the
/// total). Shape [cuts][runs]: how many records, and bytes, of each run come before the cut. Ties go to the
/// earlier run. Reads the sparse indices once, for all cuts, and then about one block per run and cut; where
/// these blocks do not fit into memory, single keys until they do.
/// Multisequence selection (Varman, Scheufler, Iyer & Ricard, J. Parallel Distrib. Comput. 12, 1991).
/// Takes `memory_bytes` of `budget` while it works, or, if that is more, least_split_memory(): less than
/// merging the runs takes.
struct CutPosition {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};
[[nodiscard]] std::vector<std::vector<CutPosition>> split_runs(
    const RecordFormat& format, const RunFiles& files, const std::vector<Run>& runs,
    const std::vector<std::uint64_t>& cuts, memory::Budget& budget, std::uint64_t memory_bytes = 8 << 20);
/// Two records, and some keys of each run.
[[nodiscard]] std::uint64_t least_split_memory(const std::vector<Run>& runs) noexcept;

}  // namespace surd::external
