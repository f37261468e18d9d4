#include "surd/external/join.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/detail/extent_cursor.hpp"
#include "surd/external/detail/join_place.hpp"
#include "surd/external/detail/join_table.hpp"
#include "surd/external/detail/partition_pages.hpp"

namespace surd::external {
namespace {

using detail::ExtentCursor;
using detail::FixedLayout;
using detail::JoinPlace;
using detail::JoinTable;
using detail::SideSize;
using detail::VariableLayout;
using Row = std::span<const std::byte>;

constexpr std::uint64_t least_join_memory = 128 * base::KiB;
constexpr std::uint64_t most_left_ahead = 32 * base::MiB;

template <class Layout>
class PartitionJoin {
 public:
  PartitionJoin(const JoinPlace& place, std::uint64_t largest, Layout left, Layout right)
      : place_(place),
        plan_(place.memory_bytes, largest),
        left_layout_(left),
        right_layout_(right),
        results_(place.emit) {}

  /// `before`: bytes of the smaller side before the last split.
  void run(const JoinSide& left, const JoinSide& right, unsigned depth = 0,
           std::uint64_t before = UINT64_MAX) {
    const auto l = size_of(left, left_layout_);
    const auto r = size_of(right, right_layout_);
    const bool needs_match = place_.kind == JoinKind::inner || place_.kind == JoinKind::semi;
    if (l.bytes == 0 || (r.bytes == 0 && needs_match)) return;
    if (fits(r) && (!fits(l) || r.bytes <= l.bytes)) {
      hash_join(left, right, r);
    } else if (fits(l) || !splits(l, r, before)) {
      nested_join(left, right, l);
    } else {
      split(left, right, std::min(l.bytes, r.bytes), depth);
    }
  }

 private:
  using Table = JoinTable<Layout>;
  using Entries = std::span<const typename Table::Entry>;

  [[nodiscard]] static SideSize size_of(const JoinSide& side, const Layout& layout) noexcept {
    auto size = detail::size_of(side);
    if (layout.packed_bytes() > 0) size.bytes = size.records * layout.packed_bytes();
    return size;
  }
  [[nodiscard]] std::uint64_t table_bytes(SideSize size) const noexcept {
    return Table::bytes_for(size.bytes, size.records);
  }
  [[nodiscard]] bool fits(SideSize size) const noexcept {
    return table_bytes(size) <= plan_.table && size.bytes <= Table::limit_bytes;
  }

  /// Whether a split is cheaper than passes over the right, and helps: one key cannot be split.
  [[nodiscard]] bool splits(SideSize l, SideSize r, std::uint64_t before) const noexcept {
    if (plan_.parts() < 2) return false;
    const auto passes = table_bytes(l) / plan_.table + 1;
    if (l.bytes + passes * r.bytes <= 3 * (l.bytes + r.bytes)) return false;
    return std::min(l.bytes, r.bytes) <= before - before / 4;
  }

  /// What is yet to be loaded of a side.
  struct Rest {
    JoinSide side;
    std::uint64_t position = 0;  ///< Bytes of it that are loaded already, where they can be passed over.
  };

  /// Bytes of `rest` that follow, as many as `into` has room for; whole records if they are spilled packed,
  /// and then `rest` goes on behind them. `for_reading`: memory.
  std::size_t load(Rest& rest, const Layout& layout, std::span<std::byte> into, std::uint64_t for_reading) {
    if (layout.packed_bytes() > 0) {
      auto reader = open(rest.side, layout, for_reading);
      const auto bytes = reader.read(into);
      rest.side.parts = reader.rest();
      return bytes;
    }
    const auto requested = ExtentCursor(rest.side, rest.position).read(into, place_.io);
    place_.io.wait(requested.last);
    return requested.bytes;
  }

  /// Begins to read `side`, ahead as far as `bytes` go.
  [[nodiscard]] PartitionReader open(const JoinSide& side, const Layout& layout, std::uint64_t bytes) {
    const auto least = PartitionReader::least_memory(side.parts, layout.packed_bytes());
    if (least > bytes) {
      if (layout.packed_bytes() > 0) detail::fail_extent(least / 2, place_.memory_bytes);
      detail::fail_large(least / 2, place_.memory_bytes);  // it has an extent of its own
    }
    return {side.files, side.parts, place_.budget, bytes, place_.io, layout.packed_bytes()};
  }

  /// Calls use(block), which returns how many bytes of it were whole records, until all of `side` is used or
  /// done() says so.
  template <class Use, class Done>
  void scan(const JoinSide& side, const Layout& layout, Use use, Done done) {
    scan(open(side, layout, plan_.stream), use, done);
  }
  template <class Use, class Done>
  void scan(PartitionReader reader, Use use, Done done) {
    while (!done()) {
      const auto block = reader.next();
      if (block.empty()) break;
      if (use(block) != block.size()) throw base::FormatError("a partition ends inside of a record");
      results_.flush();  // its rows lie in the block
    }
  }

  /// The right in a table, the left against it. What the table leaves of the memory reads the left ahead.
  void hash_join(const JoinSide& left, const JoinSide& right, SideSize size) {
    const auto needed = std::min(plan_.table, table_bytes(size));
    const detail::JoinArena arena(place_.budget, needed, "a join");
    const auto memory = arena.all();
    Table table(right_layout_);
    const auto ahead = std::min(place_.memory_bytes - needed, most_left_ahead);
    Rest rest{right};
    const auto bytes = load(rest, right_layout_, memory.first(static_cast<std::size_t>(size.bytes)), ahead);
    auto reader = open(left, left_layout_, std::max(plan_.stream, ahead));
    if (table.index(memory, bytes) != bytes || table.records() != size.records) {
      throw base::FormatError("a partition holds other records than were counted");
    }
    const bool all = place_.kind == JoinKind::left || place_.kind == JoinKind::anti;
    const auto visit = [&](const std::byte* record, Entries entries, std::uint32_t tag) {
      match_left(table, record, entries, tag);
    };
    scan(
        std::move(reader), [&](Row block) { return table.probe(left_layout_, block, all, visit); },
        [] { return false; });
  }

  void match_left(const Table& table, const std::byte* record, Entries entries, std::uint32_t tag) {
    const bool pairs = place_.kind == JoinKind::inner || place_.kind == JoinKind::left;
    bool matched = false;
    for (const auto& entry : entries) {
      const auto* const other = table.record(entry);
      if (entry.tag != tag || !Layout::same_key(record, other)) continue;
      matched = true;
      if (!pairs) break;
      results_.add(left_layout_.row(record), right_layout_.row(other));
    }
    if (wanted_alone(matched)) results_.add(left_layout_.row(record), {});
  }

  /// Left rows that come without a right one.
  [[nodiscard]] bool wanted_alone(bool matched) const noexcept {
    if (place_.kind == JoinKind::semi) return matched;
    return !matched && place_.kind != JoinKind::inner;
  }

  /// As much of the left in a table as fits, all of the right against it, and again until the left ends.
  void nested_join(const JoinSide& left, const JoinSide& right, SideSize size) {
    const detail::JoinArena arena(place_.budget, plan_.table, "a join");
    const auto memory = arena.all();
    const auto capacity = std::min(fits(size) ? size.bytes : most_at_once(size), Table::limit_bytes);
    Rest rest{left};
    while (rest.position < size.bytes) {
      const auto bytes =
          load(rest, left_layout_, memory.first(static_cast<std::size_t>(capacity)), plan_.stream);
      Table table(left_layout_);
      const auto used = table.index(memory, bytes);
      if (used == 0) {
        const auto bytes_needed = left_layout_.size(memory.data(), SIZE_MAX);
        if (bytes_needed <= plan_.largest) throw base::FormatError("a partition ends inside of a record");
        detail::fail_large(bytes_needed, place_.memory_bytes);
      }
      base::expect(used == bytes || left_layout_.packed_bytes() == 0, "a table holds less than was counted");
      pass(table, right);
      rest.position += used;
    }
  }

  /// Bytes of a side that a table is likely to hold; surely, if its records are of one size. At least the
  /// largest record, else.
  [[nodiscard]] std::uint64_t most_at_once(SideSize size) const noexcept {
    const auto record_bytes =
        std::max<std::uint64_t>(size.bytes / std::max<std::uint64_t>(size.records, 1), Layout::least_bytes);
    std::uint64_t low = 0;
    std::uint64_t high = plan_.table / record_bytes;
    while (low < high) {
      const auto records = high - (high - low) / 2;
      if (table_bytes({records * record_bytes, records}) <= plan_.table) {
        low = records;
      } else {
        high = records - 1;
      }
    }
    return left_layout_.packed_bytes() > 0 ? low * record_bytes : std::max(low * record_bytes, plan_.largest);
  }

  void pass(Table& table, const JoinSide& right) {
    const bool pairs = place_.kind == JoinKind::inner || place_.kind == JoinKind::left;
    auto unmatched = table.with_key();
    const auto visit = [&](const std::byte* record, Entries entries, std::uint32_t tag) {
      for (const auto& entry : entries) {
        const auto* const other = table.record(entry);
        if (entry.tag != tag || !Layout::same_key(record, other)) continue;
        if (pairs) results_.add(left_layout_.row(other), right_layout_.row(record));
        if (place_.kind == JoinKind::inner) continue;
        if (table.mark(entry)) {
          --unmatched;
        } else if (!pairs) {
          break;  // then all of this key are marked
        }
      }
    };
    scan(
        right, right_layout_, [&](Row block) { return table.probe(right_layout_, block, false, visit); },
        [&] { return !pairs && unmatched == 0; });
    if (place_.kind == JoinKind::inner) return;
    table.each([&](const std::byte* record, bool matched) {
      if (wanted_alone(matched)) results_.add(left_layout_.row(record), {});
    });
    results_.flush();
  }

  void split(const JoinSide& left, const JoinSide& right, std::uint64_t smaller, unsigned depth) {
    auto spill = SpillFile::scratch(place_.files, place_.scratch);
    const auto wanted = std::bit_ceil(2 * (2 * smaller / plan_.table + 1));
    const auto parts = static_cast<std::uint32_t>(std::min<std::uint64_t>({wanted, plan_.parts(), 256}));
    const auto left_parts = scatter(left, left_layout_, parts, depth, spill);
    const auto right_parts = scatter(right, right_layout_, parts, depth, spill);
    const std::vector<storage::ReadableFile*> files{&spill.reader()};
    for (std::uint32_t i = 0; i < parts; ++i) {
      run({files, {left_parts[i]}}, {files, {right_parts[i]}}, depth + 1, smaller);
    }
  }

  std::vector<PartitionExtents> scatter(const JoinSide& side, const Layout& layout, std::uint32_t parts,
                                        unsigned depth, SpillFile& spill) {
    PartitionWriter writer(parts, place_.budget, plan_.table, spill, 0, place_.io);
    std::array<std::uint64_t, 512> hashes;
    const auto use = [&](Row block) {
      std::size_t at = 0;
      std::size_t packed = 0;
      const auto put_packed = [&] {
        const auto n = std::exchange(packed, 0);
        const auto bytes = n * layout.packed_bytes();
        writer.append_packed(std::span(hashes).first(n), block.subspan(at - bytes, bytes));
      };
      while (const auto size = layout.size(block.data() + at, block.size() - at)) {
        const auto* const record = block.data() + at;
        const auto hash = detail::mix(layout.hash(record) + (depth + 1) * 0x9E37'79B9'7F4A'7C15);
        if (layout.packed_bytes() > 0) {
          hashes[packed++] = hash;
        } else {
          std::memcpy(writer.append(hash, size), record, size);
        }
        at += size;
        if (packed == hashes.size()) put_packed();
      }
      put_packed();
      return at;
    };
    scan(side, layout, use, [] { return false; });
    auto extents = writer.finish();
    spill.flush(place_.io);
    return extents;
  }

  JoinPlace place_;
  detail::JoinMemory plan_;
  Layout left_layout_;
  Layout right_layout_;
  detail::JoinResults results_;
};

}  // namespace

std::string_view name(JoinKind kind) noexcept {
  constexpr std::array<std::string_view, 4> names{"inner", "left", "semi", "anti"};
  return names[static_cast<std::size_t>(kind)];
}

std::size_t join_record_bytes(std::span<const std::byte> key, std::span<const std::byte> row) {
  return VariableLayout::least_bytes + key.size() + row.size();
}

void put_join_record(std::byte* into, std::uint64_t hash, std::span<const std::byte> key,
                     std::span<const std::byte> row) {
  const auto key_size = static_cast<std::uint32_t>(key.size());
  const auto row_size = static_cast<std::uint32_t>(row.size());
  std::memcpy(into, &hash, 8);
  std::memcpy(into + 8, &key_size, 4);
  std::memcpy(into + 12, &row_size, 4);
  std::copy(key.begin(), key.end(), into + 16);
  std::copy(row.begin(), row.end(), into + 16 + key.size());
}

void join_partition(JoinKind kind, const JoinFormat& format, const JoinSide& left, const JoinSide& right,
                    memory::Budget& budget, std::uint64_t memory_bytes, storage::FileSystem& files,
                    const storage::Path& scratch, storage::AsyncIo& io, const JoinRowsEmit& emit) {
  if (memory_bytes < least_join_memory) {
    throw base::UsageError(fmt::format("a join needs at least {} of memory, not {}; raise --memory",
                                       base::format_bytes(least_join_memory),
                                       base::format_bytes(memory_bytes)));
  }
  const JoinPlace place{kind, budget, memory_bytes, files, scratch, io, emit};
  if (format.key_bytes == 0) {
    PartitionJoin<VariableLayout>(place, detail::largest_record, {}, {}).run(left, right);
    return;
  }
  if (format.key_bytes != 8 || std::min(format.left_record_bytes, format.right_record_bytes) < 8) {
    throw base::UsageError("a join of fixed-size records needs keys of 8 bytes, and records that hold them");
  }
  if (std::max(format.left_record_bytes, format.right_record_bytes) > PartitionWriter::most_packed_bytes) {
    throw base::UsageError(fmt::format("a join of fixed-size records takes records of up to {} bytes, not {}",
                                       PartitionWriter::most_packed_bytes,
                                       std::max(format.left_record_bytes, format.right_record_bytes)));
  }
  // Of the extents that are there, and of those that a split makes in this memory.
  const auto largest = std::max({detail::largest_extent(left), detail::largest_extent(right),
                                 std::min(memory_bytes / 16, detail::most_page_bytes)});
  PartitionJoin<FixedLayout>(place, largest, {format.left_record_bytes}, {format.right_record_bytes})
      .run(left, right);
}

void join_partition(JoinKind kind, const JoinSide& left, const JoinSide& right, memory::Budget& budget,
                    std::uint64_t memory_bytes, storage::FileSystem& files, const storage::Path& scratch,
                    storage::AsyncIo& io, const JoinEmit& emit) {
  join_partition(kind, {}, left, right, budget, memory_bytes, files, scratch, io, [&](const JoinRows& rows) {
    for (std::size_t i = 0; i < rows.left.size(); ++i) emit(rows.left[i], rows.right[i]);
  });
}

}  // namespace surd::external
