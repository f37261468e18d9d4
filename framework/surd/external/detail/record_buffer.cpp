// Records of any kind: they fill the buffer from its start, their entries from its end, until both meet.
// Entries are sorted, records gathered in their order into two buffers that are written in turn.
#include <algorithm>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/external/detail/block_writer.hpp"
#include "surd/external/detail/entry_sort.hpp"
#include "surd/external/detail/run_buffer.hpp"
#include "surd/external/detail/run_index.hpp"

namespace surd::external::detail {
namespace {

using base::UsageError;

/// Of each of the two write buffers.
std::size_t writer_bytes(std::uint64_t memory_bytes) noexcept {
  return static_cast<std::size_t>(
      std::clamp<std::uint64_t>(memory_bytes / 32 / 4096 * 4096, 4 << 10, 1 << 20));
}

/// Records of variable size begin at multiples of this, so that entries need fewer bits to say where.
constexpr std::size_t variable_unit = 8;
constexpr std::size_t entry_bytes = sizeof(std::uint64_t);
constexpr std::size_t prefetch_distance = 12;

class RecordBuffer final : public RunBuffer {
 public:
  RecordBuffer(const Order& order, Workspace memory)
      : order_(order),
        memory_(std::move(memory)),
        writer_(memory_.take(writer_bytes(memory_.bytes())), memory_.take(writer_bytes(memory_.bytes()))),
        index_(order, memory_.take(full_index_bytes(order.format(), memory_.bytes()))),
        unit_(order.fixed() ? order.format().record_bytes : variable_unit) {
    auto region = memory_.take_rest(64);
    region = region.first(std::min<std::size_t>(region.size(), (unit_ << 32) / 64 * 64));
    begin_ = region.data();
    end_ = reinterpret_cast<std::uint64_t*>(begin_ + region.size());
    entries_ = end_;
    bits_ = EntryBits::for_numbers(region.size() / unit_ + 1);
    locate_ = {begin_, unit_, nullptr};
  }

  std::size_t push(storage::AsyncIo&, std::span<const std::byte> records) override {
    std::size_t taken = 0;
    while (taken < records.size()) {
      const auto bytes = checked_size(records.subspan(taken));
      if (!fits(bytes)) break;
      std::memcpy(begin_ + used_, records.data() + taken, bytes);
      accept(bytes);
      taken += bytes;
    }
    return taken;
  }

  bool push(storage::AsyncIo&, std::span<const std::byte> key, std::span<const std::byte> rest) override {
    const auto bytes = variable_header_bytes + key.size() + rest.size();
    check_limit(bytes);
    if (!fits(bytes)) return false;
    auto* const into = begin_ + used_;
    const auto key_size = static_cast<std::uint32_t>(key.size());
    const auto rest_size = static_cast<std::uint32_t>(rest.size());
    std::memcpy(into, &key_size, sizeof key_size);
    std::memcpy(into + sizeof key_size, &rest_size, sizeof rest_size);
    std::copy(key.begin(), key.end(), into + variable_header_bytes);
    std::copy(rest.begin(), rest.end(), into + variable_header_bytes + key.size());
    accept(bytes);
    return true;
  }

  [[nodiscard]] bool empty() const noexcept override { return entries_ == end_; }

  Run spill(SpillFile& spill, storage::AsyncIo& io) override {
    sort();
    spill.align(io);
    io.wait(std::exchange(index_ticket_, 0));
    index_.clear();
    Run run{0, spill.bytes(), 0, 0, 0, 0, 0, longest_};
    for (const auto* entry = entries_; entry != end_; ++entry) {
      const auto* const record = fetch(entry);
      const auto bytes = order_.size(record);
      index_.offer(record, run.records, run.bytes);
      run.checksum += checksum(order_.format(), {record, bytes});
      writer_.put(spill, io, record, bytes);
      run.bytes += bytes;
      ++run.records;
    }
    writer_.flush(spill, io);
    run.index_offset = spill.bytes();
    run.index_bytes = index_.bytes().size();
    index_ticket_ = spill.append(io, index_.bytes()).ticket;
    clear();
    return run;
  }

  void settle(storage::AsyncIo& io) override {
    writer_.settle(io);
    io.wait(std::exchange(index_ticket_, 0));
  }

  void sort() override {
    const std::span entries(entries_, end_);
    if (ascending_) {
      std::reverse(entries.begin(), entries.end());  // they were pushed from the end of the buffer down
    } else if (!descending_) {
      sort_entries(order_, locate_, bits_, entries);
    }
    drained_ = entries_;
  }

  std::span<const std::byte> drain() override {
    const auto into = writer_.buffer(drain_turn_);
    drain_turn_ = 1 - drain_turn_;
    std::size_t filled = 0;
    for (; drained_ != end_; ++drained_) {
      const auto* const record = fetch(drained_);
      const auto bytes = order_.size(record);
      if (filled + bytes > into.size()) {
        if (filled > 0) break;
        ++drained_;
        return {record, bytes};
      }
      std::memcpy(into.data() + filled, record, bytes);
      filled += bytes;
    }
    return into.first(filled);
  }

 private:
  static void check_limit(std::size_t bytes) {
    if (bytes > record_limit_bytes + variable_header_bytes) {
      throw UsageError(fmt::format("a record has {} bytes; at most {} are supported",
                                   bytes - variable_header_bytes, record_limit_bytes));
    }
  }

  [[nodiscard]] std::size_t checked_size(std::span<const std::byte> rest) const {
    const bool head = rest.size() >= (order_.fixed() ? unit_ : variable_header_bytes);
    const auto bytes = head ? order_.size(rest.data()) : 0;
    if (!head || bytes > rest.size()) throw UsageError("input ends in the middle of a record");
    if (!order_.fixed()) check_limit(bytes);
    return bytes;
  }

  [[nodiscard]] bool fits(std::size_t bytes) const {
    const auto room = static_cast<std::size_t>(reinterpret_cast<std::byte*>(entries_) - begin_);
    const bool fit = used_ + (bytes + unit_ - 1) / unit_ * unit_ + entry_bytes <= room;
    if (!fit && empty()) {
      throw UsageError(
          fmt::format("a record of {} bytes does not fit into {} of memory for sorting; it needs "
                      "{}",
                      bytes, base::format_bytes(memory_.bytes()),
                      base::format_bytes(least_buffer_bytes(order_.format(), bytes))));
    }
    return fit;
  }

  /// Makes the entry of the record of `bytes` that was copied to the end of the records.
  void accept(std::size_t bytes) {
    const auto* const record = begin_ + used_;
    const auto word = order_.word(record, 0);
    if (ascending_ || descending_) compare_with_last(record, word);
    *--entries_ = bits_.make(word, used_ / unit_);
    used_ += (bytes + unit_ - 1) / unit_ * unit_;
    longest_ = std::max(longest_, bytes);
  }

  void compare_with_last(const std::byte* record, std::uint64_t word) {
    if (!empty()) {
      const bool after = word != last_word_ ? word > last_word_ : order_.compare(record, last_, 8) >= 0;
      ascending_ = ascending_ && after;
      descending_ = descending_ && !after;
    }
    last_ = record;
    last_word_ = word;
  }

  /// The record of `*entry`; asks for one that will be needed soon.
  [[nodiscard]] const std::byte* fetch(const std::uint64_t* entry) const noexcept {
    const auto* const ahead =
        locate_(bits_.number(entry[std::min<std::ptrdiff_t>(prefetch_distance, end_ - entry - 1)]));
    __builtin_prefetch(ahead);
    __builtin_prefetch(ahead + 64);
    return locate_(bits_.number(*entry));
  }

  void clear() noexcept {
    entries_ = end_;
    used_ = 0;
    longest_ = 0;
    ascending_ = descending_ = true;
  }

  const Order& order_;
  Workspace memory_;
  BlockWriter writer_;
  IndexBuilder index_;
  std::size_t unit_;
  std::byte* begin_ = nullptr;
  std::size_t used_ = 0;              ///< Bytes of records.
  std::uint64_t* entries_ = nullptr;  ///< Down to here from end_.
  std::uint64_t* end_ = nullptr;
  EntryBits bits_{};
  Locator locate_;
  std::size_t longest_ = 0;
  storage::AsyncIo::Ticket index_ticket_ = 0;

  bool ascending_ = true;   ///< So far pushed in order.
  bool descending_ = true;  ///< Strictly: turning them round keeps equal records in place.
  const std::byte* last_ = nullptr;
  std::uint64_t last_word_ = 0;

  const std::uint64_t* drained_ = nullptr;
  std::size_t drain_turn_ = 0;
};

}  // namespace

std::unique_ptr<RunBuffer> make_record_buffer(const Order& order, Workspace memory) {
  return std::make_unique<RecordBuffer>(order, std::move(memory));
}

std::unique_ptr<RunBuffer> make_run_buffer(const Order& order, Workspace memory) {
  return order.scalar_bytes() > 0 ? make_scalar_buffer(order, std::move(memory))
                                  : make_record_buffer(order, std::move(memory));
}

std::uint64_t least_buffer_bytes(const RecordFormat& format, std::uint64_t record_bytes) noexcept {
  const auto held = record_bytes + variable_unit + entry_bytes + 256;
  // Write buffers take up to 1/16 of it, the index 1/256.
  return std::max<std::uint64_t>(held + held / 8, 32 << 10) + full_index_bytes(format, 2 * held) + 1024;
}

std::uint64_t buffer_capacity(const Order& order, std::uint64_t memory_bytes) noexcept {
  const auto index =
      (full_index_bytes(order.format(), memory_bytes) + 63) / 64 * 64;  // as Workspace takes it
  if (order.scalar_bytes() > 0) return (memory_bytes - index) / 64 * 64;
  const auto region = memory_bytes - index - 2 * writer_bytes(memory_bytes) - 64;
  const std::uint64_t record = order.fixed() ? order.format().record_bytes : 104;
  return region / (record + entry_bytes) * record;
}

std::uint64_t run_capacity(const Order& order, std::uint64_t memory_bytes) noexcept {
  const auto whole = buffer_capacity(order, memory_bytes);
  return order.scalar_bytes() > 0 && whole >= least_halved_bytes ? whole / 2 : whole;
}

}  // namespace surd::external::detail
