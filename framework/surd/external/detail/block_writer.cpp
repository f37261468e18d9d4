#include "surd/external/detail/block_writer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace surd::external::detail {

void BlockWriter::put(SpillFile& spill, storage::AsyncIo& io, const std::byte* from, std::size_t bytes) {
  while (bytes > 0) {
    const auto part = std::min(bytes, buffers_[current_].size() - used_);
    std::memcpy(buffers_[current_].data() + used_, from, part);
    used_ += part;
    from += part;
    bytes -= part;
    if (used_ == buffers_[current_].size()) flush(spill, io);
  }
}

void BlockWriter::flush(SpillFile& spill, storage::AsyncIo& io) {
  if (used_ == 0) return;
  tickets_[current_] = spill.append(io, buffers_[current_].first(used_)).ticket;
  used_ = 0;
  current_ = 1 - current_;
  io.wait(std::exchange(tickets_[current_], 0));
}

void BlockWriter::settle(storage::AsyncIo& io) {
  for (auto& ticket : tickets_) io.wait(std::exchange(ticket, 0));
}

}  // namespace surd::external::detail
