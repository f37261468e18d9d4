#include "surd/external/detail/run_former.hpp"
#include "surd/external/sort.hpp"

namespace surd::external {

struct RunBuilder::State {
  detail::RunFormer former;
};

RunBuilder::RunBuilder(const RecordFormat& format, memory::Budget& budget, std::uint64_t memory_bytes,
                       SpillFile& spill, std::uint64_t file_number, storage::AsyncIo& io)
    : state_(new State{{format, budget, memory_bytes, spill, file_number, io}}) {}

RunBuilder::RunBuilder(RunBuilder&&) noexcept = default;
RunBuilder::~RunBuilder() = default;

void RunBuilder::push(std::span<const std::byte> records) { state_->former.push(records); }

void RunBuilder::push(std::span<const std::byte> key, std::span<const std::byte> rest) {
  state_->former.push(key, rest);
}

void RunBuilder::shrink(std::uint64_t memory_bytes) { state_->former.shrink(memory_bytes); }

std::vector<Run> RunBuilder::finish() { return state_->former.finish(); }

}  // namespace surd::external
