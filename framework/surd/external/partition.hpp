// Scattering records over partitions by the top bits of a hash, in bounded memory: a page per partition,
// written to one spill file as extents when full. What grace hash joins and spilling group-bys are made of
// (Kitsuregawa, Tanaka & Moto-oka, New Gener. Comput. 1, 1983).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/external/detail/hash_mix.hpp"
#include "surd/external/record.hpp"
#include "surd/external/spill.hpp"
#include "surd/memory/budget.hpp"

namespace surd::external {

/// Stable 64-bit hash of a key (XXH3), the same on every machine. Partition = its top bits.
[[nodiscard]] std::uint64_t hash_key(std::span<const std::byte> key) noexcept;
/// Of a key of exactly 8 bytes, held in a number: cheaper, but the same hash_key() as of those bytes is NOT
/// promised; a job uses one or the other throughout.
[[nodiscard]] inline std::uint64_t hash_key(std::uint64_t key) noexcept { return detail::mix(key); }

/// Number of partitions for `bytes` of input in blocks of `block_bytes`: a power of two from 16 to 1024,
/// about 2 sqrt(bytes / block_bytes). Depends on the input alone, so that results do not depend on ranks or
/// memory.
[[nodiscard]] std::uint32_t partitions_for(std::uint64_t bytes, std::uint64_t block_bytes) noexcept;

/// What one writer left in one partition: extents of one spill file. Those that begin at a multiple of 4096
/// are padded to one, so that they can be read past the page cache.
struct PartitionExtents {
  std::uint64_t file = 0;  ///< Index into the caller's list of spill files.
  std::uint64_t records = 0;
  std::uint64_t unpacked_bytes = 0;  ///< Of the records when they are not packed, if their writer packs them.
  std::vector<Extent> extents;       ///< In the order they were written.

  [[nodiscard]] std::uint64_t bytes() const noexcept;
};

void put_partition(base::ByteWriter& into, const PartitionExtents& partition);
[[nodiscard]] PartitionExtents get_partition(base::ByteReader& from);

/// Records here are opaque byte strings of the caller's making; a record never straddles two extents.
class PartitionWriter {
 public:
  static constexpr std::size_t most_packed_bytes = 1024;

  /// Takes `memory_bytes` from `budget`, divided into pages (4 KiB to 1 MiB each): one for each partition,
  /// and spare ones that are filled while others are written. `partitions` is a power of two.
  PartitionWriter(std::uint32_t partitions, memory::Budget& budget, std::uint64_t memory_bytes,
                  SpillFile& spill, std::uint64_t file_number, storage::AsyncIo& io);
  PartitionWriter(PartitionWriter&&) noexcept;
  ~PartitionWriter();

  /// Room for one record of `bytes` > 0 in the partition of `hash`; fill it before the next call. Records
  /// larger than a page get extents of their own.
  [[nodiscard]] std::byte* append(std::uint64_t hash, std::size_t bytes);
  /// Records of one size, of at most most_packed_bytes, that lie back to back: the i-th goes to the partition
  /// of hashes[i], packed (8-byte words that are small numbers take less) for a reader that unpacks them.
  void append_packed(std::span<const std::uint64_t> hashes, std::span<const std::byte> records);

  /// Hands all pages to the writing thread; shape [partitions]. What was written may be read once the spill
  /// file has been flushed. The writer is empty again and may be used on, while they are written.
  [[nodiscard]] std::vector<PartitionExtents> finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads one partition from all its writers, in the order given, reading ahead.
class PartitionReader {
 public:
  /// Takes `memory_bytes`, or least_memory() if that is more, from `budget`. `packed_bytes` > 0: of each
  /// record, which append_packed() has written; at most most_packed_bytes.
  PartitionReader(const std::vector<storage::ReadableFile*>& files, std::vector<PartitionExtents> parts,
                  memory::Budget& budget, std::uint64_t memory_bytes, storage::AsyncIo& io,
                  std::uint32_t packed_bytes = 0);
  PartitionReader(PartitionReader&&) noexcept;
  [[nodiscard]] static std::uint64_t least_memory(const std::vector<PartitionExtents>& parts,
                                                  std::uint32_t packed_bytes = 0) noexcept;
  ~PartitionReader();

  /// Whole records as they were given to the writer, back to back: those of the next extent, or some of it if
  /// they are packed; empty at the end. Valid until the next call.
  /// @throws base::FormatError  if an extent ends inside of a packed record, or a part holds more or fewer of
  ///   them than its number says.
  [[nodiscard]] std::span<const std::byte> next();
  /// The same of packed records, as many as there are and `into` has room for; returns their bytes.
  [[nodiscard]] std::size_t read(std::span<std::byte> into);
  /// What read() has left of packed records, for another reader to go on with later.
  [[nodiscard]] std::vector<PartitionExtents> rest() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::external
