// What RunBuilder and Sorter share: a buffer of records, and the runs it was spilled to.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "surd/external/detail/run_buffer.hpp"

namespace surd::external::detail {

class RunFormer {
 public:
  RunFormer(const RecordFormat& format, memory::Budget& budget, std::uint64_t memory_bytes, SpillFile& spill,
            std::uint64_t file_number, storage::AsyncIo& io);
  RunFormer(const RunFormer&) = delete;
  RunFormer& operator=(const RunFormer&) = delete;
  /// Waits for what is being written.
  ~RunFormer();

  void push(std::span<const std::byte> records);
  void push(std::span<const std::byte> key, std::span<const std::byte> rest);
  void shrink(std::uint64_t memory_bytes);
  /// Spills what is held and waits until all is written.
  [[nodiscard]] std::vector<Run> finish();

  /// Spilled since the last finish().
  [[nodiscard]] const std::vector<Run>& runs() const noexcept { return runs_; }
  [[nodiscard]] RunBuffer& buffer() noexcept { return *buffer_; }

 private:
  void allocate(std::uint64_t memory_bytes);
  void spill_run();

  const Order order_;
  memory::Budget& budget_;
  SpillFile& spill_;
  std::uint64_t file_number_;
  storage::AsyncIo& io_;
  std::unique_ptr<RunBuffer> buffer_;
  std::vector<Run> runs_;
};

}  // namespace surd::external::detail
