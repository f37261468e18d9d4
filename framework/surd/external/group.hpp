// Group-by with any number of groups in bounded memory. Rows are pre-aggregated in a table that fits the
// cache, partial states are scattered over partitions by the key's hash, and each partition is aggregated by
// itself. Groups come out in the order of their keys' hashes: the same whatever the memory, the partitions
// and the ranks were. So are the results: sums of floats are exact up to a rounding of 2^-60 of the largest
// value, in any order of addition.
//
// Müller, Sanders, Lacurie, Lehner & Färber: Cache-efficient aggregation: hashing is sorting, SIGMOD 2015;
// Leis et al., Morsel-driven parallelism, SIGMOD 2014.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "surd/base/error.hpp"
#include "surd/external/partition.hpp"

namespace surd::external {

enum class Aggregate : std::uint8_t {
  count,  ///< Rows, or values that are not null if it has an input.
  sum,    ///< Integers: overflow is an error. Nulls are left out, as in all below.
  min,
  max,
  mean,      ///< Also where the sum is beyond doubles.
  variance,  ///< Of a sample (n - 1). NaN, as stddev, if the square of a value is beyond doubles (1.4e154).
  stddev,
  first,  ///< By position in the input.
  last,
  median,  ///< Of numbers; the mean of the middle two.
  list,    ///< All values in input order, as "[1, 2, 3]".
  count_distinct,
  user,
};

[[nodiscard]] std::string_view name(Aggregate aggregate) noexcept;

enum class ValueType : std::uint8_t { int64, float64, text, boolean };

/// An aggregate of the user's: a state of fixed size, combined in any order.
struct UserAggregate {
  std::string name;
  std::size_t state_bytes = 0;
  void (*init)(std::byte* state) = nullptr;
  void (*add_number)(std::byte* state, double value) = nullptr;
  void (*merge)(std::byte* state, const std::byte* other) = nullptr;  ///< Associative and commutative.
  double (*finish)(const std::byte* state) = nullptr;
};

struct AggregateSpec {
  Aggregate aggregate = Aggregate::count;
  ValueType input = ValueType::int64;
  bool has_input = false;  ///< False: count of rows.
  const UserAggregate* user = nullptr;

  /// Type of the result. sum: as the input; count: int64; mean ...: float64; list: text.
  [[nodiscard]] ValueType result() const noexcept;
};

struct GroupFormat {
  /// Keys of exactly 8 bytes (one integer column without nulls) take a shorter way; 0: byte strings.
  std::uint32_t key_bytes = 0;
  std::vector<AggregateSpec> aggregates;  ///< May be empty: distinct keys.
};

/// Values of one column for some rows. Exactly one of the spans is used, by type; booleans are integers.
struct Values {
  ValueType type = ValueType::int64;
  std::span<const std::int64_t> integers;
  std::span<const double> numbers;
  ByteRows texts;
  std::span<const std::uint8_t> nulls;  ///< 1: null. Empty: none.
};

/// Rows to group.
struct GroupInput {
  std::size_t rows = 0;
  std::uint64_t first_position = 0;     ///< Of the first row in the whole input (any ascending numbering).
  std::span<const std::uint64_t> keys;  ///< If key_bytes = 8.
  ByteRows byte_keys;                   ///< Else.
  std::span<const Values> values;       ///< One per aggregate; ignored where has_input is false.
};

/// First half: rows to partial states in partitions.
class GroupBuilder {
 public:
  GroupBuilder(const GroupFormat& format, std::uint32_t partitions, memory::Budget& budget,
               std::uint64_t memory_bytes, SpillFile& spill, std::uint64_t file_number, storage::AsyncIo& io);
  GroupBuilder(GroupBuilder&&) noexcept;
  ~GroupBuilder();

  void push(const GroupInput& input);
  /// Fewer bytes from now on: spills what is held.
  void shrink(std::uint64_t memory_bytes);
  /// Shape [partitions], as PartitionWriter::finish(). The builder is empty again and may be used on.
  [[nodiscard]] std::vector<PartitionExtents> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// A result column; like Values, but owned. A group whose inputs were all null gives null (count: 0).
struct ResultColumn {
  ValueType type = ValueType::int64;
  std::vector<std::int64_t> integers;
  std::vector<double> numbers;
  std::vector<std::byte> bytes;
  std::vector<std::uint32_t> ends;
  std::vector<std::uint8_t> nulls;
};

/// A group that has no result: its sum is too large, or what it collects does not fit into memory. The text
/// names the key as it was given; who knows what that encodes names it better.
class GroupError : public base::UsageError {
 public:
  struct Key {
    std::uint64_t number = 0;      ///< If key_bytes = 8.
    std::vector<std::byte> bytes;  ///< Else.
    std::string text;
  };
  /// `of` comes before the key, `what` behind it. `memory_share`: how many times the merger's memory is
  /// needed, at least; 0 if that is not the matter.
  GroupError(std::string of, Key key, std::string what, double memory_share = 0)
      : UsageError(of + key.text + what + (memory_share > 0 ? "; raise --memory" : "")),
        of_(std::move(of)),
        key_(std::move(key)),
        what_(std::move(what)),
        memory_share_(memory_share) {}

  [[nodiscard]] const Key& key() const noexcept { return key_; }
  [[nodiscard]] double memory_share() const noexcept { return memory_share_; }
  /// The text, with another name for the key, and without advice on memory.
  [[nodiscard]] std::string with(const std::string& key) const { return of_ + key + what_; }

 private:
  std::string of_;
  Key key_;
  std::string what_;
  double memory_share_;
};

struct Groups {
  std::size_t rows = 0;
  std::vector<std::uint64_t> keys;   ///< If key_bytes = 8.
  std::vector<std::byte> key_bytes;  ///< Else, with key_ends.
  std::vector<std::uint32_t> key_ends;
  std::vector<ResultColumn> results;  ///< One per aggregate.
};

/// Second half: one partition to its groups, some thousands at a time. A partition that does not fit is cut
/// again by other bits of the hash, and by sorting where that does not help.
class GroupMerger {
 public:
  /// `parts`: what all builders left in this partition, in order of input. `scratch` is for partitions that
  /// do not fit.
  GroupMerger(const GroupFormat& format, const std::vector<storage::ReadableFile*>& files,
              std::vector<PartitionExtents> parts, memory::Budget& budget, std::uint64_t memory_bytes,
              storage::FileSystem& file_system, storage::Path scratch, storage::AsyncIo& io);
  GroupMerger(GroupMerger&&) noexcept;
  ~GroupMerger();

  /// Another partition, whose groups come after those of the ones before. Before the first next(). The same
  /// as a merger of its own, but memory is taken once and what comes next is read ahead.
  void add(std::vector<PartitionExtents> parts);

  /// False once all groups of the first `end` partitions have been given. `into` is overwritten; its memory
  /// is used again. All its groups are of one partition.
  [[nodiscard]] bool next(Groups& into, std::size_t end = SIZE_MAX);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::external
