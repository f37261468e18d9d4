#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "surd/external/detail/join_table.hpp"
#include "surd/external/join.hpp"

namespace surd::external {

/// Rows stand at the front of the memory, their index behind them, and the answers of find() at its end.
struct BroadcastTable::State {
  using Table = detail::JoinTable<detail::VariableLayout>;
  using Row = std::span<const std::byte>;

  State(memory::Budget& budget, std::uint64_t memory_bytes)
      : reservation(budget.reserve(memory_bytes, memory_bytes, "the right side of a join")),
        memory(std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(memory_bytes))),
        capacity(std::min(memory_bytes, Table::limit_bytes)) {}

  [[nodiscard]] static std::uint64_t answer_bytes(std::uint64_t rows) noexcept { return rows * sizeof(Row); }

  void index() {
    if (indexed) return;
    const auto room = capacity / alignof(Row) * alignof(Row) - answer_bytes(rows);
    table.index({memory.get(), static_cast<std::size_t>(room)}, bytes);
    answers = reinterpret_cast<Row*>(memory.get() + room);
    indexed = true;
  }

  memory::Reservation reservation;
  std::unique_ptr<std::byte[]> memory;
  std::uint64_t capacity;
  std::size_t bytes = 0;
  std::uint64_t rows = 0;
  bool indexed = false;
  Table table{detail::VariableLayout{}};
  Row* answers = nullptr;
};

BroadcastTable::BroadcastTable(memory::Budget& budget, std::uint64_t memory_bytes)
    : state_(std::make_unique<State>(budget, memory_bytes)) {}
BroadcastTable::BroadcastTable(BroadcastTable&&) noexcept = default;
BroadcastTable::~BroadcastTable() = default;

std::uint64_t BroadcastTable::least_memory(std::uint64_t rows, std::uint64_t bytes) noexcept {
  return State::Table::bytes_for(bytes, rows) + State::answer_bytes(rows) + alignof(State::Row);
}

bool BroadcastTable::insert(std::uint64_t hash, std::span<const std::byte> key,
                            std::span<const std::byte> row) {
  auto& state = *state_;
  const auto bytes = join_record_bytes(key, row);
  if (least_memory(state.rows + 1, state.bytes + bytes) > state.capacity) return false;
  put_join_record(state.memory.get() + state.bytes, hash, key, row);
  state.bytes += bytes;
  ++state.rows;
  state.indexed = false;
  return true;
}

std::span<const std::span<const std::byte>> BroadcastTable::find(std::uint64_t hash,
                                                                 std::span<const std::byte> key) {
  auto& state = *state_;
  state.index();
  std::size_t found = 0;
  for (const auto& entry : state.table.candidates(hash)) {
    const auto* const record = state.table.record(entry);
    using Layout = detail::VariableLayout;
    const auto* const start = record + Layout::least_bytes;
    if (Layout::hash(record) != hash ||
        !std::ranges::equal(key, std::span(start, Layout::key_bytes(record)))) {
      continue;
    }
    std::construct_at(state.answers + found++, Layout::row(record));
  }
  return {state.answers, found};
}

}  // namespace surd::external
