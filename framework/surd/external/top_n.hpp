// The first n records of an order, without sorting the rest: a buffer that is cut back to the n best whenever
// it is full, and a bar that later records must pass. O(1) comparisons per record that does not pass it.
//
// Where n records do not fit into memory, everything goes to a Sorter instead, and its first n come out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "surd/external/sort.hpp"

namespace surd::external {

/// Stable: of equal records, those pushed first come first.
class TopN {
 public:
  /// Takes `memory_bytes` from `budget`. Scratch is used only where n records do not fit.
  TopN(const RecordFormat& format, std::uint64_t n, memory::Budget& budget, std::uint64_t memory_bytes,
       storage::FileSystem& files, storage::Path scratch);
  TopN(TopN&&) noexcept;
  ~TopN();

  /// Whole records, any number. Copied.
  void push(std::span<const std::byte> records);
  /// One variable-size record.
  void push(std::span<const std::byte> key, std::span<const std::byte> rest);

  /// Ends the input: at most n records, in order. The stream keeps the memory until it is destroyed.
  [[nodiscard]] std::unique_ptr<RecordStream> finish() &&;

  [[nodiscard]] bool sorts() const noexcept;  ///< Whether n records did not fit.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::external
