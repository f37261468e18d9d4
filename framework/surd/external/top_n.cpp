#include "surd/external/top_n.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "surd/base/error.hpp"
#include "surd/external/detail/partition_pages.hpp"

namespace surd::external {

/// Three quarters of memory hold records, in the order they came; a quarter their offsets.
struct TopN::State {
  State(const RecordFormat& format_in, std::uint64_t n_in, memory::Budget& budget_in, std::uint64_t memory_in,
        storage::FileSystem& files_in, storage::Path scratch_in)
      : format(format_in),
        n(n_in),
        budget(budget_in),
        memory(memory_in),
        files(files_in),
        scratch(std::move(scratch_in)),
        reservation(budget.reserve(memory, memory, "the first records of an order")),
        arena(detail::make_arena(memory / 4 * 3)) {
    format.check();
    offsets.reserve(static_cast<std::size_t>(memory / 4 / sizeof(std::uint64_t)));
  }

  [[nodiscard]] const std::byte* at(std::uint64_t offset) const noexcept { return arena.get() + offset; }
  /// A total order: equal records by when they came.
  [[nodiscard]] bool before(std::uint64_t a, std::uint64_t b) const noexcept {
    const auto order = compare(format, at(a), at(b));
    return order != 0 ? order < 0 : a < b;
  }
  [[nodiscard]] auto by_order() const noexcept {
    return [this](std::uint64_t a, std::uint64_t b) { return before(a, b); };
  }

  void push(const std::byte* record, std::size_t bytes) {
    if (n == 0) return;
    if (sorter) return sorter->push({record, bytes});
    if (bar && compare(format, record, at(*bar)) >= 0) return;
    if (!fits(bytes)) {
      cut();
      // Most of the buffer still in use: cutting would soon be all that happens.
      if (used > memory / 4 * 3 / 2 || offsets.size() > offsets.capacity() / 2 || !fits(bytes)) {
        turn_to_sorting();
        return sorter->push({record, bytes});
      }
      if (bar && compare(format, record, at(*bar)) >= 0) return;
    }
    std::memcpy(arena.get() + used, record, bytes);
    offsets.push_back(used);
    used += bytes;
  }

  [[nodiscard]] bool fits(std::size_t bytes) const noexcept {
    return used + bytes <= memory / 4 * 3 && offsets.size() < offsets.capacity();
  }

  /// Keeps the n best, in the order they came, and sets the bar.
  void cut() {
    if (offsets.size() <= n) return;
    const auto last = offsets.begin() + static_cast<std::ptrdiff_t>(n);
    std::nth_element(offsets.begin(), last - 1, offsets.end(), by_order());
    const auto worst = *(last - 1);
    offsets.erase(last, offsets.end());
    std::ranges::sort(offsets);
    std::uint64_t to = 0;
    for (auto& offset : offsets) {
      const auto bytes = record_size(format, at(offset));
      if (offset == worst) bar = to;
      std::memmove(arena.get() + to, at(offset), bytes);
      offset = to;
      to += bytes;
    }
    used = to;
  }

  /// The kept records go first: those that were cut can not be among the first n.
  void turn_to_sorting() {
    offsets = {};
    bar.reset();
    spilled.emplace(SpillFile::scratch(files, scratch));
    storage::AsyncIo io;
    (void)spilled->append_now(io, {arena.get(), static_cast<std::size_t>(used)});
    spilled->flush(io);
    arena.reset();
    reservation = {};  // the sorter takes the same memory
    sorter.emplace(format, budget, memory, files, scratch);
    push_spilled(used);
  }

  void push_spilled(std::uint64_t bytes) {
    std::vector<std::byte> piece;
    std::uint64_t piece_bytes = 64 << 10;
    for (std::uint64_t from = 0; from < bytes;) {
      piece.resize(static_cast<std::size_t>(std::min(bytes - from, piece_bytes)));
      (void)spilled->reader().read_at(from, piece);
      const auto whole = whole_records(piece);
      if (whole == 0) piece_bytes = record_limit_bytes + variable_header_bytes;
      sorter->push(std::span(piece).first(whole));
      from += whole;
    }
    spilled.reset();
  }

  [[nodiscard]] std::size_t whole_records(std::span<const std::byte> piece) const {
    if (format.fixed()) return piece.size() / format.record_bytes * format.record_bytes;
    std::size_t whole = 0;
    while (piece.size() - whole >= variable_header_bytes) {
      const auto bytes = record_size(format, piece.data() + whole);
      if (bytes > piece.size() - whole) break;
      whole += bytes;
    }
    return whole;
  }

  RecordFormat format;
  std::uint64_t n;
  memory::Budget& budget;
  std::uint64_t memory;
  storage::FileSystem& files;
  storage::Path scratch;
  memory::Reservation reservation;
  detail::Arena arena;
  std::uint64_t used = 0;
  std::vector<std::uint64_t> offsets;
  std::optional<std::uint64_t> bar;  ///< The worst of n records that are better than all that were dropped.
  std::optional<SpillFile> spilled;
  std::optional<Sorter> sorter;
  std::vector<std::byte> joined;  ///< A record pushed in two parts.
};

namespace {

/// The first n records of a stream.
class FirstRecords final : public RecordStream {
 public:
  FirstRecords(RecordFormat format, std::unique_ptr<RecordStream> from, std::uint64_t n)
      : format_(std::move(format)), from_(std::move(from)), left_(n) {}

  std::span<const std::byte> next() override {
    if (left_ == 0) return {};
    const auto block = from_->next();
    std::size_t bytes = 0;
    for (; bytes < block.size() && left_ > 0; --left_) bytes += record_size(format_, block.data() + bytes);
    return block.first(bytes);
  }

 private:
  RecordFormat format_;
  std::unique_ptr<RecordStream> from_;
  std::uint64_t left_;
};

}  // namespace

TopN::TopN(const RecordFormat& format, std::uint64_t n, memory::Budget& budget, std::uint64_t memory_bytes,
           storage::FileSystem& files, storage::Path scratch)
    : state_(std::make_unique<State>(format, n, budget, memory_bytes, files, std::move(scratch))) {}
TopN::TopN(TopN&&) noexcept = default;
TopN::~TopN() = default;

void TopN::push(std::span<const std::byte> records) {
  while (!records.empty()) {
    const auto bytes = record_size(state_->format, records.data());
    base::expect(bytes <= records.size(), "records are pushed whole");
    state_->push(records.data(), bytes);
    records = records.subspan(bytes);
  }
}

void TopN::push(std::span<const std::byte> key, std::span<const std::byte> rest) {
  const std::array sizes{static_cast<std::uint32_t>(key.size()), static_cast<std::uint32_t>(rest.size())};
  auto& joined = state_->joined;
  joined.resize(variable_header_bytes + key.size() + rest.size());
  std::memcpy(joined.data(), sizes.data(), variable_header_bytes);
  std::ranges::copy(rest, std::ranges::copy(key, joined.begin() + variable_header_bytes).out);
  state_->push(joined.data(), joined.size());
}

bool TopN::sorts() const noexcept { return state_->sorter.has_value(); }

namespace {

/// Records picked from memory one by one, in a small block.
template <class State>
class HeldRecords final : public RecordStream {
 public:
  explicit HeldRecords(std::unique_ptr<State> state) : state_(std::move(state)) {}

  std::span<const std::byte> next() override {
    if (next_ == state_->offsets.size()) return {};
    const auto* const record = state_->at(state_->offsets[next_++]);
    return {record, record_size(state_->format, record)};
  }

 private:
  std::unique_ptr<State> state_;
  std::size_t next_ = 0;
};

}  // namespace

std::unique_ptr<RecordStream> TopN::finish() && {
  auto& state = *state_;
  if (state.sorter) {
    return std::make_unique<FirstRecords>(state.format, std::move(*state.sorter).merge(), state.n);
  }
  state.cut();
  std::ranges::sort(state.offsets, state.by_order());
  return std::make_unique<HeldRecords<State>>(std::move(state_));
}

}  // namespace surd::external
