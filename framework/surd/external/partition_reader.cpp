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
  struct Piece {
    std::span<const std::byte> bytes;
    storage::AsyncIo::Ticket ticket;
    std::size_t part;
    std::size_t extent;  ///< Of the part.
  };
  struct Half {
    std::byte* begin = nullptr;
    std::size_t used = 0;
    std::vector<Piece> pieces;
  };

  State(const std::vector<storage::ReadableFile*>& files_in, std::vector<PartitionExtents> parts_in,
        memory::Budget& budget, std::uint64_t memory_bytes, storage::AsyncIo& io_in,
        std::uint32_t packed_bytes)
      : files(files_in), parts(std::move(parts_in)), io(io_in), packing(packed_bytes) {
    base::expect(packed_bytes <= PartitionWriter::most_packed_bytes, "a record is too large to be packed");
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
        if (!half.pieces.empty()) io.wait(half.pieces.back().ticket);  // and with it for those before
      } catch (const base::Error&) {
        // Nobody looks at these bytes any more.
      }
    }
  }

  /// Starts the reads of what fits into `half`.
  void fill(Half& half) {
    half.used = 0;
    half.pieces.clear();
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
    auto* const into = half.begin + half.used;
    const auto ticket = io.read(*files.at(parts[part].file), from.offset, {into, taken});
    half.pieces.push_back({{into, bytes}, ticket, part, extent});
    half.used = std::min(half_bytes, static_cast<std::size_t>(detail::whole_units(half.used + taken)));
    return true;
  }

  /// Null at the end.
  const Piece* next_piece() {
    if (piece == halves[current].pieces.size()) {
      fill(halves[current]);
      current ^= 1;
      piece = 0;
    }
    auto& half = halves[current];
    if (half.pieces.empty()) return nullptr;
    io.wait(std::exchange(half.pieces[piece].ticket, 0));
    return &half.pieces[piece++];
  }

  /// As many whole records as `into` has room for, of one piece. Returns their bytes; 0 at the end.
  std::size_t unpack(std::span<std::byte> into) {
    if (packed.empty()) {
      const auto* const next = next_piece();
      go_to(next != nullptr ? next->part : parts.size(), next != nullptr ? next->extent : 0);
      if (next == nullptr) return 0;
      packed = next->bytes;
    }
    const auto* at = packed.data();
    const auto* const end = at + packed.size();
    auto* to = into.data();
    packing.unpack(at, end, to, to + into.size());
    if (at > end) throw base::FormatError("a partition ends inside of a record: its spill file is damaged");
    packed = {at, end};
    const auto bytes = static_cast<std::size_t>(to - into.data());
    unpacked_records += bytes / packing.record_bytes();
    if (unpacked_records > parts[unpacked_part].records) fail_count();
    return bytes;
  }

  void go_to(std::size_t next_part, std::size_t next_extent) {
    for (; unpacked_part < next_part; ++unpacked_part, unpacked_records = 0) {
      if (unpacked_records != parts[unpacked_part].records) fail_count();
    }
    unpacked_extent = next_extent;
  }

  [[noreturn]] void fail_count() const {
    throw base::FormatError(
        fmt::format("a partition holds {} records, or more, where {} were written: its spill file is damaged",
                    unpacked_records, parts[unpacked_part].records));
  }

  [[nodiscard]] std::vector<PartitionExtents> rest() const {
    std::vector<PartitionExtents> result(parts.begin() + static_cast<std::ptrdiff_t>(unpacked_part),
                                         parts.end());
    if (result.empty() || unpacked_records == 0) return result;
    auto& first = result.front();
    if (!packed.empty()) {
      auto& cut = first.extents[unpacked_extent];
      cut = {cut.offset + cut.bytes - packed.size(), packed.size()};
    }
    const auto used = unpacked_extent + (packed.empty() ? 1 : 0);
    first.extents.erase(first.extents.begin(), first.extents.begin() + static_cast<std::ptrdiff_t>(used));
    first.records -= unpacked_records;
    first.unpacked_bytes = first.records * packing.record_bytes();
    if (first.extents.empty() != (first.records == 0)) fail_count();
    return result;
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

  std::span<const std::byte> packed;   ///< What is not unpacked yet of the piece given out,
  std::size_t unpacked_part = 0;       ///< which is of this part,
  std::size_t unpacked_extent = 0;     ///< this extent of it;
  std::uint64_t unpacked_records = 0;  ///< of the part, so far.
  std::vector<std::byte> unpacked;     ///< Empty: records are not packed.
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
  if (state_->unpacked.empty()) {
    const auto* const piece = state_->next_piece();
    return piece != nullptr ? piece->bytes : std::span<const std::byte>();
  }
  return {state_->unpacked.data(), state_->unpack(state_->unpacked)};
}

std::size_t PartitionReader::read(std::span<std::byte> into) {
  base::expect(state_->packing.record_bytes() > 0, "records that are not packed come by next()");
  std::size_t bytes = 0;
  while (into.size() - bytes >= state_->packing.record_bytes()) {
    const auto more = state_->unpack(into.subspan(bytes));
    if (more == 0) break;
    bytes += more;
  }
  return bytes;
}

std::vector<PartitionExtents> PartitionReader::rest() const { return state_->rest(); }

}  // namespace surd::external
