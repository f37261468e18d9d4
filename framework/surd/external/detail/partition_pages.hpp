// The pages of a PartitionWriter, with append() inline for loops over rows.
//
// Memory is one arena: a page per partition, and spare ones. A full page waits for others, and the partition
// goes on in a spare one; some pages together are written behind at once: what the disk sees is large
// sequential writes however small the pages are. An extent is a page, so partitions are read in page-sized
// pieces; each is padded to whole units, so that it is read past the page cache.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "surd/external/partition.hpp"

namespace surd::external::detail {

struct Unmap {
  std::size_t bytes = 0;
  void operator()(std::byte* memory) const noexcept;
};
/// Memory straight from the system, and back to it: malloc might keep what is freed. Pages that are never
/// touched are never resident.
using Arena = std::unique_ptr<std::byte[], Unmap>;
/// @throws IoError  if the system has no more.
[[nodiscard]] Arena make_arena(std::size_t bytes);

/// What transfers past the page cache are multiples of, in the file and in memory.
inline constexpr std::uint64_t unit_bytes = 4096;
[[nodiscard]] constexpr std::uint64_t whole_units(std::uint64_t bytes) noexcept {
  return (bytes + unit_bytes - 1) / unit_bytes * unit_bytes;
}

/// Of an extent that is not one large record.
inline constexpr std::uint64_t most_page_bytes = std::uint64_t{1} << 20;

class PartitionPages {
 public:
  PartitionPages(std::uint32_t partitions, memory::Budget& budget, std::uint64_t memory_bytes,
                 SpillFile& spill, std::uint64_t file_number, storage::AsyncIo& io);
  PartitionPages(const PartitionPages&) = delete;
  PartitionPages& operator=(const PartitionPages&) = delete;
  ~PartitionPages();

  /// Least memory for so many partitions.
  [[nodiscard]] static std::uint64_t least_memory(std::uint32_t partitions) noexcept;

  [[nodiscard]] std::byte* append(std::uint64_t hash, std::size_t bytes) {
    const auto partition = partition_of(hash);
    auto& page = pages_[partition];
    if (bytes > page.room) return append_slowly(partition, bytes);
    auto* const at = page.end;
    ask_for_what_follows(at);
    page.end += bytes;
    page.room -= static_cast<std::uint32_t>(bytes);
    page.unpacked += static_cast<std::uint32_t>(bytes);
    ++page.records;
    return at;
  }

  /// Room for a record of at most `most` bytes, no more than the least page has. take() then says how many it
  /// got, and how many it has when it is not packed.
  [[nodiscard]] std::byte* room(std::uint64_t hash, std::size_t most) {
    const auto partition = partition_of(hash);
    if (most > pages_[partition].room) make_room(partition, most);
    ask_for_what_follows(pages_[partition].end);
    return pages_[partition].end;
  }
  void take(std::uint64_t hash, std::size_t bytes, std::size_t unpacked) noexcept {
    auto& page = pages_[partition_of(hash)];
    page.end += bytes;
    page.room -= static_cast<std::uint32_t>(bytes);
    page.unpacked += static_cast<std::uint32_t>(unpacked);
    ++page.records;
  }

  [[nodiscard]] std::vector<PartitionExtents> finish();

 private:
  struct Page {
    std::byte* begin = nullptr;  ///< Null: none, until there is a record.
    std::byte* end = nullptr;
    std::uint32_t room = 0;
    std::uint32_t records = 0;   ///< Since the page was empty,
    std::uint32_t unpacked = 0;  ///< the bytes they have when they are not packed.
  };
  /// Pages that are written together.
  struct Batch {
    struct Of {
      std::size_t partition;
      std::size_t bytes;  ///< Without the padding.
    };
    std::vector<std::span<const std::byte>> pieces;  ///< A page each.
    std::vector<Of> of;
    std::size_t bytes = 0;
    storage::AsyncIo::Ticket ticket = 0;
  };

  [[nodiscard]] std::size_t partition_of(std::uint64_t hash) const noexcept {
    return static_cast<std::size_t>(shift_ == 64 ? 0 : hash >> shift_);
  }
  /// Pages are too many, and filled too slowly, for the processor to see that they are filled one after the
  /// other.
  static void ask_for_what_follows(const std::byte* at) noexcept { __builtin_prefetch(at + 128, 1); }
  [[nodiscard]] std::byte* append_slowly(std::size_t partition, std::size_t bytes);
  [[nodiscard]] std::byte* append_large(std::size_t partition, std::size_t bytes);
  void put_pages();
  void make_room(std::size_t partition, std::size_t bytes);
  void renew(std::size_t partition);
  void give_page(std::size_t partition);
  void stage(std::size_t partition);
  void stage_all();
  void write_batch();
  void wait_oldest();
  void wait_all();
  void clear_spare_region(std::size_t bytes);
  void write_large();
  [[nodiscard]] std::byte* spare_region() const noexcept {
    return arena_.get() + pages_.size() * page_bytes_;
  }
  [[nodiscard]] std::size_t spare_bytes() const noexcept {
    return arena_bytes_ - pages_.size() * page_bytes_;
  }

  SpillFile& spill_;
  storage::AsyncIo& io_;
  std::uint64_t file_number_;
  unsigned shift_;
  memory::Reservation reservation_;
  std::size_t page_bytes_;
  std::size_t batch_bytes_;
  Arena arena_;
  std::size_t arena_bytes_;
  std::vector<Page> pages_;
  std::vector<std::byte*> spare_;
  Batch batch_;
  std::deque<Batch> written_;  ///< The oldest first.
  struct Large {
    std::size_t partition = 0;
    std::size_t bytes = 0;  ///< 0: none pending.
    std::byte* begin = nullptr;
  } large_;
  std::vector<PartitionExtents> extents_;
};

}  // namespace surd::external::detail
