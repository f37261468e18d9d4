// Forms sorted runs.
#include <utility>

#include "surd/external/detail/run_buffer.hpp"
#include "surd/external/sort.hpp"

namespace surd::external {

struct RunBuilder::State {
  const detail::Order order;
  memory::Budget& budget;
  SpillFile& spill;
  std::uint64_t file_number;
  storage::AsyncIo& io;
  std::unique_ptr<detail::RunBuffer> buffer;
  std::vector<Run> runs;

  void allocate(std::uint64_t memory_bytes) {
    const auto least = detail::least_buffer_bytes(order.format(), order.format().record_bytes);
    buffer = detail::make_run_buffer(order,
                                     detail::Workspace(budget, least, memory_bytes, "sorting records into runs"));
  }

  void spill_run() {
    if (buffer->empty()) return;
    auto run = buffer->spill(spill, io);
    run.file = file_number;
    runs.push_back(run);
  }

  ~State() {
    try {
      if (buffer) buffer->settle(io);
    } catch (const base::Error&) {
      return;  // whoever destroys a builder without finish() does not want its runs
    }
  }
};

RunBuilder::RunBuilder(const RecordFormat& format, memory::Budget& budget, std::uint64_t memory_bytes,
                       SpillFile& spill, std::uint64_t file_number, storage::AsyncIo& io)
    : state_(new State{detail::Order(format), budget, spill, file_number, io, nullptr, {}}) {
  state_->allocate(memory_bytes);
}

RunBuilder::RunBuilder(RunBuilder&&) noexcept = default;
RunBuilder::~RunBuilder() = default;

void RunBuilder::push(std::span<const std::byte> records) {
  for (;;) {
    records = records.subspan(state_->buffer->push(state_->io, records));
    if (records.empty()) return;
    state_->spill_run();
  }
}

void RunBuilder::push(std::span<const std::byte> key, std::span<const std::byte> rest) {
  if (state_->buffer->push(state_->io, key, rest)) return;
  state_->spill_run();
  // Into an empty buffer it goes, or push() says why it never will.
  base::expect(state_->buffer->push(state_->io, key, rest), "an empty buffer is full");
}

void RunBuilder::shrink(std::uint64_t memory_bytes) {
  state_->spill_run();
  state_->buffer->settle(state_->io);
  state_->buffer.reset();
  state_->allocate(memory_bytes);
}

std::vector<Run> RunBuilder::finish() {
  state_->spill_run();
  state_->buffer->settle(state_->io);
  return std::exchange(state_->runs, {});
}

}  // namespace surd::external
