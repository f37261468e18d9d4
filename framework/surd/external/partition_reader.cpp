#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/external/detail/partition_pages.hpp"
#include "surd/external/partition.hpp"

namespace surd::external {
namespace {

constexpr std::uint64_t least_buffer_bytes = 4096;

std::uint64_t largest_extent(const std::vector<PartitionExtents>& parts) {
  std::uint64_t largest = 0;
  for (const auto& part : parts) {
    for (const auto& extent : part.extents) largest = std::max(largest, extent.bytes);
  }
  return largest;
}

}  // namespace

/// Two halves: one is looked at while the other fills. A half holds as many extents as fit into it; adjacent
/// ones are one read.
struct PartitionReader::State {
  struct Half {
    std::byte* begin = nullptr;
    std::size_t used = 0;
    std::vector<storage::AsyncIo::Ticket> tickets;
  };

  State(const std::vector<storage::ReadableFile*>& files_in, std::vector<PartitionExtents> parts_in,
        memory::Budget& budget, std::uint64_t memory_bytes, storage::AsyncIo& io_in,
        std::uint32_t record_bytes_in)
      : files(files_in), parts(std::move(parts_in)), io(io_in), record_bytes(record_bytes_in) {
    const auto largest = largest_extent(parts);
    const auto piece = record_bytes > 0 ? std::min<std::uint64_t>(largest, record_bytes) : largest;
    const auto least = 2 * std::max(least_buffer_bytes, piece);
    reservation = budget.reserve(least, std::max(least, memory_bytes), "reading a partition");
    half_bytes = reservation.bytes() / 2;
    arena = detail::make_arena(2 * half_bytes);
    halves[0].begin = arena.get();
    halves[1].begin = arena.get() + half_bytes;
    fill(halves[0]);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ~State() {
    for (auto& half : halves) {
      try {
        wait(half);
      } catch (const base::Error&) {
        // Nobody looks at these bytes any more.
      }
    }
  }

  /// Starts the reads of what fits into `half`.
  void fill(Half& half) {
    half.used = 0;
    while (part < parts.size()) {
      const auto& extents = parts[part].extents;
      if (extent == extents.size()) {
        ++part;
        extent = 0;
        continue;
      }
      const auto bytes = stretch(extents, half_bytes - half.used);
      if (bytes == 0) return;
      auto& file = *files.at(parts[part].file);
      half.tickets.push_back(io.read(file, extents[extent].offset + done, {half.begin + half.used, bytes}));
      half.used += bytes;
      advance(extents, bytes);
    }
  }

  /// How many of the next bytes are adjacent in the file, end with a record and fit into `room`.
  [[nodiscard]] std::size_t stretch(const std::vector<Extent>& extents, std::size_t room) const {
    std::size_t bytes = 0;
    auto offset = extents[extent].offset + done;
    for (auto e = extent; e < extents.size(); ++e) {
      const auto left = extents[e].bytes - (e == extent ? done : 0);
      if (e > extent && extents[e].offset != offset) break;
      if (left > room - bytes) {
        if (record_bytes > 0) bytes += (room - bytes) / record_bytes * record_bytes;
        break;
      }
      bytes += left;
      offset += left;
    }
    return bytes;
  }

  void advance(const std::vector<Extent>& extents, std::size_t bytes) {
    while (bytes > 0) {
      const auto left = extents[extent].bytes - done;
      if (bytes < left) {
        done += bytes;
        return;
      }
      bytes -= left;
      done = 0;
      ++extent;
    }
  }

  void wait(Half& half) {
    while (!half.tickets.empty()) {
      const auto ticket = half.tickets.back();
      half.tickets.pop_back();
      io.wait(ticket);
    }
  }

  std::span<const std::byte> next() {
    auto& half = halves[current];
    current ^= 1;
    fill(halves[current]);
    wait(half);
    return {half.begin, half.used};
  }

  std::vector<storage::ReadableFile*> files;
  std::vector<PartitionExtents> parts;
  storage::AsyncIo& io;
  std::uint32_t record_bytes;
  memory::Reservation reservation;
  std::size_t half_bytes = 0;
  detail::Arena arena;
  std::array<Half, 2> halves;
  std::size_t current = 0;
  std::size_t part = 0;    ///< Next to read: part, extent in it,
  std::size_t extent = 0;  ///< bytes of that already asked for.
  std::uint64_t done = 0;
};

PartitionReader::PartitionReader(const std::vector<storage::ReadableFile*>& files,
                                 std::vector<PartitionExtents> parts, memory::Budget& budget,
                                 std::uint64_t memory_bytes, storage::AsyncIo& io, std::uint32_t record_bytes)
    : state_(std::make_unique<State>(files, std::move(parts), budget, memory_bytes, io, record_bytes)) {}

PartitionReader::PartitionReader(PartitionReader&&) noexcept = default;
PartitionReader::~PartitionReader() = default;

std::span<const std::byte> PartitionReader::next() { return state_->next(); }

}  // namespace surd::external
