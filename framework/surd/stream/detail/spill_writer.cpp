#include "surd/stream/detail/spill_writer.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace surd::stream::detail {

SpillWriter::SpillWriter(Worker& worker, std::uint64_t bytes)
    : worker_(worker),
      reservation_(worker.budget.reserve(bytes / 4, bytes, "writing rows")),
      capacity_(static_cast<std::size_t>(reservation_.bytes() / 2)) {
  for (auto& buffer : buffers_) buffer.reserve(capacity_);
  begin(buffers_[current_]);
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
  if (buffer().size() >= capacity_ / 4 * 3) spill(false);
}

void SpillWriter::spill(bool all) {
  auto& full = buffers_[current_];
  auto& file = worker_.spills.own();
  const auto bytes = std::as_bytes(std::span(full)).subspan(skip_);
  const auto over = (file.bytes() + bytes.size()) % page_bytes;
  const auto kept = all || bytes.size() < page_bytes ? 0 : static_cast<std::size_t>(over);
  const auto written = bytes.first(bytes.size() - kept);
  const auto to_page = static_cast<std::size_t>((page_bytes - file.bytes() % page_bytes) % page_bytes);
  const auto head = written.first(std::min(written.size(), to_page));
  if (!head.empty()) note(file.append_now(worker_.io, head), head.size());
  if (written.size() > head.size()) {
    const auto pending = file.append(worker_.io, written.subspan(head.size()));
    tickets_[current_] = pending.ticket;
    note(pending.offset, written.size() - head.size());
  }
  current_ = 1 - current_;
  worker_.io.wait(std::exchange(tickets_[current_], 0));
  begin(buffers_[current_]);
  buffers_[current_].insert(buffers_[current_].end(), full.end() - static_cast<std::ptrdiff_t>(kept),
                            full.end());
}

void SpillWriter::note(std::uint64_t offset, std::uint64_t bytes) {
  auto& extents = written_.extents;
  if (!extents.empty() && extents.back().offset + extents.back().bytes == offset) {
    extents.back().bytes += bytes;
  } else {
    extents.push_back({.offset = offset, .bytes = bytes});
  }
}

void SpillWriter::begin(std::vector<char>& buffer) {
  if (buffer.capacity() > 2 * capacity_) {  // one huge row must not keep its room
    buffer = {};
    buffer.reserve(capacity_);
  }
  const auto address = std::bit_cast<std::uintptr_t>(buffer.data());
  skip_ = static_cast<std::size_t>((worker_.spills.own().bytes() - address) % page_bytes);
  buffer.clear();
  buffer.resize(skip_);
}

external::PartitionExtents SpillWriter::finish() {
  if (buffer().size() > skip_) spill(true);
  for (auto& ticket : tickets_) worker_.io.wait(std::exchange(ticket, 0));
  written_.file = worker_.spills.own_number();
  return std::exchange(written_, {});
}

}  // namespace surd::stream::detail
