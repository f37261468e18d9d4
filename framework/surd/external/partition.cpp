#include "surd/external/partition.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"
#include "surd/base/units.hpp"
#include "surd/external/detail/partition_pages.hpp"
#include "surd/external/detail/record_packing.hpp"

namespace surd::external {

std::uint64_t hash_key(std::span<const std::byte> key) noexcept {
  const auto hash = base::hash64(key);
  return hash == 0 ? 1 : hash;  // tables mark empty slots by 0
}

std::uint32_t partitions_for(std::uint64_t bytes, std::uint64_t block_bytes) noexcept {
  const double blocks =
      static_cast<double>(bytes) / static_cast<double>(std::max<std::uint64_t>(1, block_bytes));
  const double wanted = std::clamp(2 * std::sqrt(blocks), 16.0, 1024.0);
  return std::bit_ceil(static_cast<std::uint32_t>(wanted));
}

std::uint64_t PartitionExtents::bytes() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& extent : extents) sum += extent.bytes;
  return sum;
}

// File, records, what unpacking adds to them (modulo 2^64), number of extents; then per extent the gap from
// the end of the one before (they ascend) and its size: 2 to 4 bytes where pages are small.
void put_partition(base::ByteWriter& into, const PartitionExtents& partition) {
  into.put_varint(partition.file);
  into.put_varint(partition.records);
  into.put_varint(partition.unpacked_bytes - partition.bytes());
  into.put_varint(partition.extents.size());
  std::uint64_t end = 0;
  for (const auto& extent : partition.extents) {
    into.put_varint(extent.offset - end);
    into.put_varint(extent.bytes);
    end = extent.offset + extent.bytes;
  }
}

PartitionExtents get_partition(base::ByteReader& from) {
  PartitionExtents partition;
  partition.file = from.get_varint();
  partition.records = from.get_varint();
  const auto unpacking_adds = from.get_varint();
  const auto count = from.get_varint();
  if (count > from.remaining()) throw base::FormatError("a partition names more extents than it holds");
  partition.extents.reserve(count);
  std::uint64_t end = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const auto offset = end + from.get_varint();
    const auto bytes = from.get_varint();
    partition.extents.push_back({offset, bytes});
    end = offset + bytes;
  }
  partition.unpacked_bytes = partition.bytes() + unpacking_adds;
  return partition;
}

namespace detail {
namespace {

constexpr std::uint64_t least_page_bytes = unit_bytes;
constexpr std::uint64_t least_batch_bytes = 64 << 10;
constexpr std::uint64_t least_doubled_bytes = 64 << 10;

/// How `have` bytes are divided.
struct ArenaShape {
  std::uint64_t page_bytes;
  std::uint64_t batch_bytes;  ///< Of pages that are written together.
  std::uint64_t bytes;        ///< Of all pages.

  ArenaShape(std::uint64_t have, std::uint64_t partitions) noexcept {
    const auto down = [](std::uint64_t size) { return size / unit_bytes * unit_bytes; };
    // At most a 16th, so that a reader in as much memory has room for two.
    const auto most = std::min(most_page_bytes, have / 16);
    batch_bytes = std::clamp<std::uint64_t>(down(have / 16), least_batch_bytes, most_page_bytes);
    // A spare page for each, so that all can be written while all are filled anew; with less memory, for two
    // batches.
    page_bytes = down(std::min(have / (2 * partitions), most));
    bytes = 2 * partitions * page_bytes;
    if (page_bytes >= least_doubled_bytes) return;
    batch_bytes = std::min(batch_bytes, down((have - partitions * least_page_bytes) / 2));
    page_bytes = down(std::min((have - 2 * batch_bytes) / partitions, most));
    batch_bytes = std::max(batch_bytes, std::min(page_bytes, down((have - partitions * page_bytes) / 2)));
    page_bytes = std::min(page_bytes, batch_bytes);
    bytes = (partitions + 2 * batch_bytes / page_bytes) * page_bytes;
  }
};

/// A record is written from the arena as a whole.
[[noreturn]] void refuse(std::uint64_t record_bytes, std::uint64_t partitions, std::uint64_t had) {
  const auto most = ArenaShape(std::uint64_t{1} << 60, partitions).bytes;
  if (record_bytes > most) {
    throw base::UsageError(fmt::format("a row of {} cannot be partitioned: it may have up to {}",
                                       base::format_bytes(record_bytes), base::format_bytes(most)));
  }
  auto needed = had;
  while (ArenaShape(needed, partitions).bytes < record_bytes) needed += 64 * base::KiB;
  throw LargeRecord(record_bytes, fmt::format("{} partitions", partitions), needed, had);
}

unsigned partition_shift(std::uint32_t partitions) {
  if (!std::has_single_bit(partitions)) {
    throw base::UsageError(fmt::format("{} partitions: not a power of two", partitions));
  }
  return 64 - static_cast<unsigned>(std::countr_zero(partitions));
}

}  // namespace

void Unmap::operator()(std::byte* memory) const noexcept { ::munmap(memory, bytes); }

Arena make_arena(std::size_t bytes) {
  const auto size = std::max<std::size_t>(bytes, 1);
  void* const memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    throw base::IoError(
        fmt::format("cannot get {} of memory: {}", base::format_bytes(size), std::strerror(errno)), errno);
  }
  ::madvise(memory, size, MADV_HUGEPAGE);  // advice: scattering jumps about, and misses fewer large pages
  return {static_cast<std::byte*>(memory), Unmap{size}};
}

std::uint64_t PartitionPages::least_memory(std::uint32_t partitions) noexcept {
  return partitions * least_page_bytes + 2 * least_batch_bytes;
}

PartitionPages::PartitionPages(std::uint32_t partitions, memory::Budget& budget, std::uint64_t memory_bytes,
                               SpillFile& spill, std::uint64_t file_number, storage::AsyncIo& io)
    : spill_(spill), io_(io), file_number_(file_number), shift_(partition_shift(partitions)) {
  const auto least = least_memory(partitions);
  reservation_ = budget.reserve(least, std::max(least, memory_bytes),
                                fmt::format("scattering over {} partitions", partitions));
  const ArenaShape shape(reservation_.bytes(), partitions);
  page_bytes_ = shape.page_bytes;
  batch_bytes_ = shape.batch_bytes;
  arena_bytes_ = shape.bytes;
  arena_ = make_arena(arena_bytes_);
  pages_.resize(partitions);
  put_pages();
  extents_.resize(partitions);
}

PartitionPages::~PartitionPages() {
  try {
    wait_all();  // the writing thread reads the arena
  } catch (const base::Error&) {
    // Whoever needs these bytes flushes the spill file, which reports.
  }
}

/// All empty, in order, and those that are no partition's spare. None is being written.
void PartitionPages::put_pages() {
  auto* at = arena_.get();
  for (auto& page : pages_) {
    page = {at, at, static_cast<std::uint32_t>(page_bytes_)};
    at += page_bytes_;
  }
  spare_.clear();
  for (; at != arena_.get() + arena_bytes_; at += page_bytes_) spare_.push_back(at);
}

std::byte* PartitionPages::append_slowly(std::size_t partition, std::size_t bytes) {
  make_room(partition, bytes);
  if (bytes > page_bytes_) return append_large(partition, bytes);
  return append(static_cast<std::uint64_t>(partition) << (shift_ & 63), bytes);
}

/// As much as a page has.
void PartitionPages::make_room(std::size_t partition, std::size_t bytes) {
  if (large_.bytes > 0) write_large();  // while it lay over the pages, none had room
  if (pages_[partition].room < bytes) renew(partition);
}

/// A record larger than a page is built where the spare pages were at first, or over the whole arena once
/// that is empty.
std::byte* PartitionPages::append_large(std::size_t partition, std::size_t bytes) {
  if (bytes > arena_bytes_) refuse(bytes, pages_.size(), reservation_.bytes());
  const bool over_pages = bytes > spare_bytes();
  if (over_pages) stage_all();
  write_batch();
  wait_all();
  if (over_pages) {
    put_pages();
  } else {
    clear_spare_region(bytes);
  }
  large_ = {partition, bytes, over_pages ? arena_.get() : spare_region()};
  for (auto& page : pages_) page.room = 0;  // the next append() comes by append_slowly()
  return large_.begin;
}

/// Pages of partitions that lie in its first bytes change places with spare ones.
void PartitionPages::clear_spare_region(std::size_t bytes) {
  const auto lies_there = [&](const std::byte* page) {
    return page >= spare_region() && page < spare_region() + bytes;
  };
  auto to = std::partition(spare_.begin(), spare_.end(), lies_there);
  for (auto& page : pages_) {
    if (!lies_there(page.begin)) continue;
    const auto used = static_cast<std::size_t>(page.end - page.begin);
    std::memcpy(*to, page.begin, used);
    std::swap(*to++, page.begin);
    page.end = page.begin + used;
  }
}

void PartitionPages::write_large() {
  spill_.align(io_);
  const auto bytes = static_cast<std::size_t>(whole_units(large_.bytes));
  const auto pending = spill_.append(io_, std::span<const std::byte>(large_.begin, bytes));
  io_.wait(pending.ticket);
  auto& partition = extents_[large_.partition];
  partition.extents.push_back({pending.offset, large_.bytes});
  ++partition.records;
  partition.unpacked_bytes += large_.bytes;
  large_ = {};
  for (auto& page : pages_) {
    if (page.begin != nullptr) page.room = static_cast<std::uint32_t>(page.begin + page_bytes_ - page.end);
  }
}

/// An empty page in place of one that has no room.
void PartitionPages::renew(std::size_t partition) {
  stage(partition);
  if (pages_[partition].begin == nullptr) give_page(partition);
}

void PartitionPages::give_page(std::size_t partition) {
  if (spare_.empty()) {
    if (written_.empty()) write_batch();
    wait_oldest();
  }
  pages_[partition] = {spare_.back(), spare_.back(), static_cast<std::uint32_t>(page_bytes_)};
  spare_.pop_back();
}

/// Adds a page to those that are written next.
void PartitionPages::stage(std::size_t partition) {
  const auto page = std::exchange(pages_[partition], {});
  if (page.begin == page.end) {
    pages_[partition] = page;
    return;
  }
  const auto used = static_cast<std::size_t>(page.end - page.begin);
  const auto padded = static_cast<std::size_t>(whole_units(used));
  extents_[partition].records += page.records;
  extents_[partition].unpacked_bytes += page.unpacked;
  batch_.pieces.emplace_back(page.begin, padded);
  batch_.of.push_back({partition, used});
  batch_.bytes += padded;
  if (batch_.bytes >= batch_bytes_) write_batch();
}

void PartitionPages::stage_all() {
  for (std::size_t p = 0; p < pages_.size(); ++p) stage(p);
}

void PartitionPages::write_batch() {
  if (batch_.bytes == 0) return;
  spill_.align(io_);
  auto& batch = written_.emplace_back(std::exchange(batch_, {}));
  const auto pending = spill_.append(io_, batch.pieces);
  batch.ticket = pending.ticket;
  auto offset = pending.offset;
  for (const auto& [partition, bytes] : batch.of) {
    extents_[partition].extents.push_back({offset, bytes});
    offset += whole_units(bytes);
  }
}

void PartitionPages::wait_oldest() {
  const auto& batch = written_.front();
  io_.wait(batch.ticket);
  for (const auto piece : batch.pieces) spare_.push_back(const_cast<std::byte*>(piece.data()));
  written_.pop_front();
}

void PartitionPages::wait_all() {
  while (!written_.empty()) wait_oldest();
}

std::vector<PartitionExtents> PartitionPages::finish() {
  if (large_.bytes > 0) write_large();
  stage_all();
  write_batch();
  for (auto& partition : extents_) partition.file = file_number_;
  std::vector<PartitionExtents> done(pages_.size());
  std::swap(done, extents_);
  return done;
}

}  // namespace detail

struct PartitionWriter::State : detail::PartitionPages {
  using PartitionPages::PartitionPages;
};

PartitionWriter::PartitionWriter(std::uint32_t partitions, memory::Budget& budget, std::uint64_t memory_bytes,
                                 SpillFile& spill, std::uint64_t file_number, storage::AsyncIo& io)
    : state_(std::make_unique<State>(partitions, budget, memory_bytes, spill, file_number, io)) {}

PartitionWriter::PartitionWriter(PartitionWriter&&) noexcept = default;
PartitionWriter::~PartitionWriter() = default;

std::byte* PartitionWriter::append(std::uint64_t hash, std::size_t bytes) {
  return state_->append(hash, bytes);
}

void PartitionWriter::append_packed(std::span<const std::uint64_t> hashes,
                                    std::span<const std::byte> records) {
  if (hashes.empty()) return;
  const auto bytes = records.size() / hashes.size();
  base::expect(bytes <= most_packed_bytes, "a record is too large to be packed");
  const detail::RecordPacking packing(static_cast<std::uint32_t>(bytes));
  packing.with_packer([&](auto packer) {
    const auto* from = records.data();
    for (const auto hash : hashes) {
      auto* const at = state_->room(hash, packing.most_bytes());
      state_->take(hash, static_cast<std::size_t>(packer.put(at, from) - at), bytes);
      from += bytes;
    }
  });
}

std::vector<PartitionExtents> PartitionWriter::finish() { return state_->finish(); }

}  // namespace surd::external
