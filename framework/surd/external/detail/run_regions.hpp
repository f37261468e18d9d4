// Stretches of runs, held in memory while a cut is sought in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/external/detail/key_samples.hpp"
#include "surd/external/detail/order.hpp"
#include "surd/external/run.hpp"

namespace surd::external::detail {

/// Finds the records of one stretch; for records of variable size, by a table of where they begin.
class RecordTable {
 public:
  explicit RecordTable(const Order& order) : order_(order) {}

  /// Sets the stretch: from the bracket's begin_record to its end.
  /// @throws FormatError  if the records do not fill `bytes`.
  void assign(const Bracket& bracket, std::span<const std::byte> bytes);

  [[nodiscard]] const std::byte* record(std::uint64_t number) const {
    return bytes_.data() + offset(number - first_);
  }
  /// From the run's start; also for the record that follows the stretch.
  [[nodiscard]] std::uint64_t byte_of(std::uint64_t number) const {
    return first_byte_ + offset(number - first_);
  }

 private:
  [[nodiscard]] std::size_t offset(std::uint64_t i) const {
    return order_.fixed() ? i * order_.format().record_bytes : offsets_[i];
  }

  const Order& order_;
  std::span<const std::byte> bytes_;
  std::uint64_t first_ = 0;
  std::uint64_t first_byte_ = 0;
  std::vector<std::uint32_t> offsets_;  ///< Of records of variable size, and of the end.
};

/// The stretches between brackets, one per run.
class RunRegions {
 public:
  RunRegions(const Order& order, const RunFiles& files, const std::vector<Run>& runs)
      : order_(order), files_(files), runs_(runs), tables_(runs.size(), RecordTable(order)), spare_(order) {}

  /// Bytes that load() would read.
  [[nodiscard]] static std::uint64_t bytes(const std::vector<Bracket>& brackets) noexcept;
  void load(const std::vector<Bracket>& brackets);
  /// What load() has read.
  [[nodiscard]] const RecordTable& operator[](std::size_t run) const { return tables_[run]; }

  /// Reads the stretches one by one, and narrows the brackets of `cut` by some of their records, whose keys
  /// take about `memory_bytes`.
  [[nodiscard]] std::vector<Bracket> narrow(const std::vector<Bracket>& brackets, std::uint64_t cut,
                                            std::uint64_t memory_bytes);

 private:
  [[nodiscard]] std::span<std::byte> read(std::size_t run, const Bracket& bracket, std::span<std::byte> into);
  void sample(const Bracket& bracket, std::uint64_t most_bytes, KeySamples& into);

  const Order& order_;
  const RunFiles& files_;
  const std::vector<Run>& runs_;
  std::vector<std::byte> bytes_;
  std::vector<RecordTable> tables_;
  RecordTable spare_;
  std::vector<std::uint64_t> key_;
};

}  // namespace surd::external::detail
