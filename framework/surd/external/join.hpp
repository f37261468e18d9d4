// Equi-join of one partition of two inputs in bounded memory, whatever the skew: hash join of the smaller
// side where it fits, else repartitioning by other bits of the hash, else (one key has it all, or a few
// passes are cheaper) blocks of the left held against passes over the right. Rows are opaque byte strings.
// Null keys never match.
//
// Shapiro: Join processing in database systems with large main memories, TODS 11(3), 1986.
// Probing in groups, prefetching: Chen, Ailamaki, Gibbons & Mowry: Improving hash join performance through
// prefetching, TODS 32(3), 2007.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "surd/external/partition.hpp"

namespace surd::external {

enum class JoinKind : std::uint8_t {
  inner,
  left,  ///< Left rows without a match come once, with no right row.
  semi,  ///< Left rows with a match, once.
  anti,  ///< Left rows without a match.
};

[[nodiscard]] std::string_view name(JoinKind kind) noexcept;

/// A record of a join's partition, as PartitionWriter gets it: u64 hash of the key, u32 size of the key, u32
/// size of the row, key, row. A null key is a hash with key size 0xFFFFFFFF (then no key bytes follow).
/// Returns the record's size; put_join_record writes it.
inline constexpr std::uint32_t null_key = 0xFFFF'FFFF;
[[nodiscard]] std::size_t join_record_bytes(std::span<const std::byte> key, std::span<const std::byte> row);
void put_join_record(std::byte* into, std::uint64_t hash, std::span<const std::byte> key,
                     std::span<const std::byte> row);

/// What the records of a join look like.
struct JoinFormat {
  /// 0: records of put_join_record(). 8: a record is an 8-byte key, never null, and what belongs to it, of
  /// the sizes below (at most most_packed_bytes), written by PartitionWriter::append_packed().
  std::uint32_t key_bytes = 0;
  std::uint32_t left_record_bytes = 0;
  std::uint32_t right_record_bytes = 0;
};

/// Some result rows, in order: left[i] goes with right[i], at most 512 at a time. right[i].data() is nullptr
/// for left rows without a match, and in semi and anti joins. With key_bytes = 8 rows are whole records. The
/// spans are valid during the call.
struct JoinRows {
  std::span<const std::span<const std::byte>> left;
  std::span<const std::span<const std::byte>> right;
};
using JoinRowsEmit = std::function<void(const JoinRows&)>;

/// The same row by row, for put_join_record() records.
using JoinEmit = std::function<void(std::span<const std::byte> left, std::span<const std::byte> right)>;

/// One input's part of a partition.
struct JoinSide {
  const std::vector<storage::ReadableFile*>& files;
  std::vector<PartitionExtents> parts;  ///< In order of input.
};

/// Joins. Results come in an order that depends on the inputs, their cut into partitions and extents, and
/// memory_bytes alone. The least memory is 128 KiB.
/// @throws UsageError  if a row is too large for the memory; rows of up to 1 MiB and keys of up to 64 KiB
/// that take less than a quarter of it together never are. With key_bytes = 8, if an extent is: those of a
/// writer in four times the memory never are.
void join_partition(JoinKind kind, const JoinFormat& format, const JoinSide& left, const JoinSide& right,
                    memory::Budget& budget, std::uint64_t memory_bytes, storage::FileSystem& files,
                    const storage::Path& scratch, storage::AsyncIo& io, const JoinRowsEmit& emit);
void join_partition(JoinKind kind, const JoinSide& left, const JoinSide& right, memory::Budget& budget,
                    std::uint64_t memory_bytes, storage::FileSystem& files, const storage::Path& scratch,
                    storage::AsyncIo& io, const JoinEmit& emit);

/// A right side that fits in memory, held whole: rows of the left are matched as they come.
class BroadcastTable {
 public:
  BroadcastTable(memory::Budget& budget, std::uint64_t memory_bytes);
  /// For `rows` rows whose join_record_bytes() are `bytes` together.
  [[nodiscard]] static std::uint64_t least_memory(std::uint64_t rows, std::uint64_t bytes) noexcept;
  BroadcastTable(BroadcastTable&&) noexcept;
  ~BroadcastTable();

  /// False, and nothing is added, if it does not fit.
  [[nodiscard]] bool insert(std::uint64_t hash, std::span<const std::byte> key,
                            std::span<const std::byte> row);
  /// Rows with this key, in the order they were inserted. Valid until the next insert or find. The first find
  /// after inserts indexes all rows: insert first, then find.
  [[nodiscard]] std::span<const std::span<const std::byte>> find(std::uint64_t hash,
                                                                 std::span<const std::byte> key);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::external
