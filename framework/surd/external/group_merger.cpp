#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "surd/base/error.hpp"
#include "surd/external/detail/group_packing.hpp"
#include "surd/external/detail/group_radix.hpp"
#include "surd/external/detail/group_sort.hpp"
#include "surd/external/detail/group_table.hpp"
#include "surd/external/detail/hash_mix.hpp"
#include "surd/external/group.hpp"

namespace surd::external {

using detail::GroupSort;
using detail::GroupTable;
using detail::Kind;
using detail::RadixGroups;
using detail::Record;

namespace {

constexpr std::size_t output_rows = 2048;
constexpr std::size_t output_bytes = 64 << 10;
constexpr std::uint32_t most_splits = 64;
constexpr std::uint64_t most_ahead = 32 << 20;

std::uint64_t records_of(const std::vector<PartitionExtents>& parts) {
  std::uint64_t records = 0;
  for (const auto& part : parts) records += part.records;
  return records;
}

std::uint64_t bytes_of(const std::vector<PartitionExtents>& parts) {
  std::uint64_t bytes = 0;
  for (const auto& part : parts) bytes += part.unpacked_bytes;
  return bytes;
}

}  // namespace

/// Works off a list of tasks, in order of hashes: at first the partition itself; one that does not fit is
/// replaced by its splits.
struct GroupMerger::State {
  struct Task {
    std::shared_ptr<SpillFile> spill;  ///< Null: the caller's files.
    std::vector<PartitionExtents> parts;
    bool sort = false;
    std::size_t partition = 0;
  };

  State(const GroupFormat& format, const std::vector<storage::ReadableFile*>& files_in,
        std::vector<PartitionExtents> parts, memory::Budget& budget_in, std::uint64_t memory_bytes,
        storage::FileSystem& file_system_in, storage::Path scratch_in, storage::AsyncIo& io_in)
      : layout(format),
        files(files_in),
        budget(budget_in),
        memory(memory_bytes),
        file_system(file_system_in),
        scratch(std::move(scratch_in)),
        io(io_in) {
    if (detail::GroupPacking::suits(layout)) packing.emplace(layout);
    add(std::move(parts));
  }

  void add(std::vector<PartitionExtents> parts) {
    tasks.insert(tasks.begin(), {nullptr, std::move(parts), layout.holistic, partitions++});
  }

  /// What reading a task takes, more where two of its extents need more.
  [[nodiscard]] std::uint64_t reader_bytes(const Task& task) const {
    return std::max(reading, PartitionReader::least_memory(task.parts));
  }
  /// If all tasks are grouped as they lie in memory, what they leave of it: the next one is read meanwhile.
  [[nodiscard]] std::uint64_t spare_bytes(const Task& task) const {
    auto needed = radix_bytes(task);
    for (const auto& other : tasks) needed = std::max(needed, radix_bytes(other));
    const auto spare = memory - std::min(memory, needed);
    return std::max(least_reading(), std::min({spare, memory / 2, most_ahead}));
  }
  [[nodiscard]] std::uint64_t least_reading() const {
    return std::clamp<std::uint64_t>(memory / 8, 16 << 10, 8 << 20);
  }
  [[nodiscard]] std::uint64_t radix_bytes(const Task& task) const {
    if (task.sort || !RadixGroups::suits(layout)) return memory;
    return RadixGroups::bytes_for(layout, records_of(task.parts), bytes_of(task.parts));
  }
  /// What is left while any task is read, three quarters at most.
  [[nodiscard]] std::uint64_t working_bytes(std::uint64_t read) const {
    return std::min(memory - memory / 4, memory - std::min(memory, read));
  }

  [[nodiscard]] PartitionReader reader(const Task& task) {
    if (ahead) return std::move(*std::exchange(ahead, std::nullopt));
    auto from = files;
    if (task.spill != nullptr) from = {&task.spill->reader()};
    return {from, task.parts, budget, reader_bytes(task), io};
  }

  /// Records of splits never are.
  [[nodiscard]] bool is_packed(const Task& task) const noexcept { return packing && task.spill == nullptr; }

  /// Calls `use(piece)` for pieces of a task, of whole records, until it returns false.
  template <class Use>
  bool for_each_piece(const Task& task, const Use& use) {
    const auto all_of = [&use](auto from) {
      for (auto piece = from.next(); !piece.empty(); piece = from.next()) {
        if (!use(piece)) return false;
      }
      return true;
    };
    if (!is_packed(task)) return all_of(reader(task));
    return all_of(detail::GroupUnpacker(*packing, reader(task), unpacked));
  }

  /// Calls `use(n, kind)` for batches of records of one kind, which lie in `records`.
  template <class Use>
  bool for_each_batch(const Task& task, const Use& use) {
    return for_each_piece(task, [&](std::span<const std::byte> piece) {
      const auto* at = piece.data();
      const auto* const end = at + piece.size();
      while (at != end) {
        const auto kind = static_cast<Kind>(*at);
        std::size_t n = 0;
        for (; n < GroupTable::batch && at != end && static_cast<Kind>(*at) == kind; ++n) {
          records[n] = detail::parse(layout, at);
          at = records[n].end;
        }
        if (!use(n, kind)) return false;
      }
      return true;
    });
  }

  /// Kept from task to task.
  std::span<std::byte> take_region(const Task& task) {
    if (!region) {
      reading = spare_bytes(task);
      auto most = reader_bytes(task);
      for (const auto& other : tasks) most = std::max(most, reader_bytes(other));
      const auto least = GroupTable::least_bytes(layout);
      region_reservation =
          budget.reserve(least, std::max(least, working_bytes(most)), "the groups of a partition");
      region = detail::make_arena(region_reservation.bytes());
    }
    return {region.get(), static_cast<std::size_t>(region_reservation.bytes() & ~std::uint64_t{7})};
  }

  /// Parts the records of a task in memory, to be grouped as groups are asked for; false if they do not fit.
  /// The first records of the next task are read meanwhile.
  bool fill_radix(const Task& task) {
    if (!RadixGroups::suits(layout)) return false;
    const auto room = take_region(task);
    if (radix_bytes(task) > room.size()) return false;
    radix.emplace(layout, room, records_of(task.parts));
    if (!add_all(task) || !radix->end_input()) return false;
    if (!tasks.empty() && !tasks.back().sort) ahead.emplace(reader(tasks.back()));
    return true;
  }

  bool add_all(const Task& task) {
    const auto add = [this](std::span<const std::byte> piece) { return radix->add(piece); };
    if (!is_packed(task)) return for_each_piece(task, add);
    return detail::GroupUnpacker(*packing, reader(task), unpacked)
        .for_each([this](detail::PackedRows& run) { return radix->add_rows(run); }, add);
  }

  /// Forms the groups of a task in the table; false if they do not fit.
  bool fill_table(const Task& task) {
    const auto room = take_region(task);
    table.emplace(layout, room, records_of(task.parts));
    return for_each_batch(task, [&](std::size_t n, Kind kind) { return add_batch(n, kind); });
  }

  bool add_batch(std::size_t n, Kind kind) {
    for (std::size_t done = 0; done < n;) {
      const auto found = table->insert(records.data() + done, n - done, states.data());
      if (!update(done, found, kind)) return false;
      done += found;
      if (done < n && !table->grow()) return false;
    }
    return true;
  }

  bool update(std::size_t first, std::size_t n, Kind kind) {
    const auto* const from = records.data() + first;
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      if (layout.columns[c].text()) continue;
      if (kind == Kind::state) {
        detail::merge_records(layout.columns[c], states.data(), from, n);
      } else {
        detail::add_records(layout, c, states.data(), from, n, kind == Kind::raw_nulls);
      }
    }
    if (!layout.texts || kind == Kind::state) return true;
    for (std::size_t i = 0; i < n; ++i) {
      if (!detail::add_texts(layout, states[i], from[i], table->heap())) return false;
    }
    return true;
  }

  void drop_table() {
    radix.reset();
    table.reset();
    region.reset();
    region_reservation = {};
    reading = least_reading();
  }

  /// Replaces a task by splits of it, by the bits of the hash after `prefix`. Should a record turn up that
  /// does not share the prefix, it is done again with a shorter one.
  void split(const Task& task, unsigned prefix) {
    for (;;) {
      auto spill = std::make_shared<SpillFile>(SpillFile::scratch(file_system, scratch));
      unsigned shared = prefix;
      auto parts = scatter(task, *spill, prefix, shared);
      if (shared == prefix) return push_splits(task, spill, std::move(parts));
      prefix = shared;
    }
  }

  std::vector<PartitionExtents> scatter(const Task& task, SpillFile& spill, unsigned prefix,
                                        unsigned& shared) {
    const auto room = working_bytes(reader_bytes(task));
    const auto splits = std::bit_floor(static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>((room - std::min<std::uint64_t>(room, 128 << 10)) / 4096, 2, most_splits)));
    PartitionWriter writer(splits, budget, room, spill, 0, io);
    std::optional<std::uint64_t> first;
    const bool whole = for_each_batch(task, [&](std::size_t n, Kind) {
      for (std::size_t i = 0; i < n; ++i) {
        const auto& record = records[i];
        if (!first) first = record.hash;
        shared = std::min(shared, static_cast<unsigned>(std::countl_zero(record.hash ^ *first)));
        if (shared < prefix) return false;
        const auto* const begin = record_begin(record);
        const auto bytes = static_cast<std::size_t>(record.end - begin);
        std::memcpy(writer.append(record.hash << prefix, bytes), begin, bytes);
      }
      return true;
    });
    if (!whole) return {};
    auto parts = writer.finish();
    spill.flush(io);
    return parts;
  }

  [[nodiscard]] const std::byte* record_begin(const Record& record) const {
    return record.payload - 1 - (layout.byte_keys ? 4 + record.key.size() : 8);
  }

  void push_splits(const Task& task, const std::shared_ptr<SpillFile>& spill,
                   std::vector<PartitionExtents> parts) {
    const auto all = records_of(task.parts);
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
      if (part->records == 0) continue;
      const bool progress = part->records < all - all / 8;
      tasks.push_back({spill, {std::move(*part)}, !progress, task.partition});
    }
  }

  void sort_task(const Task& task) {
    sorted.emplace(layout, budget, working_bytes(reader_bytes(task)), file_system, scratch);
    (void)for_each_batch(task, [&](std::size_t n, Kind) {
      for (std::size_t i = 0; i < n; ++i) sorted->push(records[i], record_begin(records[i]));
      return true;
    });
    sorted->end_input();
  }

  /// Prepares the next groups; false if there are no more of the first `end` partitions.
  bool next_task(std::size_t end) {
    radix.reset();
    table.reset();
    sorted.reset();
    cursor = 0;
    while (!tasks.empty() && tasks.back().partition < end) {
      const auto task = std::move(tasks.back());
      tasks.pop_back();
      if (task.sort) {
        drop_table();
        sort_task(task);
        return true;
      }
      if (fill_radix(task)) return true;
      radix.reset();
      if (fill_table(task)) {
        table->sort();
        return true;
      }
      const auto prefix = table->prefix();
      drop_table();
      split(task, prefix);
    }
    return false;
  }

  bool next_from_table(Groups& into) {
    const auto begin = cursor;
    const auto end = std::min(table->size(), begin + output_rows);
    for (std::size_t used = 0; cursor < end && used < output_bytes; ++cursor) {
      detail::put_key(into, {layout.byte_keys, table->hash(cursor), table->key(cursor)});
      if (layout.byte_keys || layout.texts) used += text_bytes(cursor);
    }
    for (std::size_t c = 0; c < layout.columns.size(); ++c) {
      for (auto i = begin; i < cursor; ++i) {
        const detail::KeyName key{layout.byte_keys, table->hash(i), table->key(i)};
        detail::put_result(layout.columns[c], table->state(i), table->heap(), key, into.results[c]);
      }
    }
    return into.rows > 0;
  }

  [[nodiscard]] std::size_t text_bytes(std::size_t i) const {
    auto bytes = table->key(i).size();
    for (const auto& column : layout.columns) {
      if (column.text()) bytes += detail::load<detail::TextState>(table->state(i) + column.state).bytes;
    }
    return bytes;
  }

  bool next(Groups& into, std::size_t end) {
    detail::clear(layout, into);
    for (;;) {
      if (radix) radix->next(into, output_rows);
      if (into.rows > 0 || (table && next_from_table(into))) return true;
      if (sorted && sorted->next(into, output_rows, output_bytes)) return true;
      if (!next_task(end)) return false;
    }
  }

  detail::Layout layout;
  std::vector<storage::ReadableFile*> files;
  memory::Budget& budget;
  std::uint64_t memory;
  storage::FileSystem& file_system;
  storage::Path scratch;
  storage::AsyncIo& io;
  std::optional<detail::GroupPacking> packing;
  std::vector<Task> tasks;     ///< The next one last.
  std::size_t partitions = 0;  ///< Added so far.
  std::uint64_t reading = least_reading();
  memory::Reservation region_reservation;
  detail::Arena region;
  std::optional<GroupTable> table;
  std::size_t cursor = 0;  ///< In the table.
  std::optional<RadixGroups> radix;
  std::optional<PartitionReader> ahead;  ///< Of the next task, if it has begun.
  std::optional<GroupSort> sorted;
  detail::GroupUnpacker::Buffer unpacked;
  std::array<Record, GroupTable::batch> records;
  std::array<std::byte*, GroupTable::batch> states;
};

GroupMerger::GroupMerger(const GroupFormat& format, const std::vector<storage::ReadableFile*>& files,
                         std::vector<PartitionExtents> parts, memory::Budget& budget,
                         std::uint64_t memory_bytes, storage::FileSystem& file_system, storage::Path scratch,
                         storage::AsyncIo& io)
    : state_(std::make_unique<State>(format, files, std::move(parts), budget, memory_bytes, file_system,
                                     std::move(scratch), io)) {}

GroupMerger::GroupMerger(GroupMerger&&) noexcept = default;
GroupMerger::~GroupMerger() = default;

void GroupMerger::add(std::vector<PartitionExtents> parts) { state_->add(std::move(parts)); }

bool GroupMerger::next(Groups& into, std::size_t end) { return state_->next(into, end); }

}  // namespace surd::external
