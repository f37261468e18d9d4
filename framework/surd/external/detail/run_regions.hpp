// Stretches of runs, held in memory while a cut is sought in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/external/detail/order.hpp"
#include "surd/external/detail/pivot_count.hpp"

namespace surd::external::detail {

/// Finds the records of one stretch; for records of variable size, by a table of where they begin.
class RecordTable {
 public:
  explicit RecordTable(const Order& order) : order_(order) {}

  /// Bytes of a table of so many records.
  [[nodiscard]] static std::uint64_t table_bytes(const Order& order, std::uint64_t records) noexcept {
    return order.fixed() ? 0 : (records + 1) * sizeof(std::uint32_t);
  }
  /// Sets the stretch: from the bracket's begin_record to its end. `table`: table_bytes() of it.
  /// @throws FormatError  if the records do not fill `bytes`.
  void assign(const Bracket& bracket, std::span<const std::byte> bytes, std::span<std::byte> table);

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
  std::uint32_t* offsets_ = nullptr;  ///< Of records of variable size, and of the end.
};

/// The stretches between brackets, one per run.
class RunRegions final : public PivotCount {
 public:
  RunRegions(const Order& order, const RunFiles& files, const std::vector<Run>& runs,
             std::span<std::byte> memory)
      : order_(order),
        files_(files),
        runs_(runs),
        memory_(memory),
        tables_(runs.size(), RecordTable(order)) {}

  /// Whether load() has room for them.
  [[nodiscard]] bool fit(const std::vector<Bracket>& brackets) const noexcept;
  void load(const std::vector<Bracket>& brackets);

  CutPosition set_pivot(std::size_t run, const Bracket& bracket, std::uint64_t number) override;
  [[nodiscard]] CutPosition count(std::size_t run, const Bracket& bracket, bool or_equal) override;

 private:
  const Order& order_;
  const RunFiles& files_;
  const std::vector<Run>& runs_;
  std::span<std::byte> memory_;
  std::vector<RecordTable> tables_;
  const std::byte* pivot_ = nullptr;
};

}  // namespace surd::external::detail
