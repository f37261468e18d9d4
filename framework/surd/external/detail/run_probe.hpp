// Single records of runs, read from disk while a cut is sought whose brackets are too long for memory: of
// keys that agree for longer than an index tells, or of records that are long themselves. Whatever they are
// like, two records are held at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/external/detail/order.hpp"
#include "surd/external/detail/pivot_count.hpp"
#include "surd/external/detail/run_index.hpp"

namespace surd::external::detail {

class RunProbe final : public PivotCount {
 public:
  /// What it takes for records of up to `longest_bytes`.
  [[nodiscard]] static std::uint64_t memory_bytes(std::uint64_t longest_bytes) noexcept;
  /// `memory`: memory_bytes() of the longest record.
  RunProbe(const Order& order, const RunFiles& files, const std::vector<Run>& runs,
           std::span<std::byte> memory);

  CutPosition set_pivot(std::size_t run, const Bracket& bracket, std::uint64_t number) override;
  /// O(log n) keys are read by the index, and then those of one of its gaps.
  [[nodiscard]] CutPosition count(std::size_t run, const Bracket& bracket, bool or_equal) override;
  /// Where record `number` begins, low <= number <= high.
  [[nodiscard]] CutPosition find(std::size_t run, const Bracket& bracket, std::uint64_t number);

 private:
  /// A run, and where the window begins in it.
  [[nodiscard]] const std::byte* bytes_at(std::size_t run, std::uint64_t byte, std::uint64_t bytes,
                                          std::uint64_t ahead);
  /// The record at `place` up to the end of its key. Valid until the next call.
  [[nodiscard]] const std::byte* key_at(std::size_t run, const CutPosition& place, std::uint64_t ahead);
  [[nodiscard]] CutPosition walk(std::size_t run, CutPosition from, std::uint64_t to);
  [[nodiscard]] CutPosition count_fixed(std::size_t run, const Bracket& bracket, bool or_equal);
  /// The order of the entry's record and the pivot.
  [[nodiscard]] std::strong_ordering compare(std::size_t run, const IndexEntry& entry);

  const Order& order_;
  const RunFiles& files_;
  const std::vector<Run>& runs_;
  std::uint64_t longest_bytes_;
  std::span<std::byte> pivot_;
  std::vector<std::uint64_t> pivot_words_;  ///< As an index has them.
  std::span<std::byte> window_;             ///< Holds bytes [begin, begin + held) of one run.
  std::size_t window_run_ = 0;
  std::uint64_t window_begin_ = 0;
  std::uint64_t window_held_ = 0;
};

}  // namespace surd::external::detail
