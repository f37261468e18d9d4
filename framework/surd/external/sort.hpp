// External merge sort in O(sqrt(n B)) memory: forms sorted runs that fill the memory it is given, then merges
// them in as few passes as memory allows. 4 n bytes of I/O where one merge pass is enough, and none where
// everything fits.
//
// Always stable: equal records keep the order they were pushed in.
//
//   Sorter sorter(format, budget, memory_bytes, files, scratch);
//   while (...) sorter.push(records);
//   auto sorted = std::move(sorter).merge();
//   for (auto block = sorted->next(); !block.empty(); block = sorted->next()) use(block);
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "surd/external/run.hpp"
#include "surd/external/spill.hpp"
#include "surd/memory/budget.hpp"

namespace surd::external {

/// What a sort of `bytes` will do, known before it starts.
struct SortPlan {
  std::uint64_t run_bytes = 0;    ///< Records per run, in bytes.
  std::uint64_t runs = 0;         ///< 0: fits in memory.
  std::uint64_t block_bytes = 0;  ///< Of one read of one run while merging.
  std::uint64_t fan_in = 0;       ///< Runs merged at once at most.
  unsigned merge_passes = 0;
  std::uint64_t scratch_bytes = 0;  ///< Largest total of spill files.
  std::uint64_t least_memory = 0;   ///< Below it the sort is refused.
  std::uint64_t moved_bytes = 0;    ///< Read and written, input and output included.
};

/// @throws UsageError  naming the least memory, if `memory_bytes` is below it.
[[nodiscard]] SortPlan plan_sort(std::uint64_t bytes, const RecordFormat& format, std::uint64_t memory_bytes);

/// Forms runs. Push order is the order of equal records.
class RunBuilder {
 public:
  /// Takes `memory_bytes` from `budget`; `spill` gets the runs, Run::file is `file_number` in all of them.
  RunBuilder(const RecordFormat& format, memory::Budget& budget, std::uint64_t memory_bytes, SpillFile& spill,
             std::uint64_t file_number, storage::AsyncIo& io);
  RunBuilder(RunBuilder&&) noexcept;
  ~RunBuilder();

  /// Whole records, any number. Copied.
  void push(std::span<const std::byte> records);
  /// One variable-size record.
  void push(std::span<const std::byte> key, std::span<const std::byte> rest);

  /// Fewer bytes from now on, as pressure demands: spills what is held.
  void shrink(std::uint64_t memory_bytes);

  /// Spills what is left. The builder is empty again and may be used on.
  [[nodiscard]] std::vector<Run> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Sorted records, a block at a time.
class RecordStream {
 public:
  virtual ~RecordStream() = default;
  /// Whole records in order; empty at the end. Valid until the call after the next one, so that a block can
  /// be written behind the making of the next.
  virtual std::span<const std::byte> next() = 0;
};

/// Merges ranges of runs (ordered as their inputs were) within `memory_bytes` of `budget`. Verifies that what
/// comes out is in order.
/// @throws UsageError  if the memory does not hold a block of each range.
[[nodiscard]] std::unique_ptr<RecordStream> merge_runs(const RecordFormat& format, const RunFiles& files,
                                                       std::vector<RunRange> ranges, memory::Budget& budget,
                                                       std::uint64_t memory_bytes, storage::AsyncIo& io);

/// How many runs merge_runs() takes at once within `memory_bytes`, if no record is longer than
/// `longest_bytes` (0: 4 KiB, where records have no fixed size).
[[nodiscard]] std::uint64_t fan_in(const RecordFormat& format, std::uint64_t memory_bytes,
                                   std::uint64_t longest_bytes = 0);

/// Memory that merge_runs() needs for so many runs of records of up to `longest_bytes`.
[[nodiscard]] std::uint64_t least_merge_memory(const RecordFormat& format, std::uint64_t runs,
                                               std::uint64_t longest_bytes);

/// Memory that a RunBuilder needs for records of so many bytes.
[[nodiscard]] std::uint64_t least_run_memory(const RecordFormat& format, std::uint64_t record_bytes) noexcept;

/// What merge_to_run() leaves of its memory to the merge: the rest is for the index of the run it makes.
[[nodiscard]] constexpr std::uint64_t without_index(std::uint64_t memory_bytes) noexcept {
  return memory_bytes - memory_bytes / 16 - 1024;
}

/// Merges `runs` into one longer run (a pass, where there are too many runs to merge at once).
[[nodiscard]] Run merge_to_run(const RecordFormat& format, const RunFiles& files,
                               const std::vector<Run>& runs, memory::Budget& budget,
                               std::uint64_t memory_bytes, SpillFile& spill, std::uint64_t file_number,
                               storage::AsyncIo& io);

/// The whole sort on one rank. Spills to scratch that vanishes with the process.
class Sorter {
 public:
  Sorter(RecordFormat format, memory::Budget& budget, std::uint64_t memory_bytes, storage::FileSystem& files,
         const storage::Path& scratch);
  Sorter(Sorter&&) noexcept;
  ~Sorter();

  void push(std::span<const std::byte> records);
  void push(std::span<const std::byte> key, std::span<const std::byte> rest);

  /// Ends the input. The stream keeps the sorter's memory and scratch until it is destroyed.
  [[nodiscard]] std::unique_ptr<RecordStream> merge() &&;

  [[nodiscard]] std::uint64_t runs() const noexcept;  ///< Spilled so far.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::external
