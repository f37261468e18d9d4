#include "surd/stream/detail/spill_writer.hpp"

#include <algorithm>
#include <utility>

namespace surd::stream::detail {

SpillWriter::SpillWriter(Worker& worker, std::uint64_t bytes)
    : worker_(worker),
      reservation_(worker.budget.reserve(bytes / 4, bytes, "writing rows")),
      capacity_(static_cast<std::size_t>(reservation_.bytes() / 2)) {
  for (auto& buffer : buffers_) buffer.reserve(capacity_);
}

SpillWriter::~SpillWriter() {
  for (const auto ticket : tickets_) {
    try {
      worker_.io.wait(ticket);
    } catch (const std::exception&) {  // an error is already on its way, or the bytes are given up with this
    }
  }
}

void SpillWriter::spill_if_full() {
  // Three quarters: what is appended next should not make the vector grow.
  if (buffer().size() >= capacity_ / 4 * 3) spill();
}

void SpillWriter::spill() {
  auto& full = buffers_[current_];
  if (full.empty()) return;
  const auto pending = worker_.spills.own().append(worker_.io, std::as_bytes(std::span(full)));
  tickets_[current_] = pending.ticket;
  auto& extents = written_.extents;
  if (!extents.empty() && extents.back().offset + extents.back().bytes == pending.offset) {
    extents.back().bytes += full.size();
  } else {
    extents.push_back({.offset = pending.offset, .bytes = full.size()});
  }
  current_ = 1 - current_;
  worker_.io.wait(std::exchange(tickets_[current_], 0));
  auto& next = buffers_[current_];
  if (next.capacity() > 2 * capacity_) {  // one huge row must not keep its room
    next = {};
    next.reserve(capacity_);
  }
  next.clear();
}

external::PartitionExtents SpillWriter::finish() {
  spill();
  worker_.io.wait(std::exchange(tickets_[1 - current_], 0));
  written_.file = worker_.spills.own_number();
  return std::exchange(written_, {});
}

}  // namespace surd::stream::detail
