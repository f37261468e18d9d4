// Groups by sorting: one group at a time in memory, however many there are and whatever their aggregates
// need.
#pragma once

#include "surd/external/detail/group_state.hpp"
#include "surd/external/detail/partition_pages.hpp"
#include "surd/external/sort.hpp"

namespace surd::external::detail {

/// Records are sorted by hash, key, column (0: rows and states; 1 + c: the values of column c) and what the
/// column wants: position for lists, value for medians and distinct counts.
class GroupSort {
 public:
  GroupSort(const Layout& layout, memory::Budget& budget, std::uint64_t memory_bytes,
            storage::FileSystem& files, const storage::Path& scratch);

  void push(const Record& record, const std::byte* begin);
  void end_input();
  /// Appends groups until `into` is full. False at the end, if nothing was appended.
  [[nodiscard]] bool next(Groups& into, std::size_t rows, std::size_t bytes);

 private:
  /// A column's values as they come by, in order.
  struct Running {
    std::uint64_t seen = 0;  ///< Values; distinct ones for count_distinct.
    double low = 0;          ///< Of the middle two.
    double high = 0;
    std::vector<std::byte> bytes;  ///< The list so far; the value before.
  };

  [[nodiscard]] bool next_record();
  [[nodiscard]] bool same_group() const noexcept;
  void begin_group();
  void add_record();
  void add_value(std::size_t column, std::span<const std::byte> value);
  void add_to_list(Running& running, const Column& column, std::span<const std::byte> value);
  void end_group(Groups& into);
  [[nodiscard]] KeyName group_name() const;

  const Layout& layout_;
  memory::Reservation reservation_;
  std::uint64_t value_limit_;
  std::unique_ptr<Sorter> sorter_;
  std::unique_ptr<RecordStream> stream_;
  std::vector<std::byte> key_;        ///< Of the record being pushed.
  std::span<const std::byte> piece_;  ///< Of the stream, not yet looked at.
  std::span<const std::byte> sort_key_;
  std::span<const std::byte> rest_;
  bool pending_ = false;          ///< A record was read that begins the next group.
  std::vector<std::byte> group_;  ///< Its hash, size of key and key.
  std::vector<std::uint64_t> state_;
  Arena heap_memory_;
  Heap heap_;
  std::vector<Running> running_;
};

}  // namespace surd::external::detail
