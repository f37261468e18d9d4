// Where the rows of a stage end: sorted runs, groups' partial states, partitions of a join, packed rows, or
// pieces of the output.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "surd/external/group.hpp"
#include "surd/stream/detail/operator.hpp"
#include "surd/table/output.hpp"
#include "surd/table/rows.hpp"

namespace surd::stream::detail {

/// Sorted runs of all columns.
struct SortTarget {
  table::Schema schema;
  std::vector<table::SortColumn> by;
  std::uint64_t limit = 0;  ///< Only the first so many of the sorted rows are wanted; 0: all.
  std::string step = {};    ///< For errors.
};
[[nodiscard]] std::unique_ptr<Sink> sort_sink(const SortTarget& target, const Setting& setting);

/// Records of a table's sorted runs: a normalised key, then the packed row.
[[nodiscard]] external::RecordFormat sorted_rows_format();

/// Partial states in partitions.
struct GroupTarget {
  std::string step;  ///< For errors.
  table::Schema schema;
  std::vector<std::size_t> by;
  std::vector<external::AggregateSpec> results;
  std::vector<std::size_t> inputs;  ///< [results] columns; ignored where a result has no input.
  /// The one result is the whole first row of each group, packed (distinct by some of the columns).
  bool first_rows = false;
  std::uint32_t partitions = 16;
  /// The key is one integer column: a shorter way. Rows where it is null, one group, have partitions of their
  /// own after the others, with byte keys; so that group comes last.
  bool integer_keys = false;
  static constexpr std::uint32_t null_partitions = 16;

  /// Sets integer_keys by the columns.
  void choose_keys();
  [[nodiscard]] std::uint32_t all_partitions() const noexcept {
    return partitions + (integer_keys ? null_partitions : 0);
  }

  [[nodiscard]] external::GroupFormat format() const;
  [[nodiscard]] std::vector<table::SortColumn> key_columns() const;
};
[[nodiscard]] std::unique_ptr<Sink> group_sink(const GroupTarget& target, const Setting& setting);

/// One side of a join, in partitions.
struct JoinTarget {
  table::Schema schema;
  std::vector<std::size_t> by;
  std::vector<std::size_t> pack;  ///< Columns that the result has.
  std::uint32_t partitions = 16;
  bool drop_nulls = false;  ///< Rows with null keys: they never match.
  /// Rows are KeyedRows. Those with null keys, if they are kept, have partitions of their own after the
  /// others.
  bool integer_keys = false;
  static constexpr std::uint32_t null_partitions = 16;

  [[nodiscard]] std::uint32_t all_partitions() const noexcept {
    return partitions + (integer_keys && !drop_nulls ? null_partitions : 0);
  }
};
[[nodiscard]] std::unique_ptr<Sink> join_sink(const JoinTarget& target, const Setting& setting);

/// Packed rows, in order.
struct RowsTarget {
  table::Schema schema;
  std::uint64_t limit = 0;  ///< Rows of one unit that are wanted; 0: all.
};
[[nodiscard]] std::unique_ptr<Sink> rows_sink(const RowsTarget& target, const Setting& setting);

/// Pieces of a file.
struct OutputTarget {
  table::Schema schema;
  table::OutputSpec output;
};
[[nodiscard]] std::unique_ptr<Sink> output_sink(const OutputTarget& target, const Setting& setting);

/// Keys of rows and their hashes, with null keys told apart: what both sides of a join use.
class JoinKeys {
 public:
  JoinKeys(std::vector<std::size_t> columns, bool integers);

  /// Borrows `rows`.
  void encode(const table::Batch& rows);
  [[nodiscard]] std::span<const std::byte> key(std::size_t row) const noexcept;
  [[nodiscard]] std::uint64_t hash(std::size_t row) const noexcept;
  /// Null keys never match.
  [[nodiscard]] bool is_null(const table::Batch& rows, std::size_t row) const noexcept;

 private:
  std::vector<std::size_t> columns_;
  bool are_integers_;
  std::span<const std::int64_t> integers_;
  table::KeyEncoder encoder_;
  std::vector<std::byte> bytes_;
  std::vector<std::uint32_t> ends_;
};

/// Bytes of row `row` of what an encoder made.
[[nodiscard]] std::span<const std::byte> encoded_row(const std::vector<std::byte>& bytes,
                                                     const std::vector<std::uint32_t>& ends,
                                                     std::size_t row) noexcept;

/// 0, 1 ... columns - 1.
[[nodiscard]] std::vector<std::size_t> all_columns(const table::Schema& schema);

}  // namespace surd::stream::detail
