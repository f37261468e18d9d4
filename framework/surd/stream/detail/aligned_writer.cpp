#include "surd/stream/detail/aligned_writer.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <utility>

namespace surd::stream::detail {
namespace {

constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint64_t most_buffer_bytes = 2 << 20;

}  // namespace

std::uint64_t AlignedWriter::memory_of(std::uint64_t share) noexcept {
  const auto each = std::min(share / 2, most_buffer_bytes);
  return 2 * std::max(page_bytes, each - each % page_bytes);
}

AlignedWriter::AlignedWriter(memory::Budget& budget, std::uint64_t memory_bytes, storage::AsyncIo& io,
                             storage::SharedFile& file, std::uint64_t offset)
    : io_(io),
      file_(file),
      reservation_(budget.reserve(memory_bytes, memory_bytes, "writing in large pieces")),
      memory_(
          static_cast<std::byte*>(std::aligned_alloc(page_bytes, static_cast<std::size_t>(memory_bytes)))),
      size_(static_cast<std::size_t>(memory_bytes / 2)),
      base_(offset - offset % page_bytes),
      begin_(static_cast<std::size_t>(offset - base_)),
      end_(begin_) {
  if (!memory_) throw std::bad_alloc();
}

AlignedWriter::~AlignedWriter() {
  for (const auto ticket : written_) {
    try {
      io_.wait(ticket);
    } catch (const std::exception&) {  // another error is on its way
    }
  }
}

void AlignedWriter::Free::operator()(std::byte* memory) const noexcept { std::free(memory); }

void AlignedWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto taken = std::min(bytes.size(), size_ - end_);
    std::memcpy(buffer() + end_, bytes.data(), taken);
    end_ += taken;
    bytes = bytes.subspan(taken);
    if (end_ < size_) continue;
    hand_over();
    current_ = 1 - current_;
    base_ += size_;
    begin_ = end_ = 0;
    io_.wait(std::exchange(written_[current_], 0));
  }
}

/// In two pieces if the first of them must not be direct.
void AlignedWriter::hand_over() {
  const auto boundary = (begin_ + page_bytes - 1) / page_bytes * page_bytes;
  const auto direct = std::min<std::size_t>(end_, boundary);
  for (const auto& [from, to] : {std::pair(begin_, direct), std::pair(direct, end_)}) {
    if (from == to) continue;
    written_[current_] = io_.write(file_, base_ + from, std::span(buffer() + from, to - from));
  }
  begin_ = end_;
}

void AlignedWriter::flush() {
  hand_over();
  for (auto& ticket : written_) io_.wait(std::exchange(ticket, 0));
  const auto page = end_ - end_ % page_bytes;
  base_ += page;
  begin_ = end_ -= page;
}

}  // namespace surd::stream::detail
