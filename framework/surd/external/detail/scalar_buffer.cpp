// Records that are one number each: sorted in place as unsigned numbers, written straight from where they
// were sorted. The buffer is filled again from its start while its end is still being written; a large one,
// once it was full, by halves, of which one is sorted while the other is written.
#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "surd/base/error.hpp"
#include "surd/external/detail/run_buffer.hpp"
#include "surd/external/detail/run_index.hpp"
#include "surd/external/detail/vqsort.hpp"

namespace surd::external::detail {
namespace {

constexpr std::size_t drain_bytes = 256 << 10;

template <class T>
class ScalarBuffer final : public RunBuffer {
 public:
  ScalarBuffer(const Order& order, Workspace memory)
      : order_(order),
        memory_(std::move(memory)),
        keys_(first_part(memory_, buffer_capacity(order, memory_.bytes()))),
        index_(order, memory_.take_rest()),
        window_(keys_) {
    const auto least =
        std::max<std::size_t>((keys_.size() + pieces - 1) / pieces, least_piece_bytes / sizeof(T));
    piece_ = (least + page_keys - 1) / page_keys * page_keys;
  }

  std::size_t push(storage::AsyncIo& io, std::span<const std::byte> records) override {
    if (records.size() % sizeof(T) != 0) throw base::UsageError("input ends in the middle of a record");
    const auto count = std::min(records.size() / sizeof(T), window_.size() - used_);
    if (count == 0) return 0;
    const auto into = window_.subspan(used_, count);
    for (auto piece = piece_of(into.front()); piece <= piece_of(into.back()); ++piece) {
      io.wait(std::exchange(tickets_[piece], 0));
    }
    std::memcpy(into.data(), records.data(), into.size_bytes());
    used_ += count;
    return count * sizeof(T);
  }
  bool push(storage::AsyncIo&, std::span<const std::byte>, std::span<const std::byte>) override {
    throw base::LogicError("a record of fixed size has no parts");
  }
  [[nodiscard]] bool empty() const noexcept override { return used_ == 0; }

  Run spill(SpillFile& spill, storage::AsyncIo& io) override {
    sort();
    spill.align(io);
    const auto sorted = window_.first(used_);
    const auto bytes = std::as_bytes(sorted);
    io.wait(std::exchange(index_ticket_, 0));
    index_.clear();
    for (std::size_t i = 0; i < used_; i += index_stride_bytes / sizeof(T)) {
      index_.offer(bytes.data() + i * sizeof(T), i, i * sizeof(T));
    }
    Run run{0, spill.bytes(), bytes.size(), used_, 0, 0, checksum(order_.format(), bytes), sizeof(T)};
    for (std::size_t at = 0; at < used_; at += piece_) {
      const auto part = sorted.subspan(at, std::min(piece_, used_ - at));
      tickets_[piece_of(part.front())] = spill.append(io, std::as_bytes(part)).ticket;
    }
    run.index_offset = spill.bytes();
    run.index_bytes = index_.bytes().size();
    index_ticket_ = spill.append(io, index_.bytes()).ticket;
    open_next_window();
    return run;
  }

  void settle(storage::AsyncIo& io) override {
    for (auto& ticket : tickets_) io.wait(std::exchange(ticket, 0));
    io.wait(std::exchange(index_ticket_, 0));
  }

  void sort() override {
    const auto keys = window_.first(used_);
    order_.to_keys(keys);
    if (std::is_sorted(keys.rbegin(), keys.rend())) std::reverse(keys.begin(), keys.end());
    vqsort(keys);
    order_.from_keys(keys);
    drained_ = 0;
  }

  std::span<const std::byte> drain() override {
    const auto rest = std::as_bytes(window_.first(used_)).subspan(drained_);
    const auto block = rest.first(std::min(rest.size(), drain_bytes));
    drained_ += block.size();
    return block;
  }

 private:
  static constexpr std::size_t pieces = 64;  ///< In which a run is handed over, so that parts are free early.
  static constexpr std::size_t least_piece_bytes = 256 << 10;  ///< Smaller ones take longer to write.
  static constexpr std::size_t page_keys = 4096 / sizeof(T);

  /// Whole pages from the start of a page, except for the end, so that pieces pass the page cache by.
  static std::span<T> first_part(Workspace& memory, std::uint64_t bytes) {
    const auto part = memory.take(bytes);
    return {reinterpret_cast<T*>(part.data()), part.size() / sizeof(T)};
  }

  [[nodiscard]] std::size_t piece_of(const T& key) const noexcept {
    return static_cast<std::size_t>(&key - keys_.data()) / piece_;
  }

  void open_next_window() noexcept {
    used_ = 0;
    if (keys_.size_bytes() < least_halved_bytes) return;
    const auto half = keys_.size() / piece_ / 2 * piece_;
    const bool at_end = &window_.back() == &keys_.back();
    window_ = at_end ? keys_.first(half) : keys_.subspan(half);
  }

  const Order& order_;
  Workspace memory_;
  std::span<T> keys_;
  IndexBuilder index_;
  std::span<T> window_;  ///< Of keys_, being filled from its start. Begins with a piece.
  std::size_t used_ = 0;
  std::size_t piece_ = 1;  ///< In keys.
  std::array<storage::AsyncIo::Ticket, pieces> tickets_{};
  storage::AsyncIo::Ticket index_ticket_ = 0;
  std::size_t drained_ = 0;
};

}  // namespace

std::unique_ptr<RunBuffer> make_scalar_buffer(const Order& order, Workspace memory) {
  if (order.scalar_bytes() == 4) {
    return std::make_unique<ScalarBuffer<std::uint32_t>>(order, std::move(memory));
  }
  return std::make_unique<ScalarBuffer<std::uint64_t>>(order, std::move(memory));
}

}  // namespace surd::external::detail
