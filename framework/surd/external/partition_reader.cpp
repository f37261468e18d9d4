#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/external/detail/partition_pages.hpp"
#include "surd/external/detail/record_packing.hpp"
#include "surd/external/partition.hpp"

namespace surd::external {
namespace {

/// Packed records are unpacked little by little, to memory that stays in the cache.
constexpr std::uint64_t most_unpacked_bytes = 32 << 10;

std::uint64_t largest_of(const std::vector<PartitionExtents>& parts) noexcept {
  std::uint64_t largest = 1;
  for (const auto& part : parts) {
    for (const auto& extent : part.extents) largest = std::max(largest, extent.bytes);
  }
  return largest;
}

}  // namespace

/// Two halves: the pieces of one are given out while the other fills. Each extent is one read, to a place in
/// memory at which it passes the page cache by.
struct PartitionReader::State {
  struct Half {
    std::byte* begin = nullptr;
    std::size_t used = 0;
    std::vector<std::span<const std::byte>> pieces;
    std::vector<storage::AsyncIo::Ticket> tickets;  ///< Of the pieces.
  };

  State(const std::vector<storage::ReadableFile*>& files_in, std::vector<PartitionExtents> parts_in,
        memory::Budget& budget, std::uint64_t memory_bytes, storage::AsyncIo& io_in,
        std::uint32_t packed_bytes)
      : files(files_in), parts(std::move(parts_in)), io(io_in), packing(packed_bytes) {
    const auto least = least_memory(parts, packed_bytes);
    reservation = budget.reserve(least, std::max(least, memory_bytes), "reading a partition");
    const auto spare = reservation.bytes() - (least - packed_bytes);
    unpacked.resize(
        packed_bytes == 0 ? 0 : std::min(spare, std::max<std::uint64_t>(most_unpacked_bytes, packed_bytes)));
    half_bytes = static_cast<std::size_t>((reservation.bytes() - unpacked.size()) / 2 / detail::unit_bytes *
                                          detail::unit_bytes);
    // Packed records are read some bytes beyond their end: there may be what a thread is still reading, and
    // is masked off.
    arena = detail::make_arena(2 * half_bytes + detail::unit_bytes);
    halves[0].begin = arena.get();
    halves[1].begin = arena.get() + half_bytes;
    fill(halves[0]);
    fill(halves[1]);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ~State() {
    for (const auto& half : halves) {
      try {
        if (!half.tickets.empty()) io.wait(half.tickets.back());  // and with it for those before
      } catch (const base::Error&) {
        // Nobody looks at these bytes any more.
      }
    }
  }

  /// Starts the reads of what fits into `half`.
  void fill(Half& half) {
    half.used = 0;
    half.pieces.clear();
    half.tickets.clear();
    for (; part < parts.size(); ++part, extent = 0) {
      const auto& extents = parts[part].extents;
      for (; extent < extents.size(); ++extent) {
        if (!read(half, extents[extent])) return;
      }
    }
  }

  /// Starts the read of an extent, if there is room. Those that begin with a unit also end with one, padded.
  bool read(Half& half, const Extent& from) {
    const auto bytes = static_cast<std::size_t>(from.bytes);
    const auto taken =
        from.offset % detail::unit_bytes == 0 ? static_cast<std::size_t>(detail::whole_units(bytes)) : bytes;
    if (taken > half_bytes - half.used) return false;
    if (bytes == 0) return true;
    half.pieces.emplace_back(half.begin + half.used, bytes);
    half.tickets.push_back(
        io.read(*files.at(parts[part].file), from.offset, {half.begin + half.used, taken}));
    half.used = std::min(half_bytes, static_cast<std::size_t>(detail::whole_units(half.used + taken)));
    return true;
  }

  std::span<const std::byte> next_piece() {
    if (piece == halves[current].pieces.size()) {
      fill(halves[current]);
      current ^= 1;
      piece = 0;
    }
    auto& half = halves[current];
    if (half.pieces.empty()) return {};
    io.wait(std::exchange(half.tickets[piece], 0));
    return half.pieces[piece++];
  }

  std::span<const std::byte> next_unpacked() {
    if (packed.empty()) packed = next_piece();
    const auto* at = packed.data();
    const auto* const end = at + packed.size();
    auto* into = unpacked.data();
    packing.unpack(at, end, into, into + unpacked.size());
    if (at > end) throw base::FormatError("a partition ends inside of a record");
    packed = {at, end};
    return {unpacked.data(), into};
  }

  std::vector<storage::ReadableFile*> files;
  std::vector<PartitionExtents> parts;
  storage::AsyncIo& io;
  detail::RecordPacking packing;
  memory::Reservation reservation;
  std::size_t half_bytes = 0;
  detail::Arena arena;
  std::array<Half, 2> halves;
  std::size_t current = 0;  ///< The half given out,
  std::size_t piece = 0;    ///< the next piece of it.
  std::size_t part = 0;     ///< Next to read: part, extent in it.
  std::size_t extent = 0;
  std::span<const std::byte> packed;  ///< What is not unpacked yet of the piece given out.
  std::vector<std::byte> unpacked;    ///< Empty: records are not packed.
};

PartitionReader::PartitionReader(const std::vector<storage::ReadableFile*>& files,
                                 std::vector<PartitionExtents> parts, memory::Budget& budget,
                                 std::uint64_t memory_bytes, storage::AsyncIo& io, std::uint32_t packed_bytes)
    : state_(std::make_unique<State>(files, std::move(parts), budget, memory_bytes, io, packed_bytes)) {}

/// Two halves, each with room for the largest extent, and one record unpacked.
std::uint64_t PartitionReader::least_memory(const std::vector<PartitionExtents>& parts,
                                            std::uint32_t packed_bytes) noexcept {
  return 2 * detail::whole_units(largest_of(parts)) + packed_bytes;
}

PartitionReader::PartitionReader(PartitionReader&&) noexcept = default;
PartitionReader::~PartitionReader() = default;

std::span<const std::byte> PartitionReader::next() {
  return state_->unpacked.empty() ? state_->next_piece() : state_->next_unpacked();
}

}  // namespace surd::external
