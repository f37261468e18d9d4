#include "surd/external/detail/run_former.hpp"

#include <utility>

#include "surd/base/error.hpp"

namespace surd::external::detail {

RunFormer::RunFormer(const RecordFormat& format, memory::Budget& budget, std::uint64_t memory_bytes,
                     SpillFile& spill, std::uint64_t file_number, storage::AsyncIo& io)
    : order_(format), budget_(budget), spill_(spill), file_number_(file_number), io_(io) {
  allocate(memory_bytes);
}

RunFormer::~RunFormer() {
  try {
    if (buffer_) buffer_->settle(io_);
  } catch (const base::Error&) {
    return;  // who does not call finish() does not want the runs
  }
}

void RunFormer::allocate(std::uint64_t memory_bytes) {
  const auto least = least_buffer_bytes(order_.format(), order_.format().record_bytes);
  buffer_ = make_run_buffer(order_, Workspace(budget_, least, memory_bytes, "sorting records into runs"));
}

void RunFormer::spill_run() {
  if (buffer_->empty()) return;
  auto run = buffer_->spill(spill_, io_);
  run.file = file_number_;
  runs_.push_back(run);
}

void RunFormer::push(std::span<const std::byte> records) {
  for (;;) {
    records = records.subspan(buffer_->push(io_, records));
    if (records.empty()) return;
    spill_run();
  }
}

void RunFormer::push(std::span<const std::byte> key, std::span<const std::byte> rest) {
  if (buffer_->push(io_, key, rest)) return;
  spill_run();
  // Into an empty buffer it goes, or push() says why it never will.
  base::expect(buffer_->push(io_, key, rest), "an empty buffer is full");
}

void RunFormer::shrink(std::uint64_t memory_bytes) {
  spill_run();
  buffer_->settle(io_);
  buffer_.reset();
  allocate(memory_bytes);
}

std::vector<Run> RunFormer::finish() {
  spill_run();
  buffer_->settle(io_);
  return std::exchange(runs_, {});
}

}  // namespace surd::external::detail
