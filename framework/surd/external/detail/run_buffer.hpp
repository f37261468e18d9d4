// Records held in memory until they are sorted: written to a spill file as a run, or handed out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "surd/external/detail/order.hpp"
#include "surd/external/detail/workspace.hpp"
#include "surd/external/run.hpp"
#include "surd/external/spill.hpp"

namespace surd::external::detail {

class RunBuffer {
 public:
  virtual ~RunBuffer() = default;

  /// Takes whole records; returns the bytes taken, less than all when full.
  /// @throws UsageError  if `records` does not end with a record, or one can never fit.
  virtual std::size_t push(storage::AsyncIo& io, std::span<const std::byte> records) = 0;
  /// One record of variable size; false when full.
  virtual bool push(storage::AsyncIo& io, std::span<const std::byte> key,
                    std::span<const std::byte> rest) = 0;
  [[nodiscard]] virtual bool empty() const noexcept = 0;

  /// Sorts what is held and hands it to `spill`; empty afterwards. Run::file is left 0.
  virtual Run spill(SpillFile& spill, storage::AsyncIo& io) = 0;
  /// Waits until all that was handed over is written.
  virtual void settle(storage::AsyncIo& io) = 0;

  /// Sorts what is held, to be drained: blocks in order, empty at the end. A block is valid until the call
  /// after the next one.
  virtual void sort() = 0;
  virtual std::span<const std::byte> drain() = 0;
};

/// Of the kind that sorts `order` best, in all of `memory`.
[[nodiscard]] std::unique_ptr<RunBuffer> make_run_buffer(const Order& order, Workspace memory);
[[nodiscard]] std::unique_ptr<RunBuffer> make_scalar_buffer(const Order& order, Workspace memory);
[[nodiscard]] std::unique_ptr<RunBuffer> make_record_buffer(const Order& order, Workspace memory);

/// Least memory for a buffer that holds a record of `record_bytes`.
[[nodiscard]] std::uint64_t least_buffer_bytes(const RecordFormat& format,
                                               std::uint64_t record_bytes) noexcept;
/// Bytes of records that a buffer of `memory_bytes` holds at most; records of variable size are taken to have
/// 100 bytes each.
[[nodiscard]] std::uint64_t buffer_capacity(const Order& order, std::uint64_t memory_bytes) noexcept;
/// Bytes of records in a run from such a buffer, other than the first, which is all that the buffer holds.
[[nodiscard]] std::uint64_t run_capacity(const Order& order, std::uint64_t memory_bytes) noexcept;
/// Buffers of scalars are filled by halves from this size on. Smaller ones would make too many runs.
constexpr std::uint64_t least_halved_bytes = 16 << 20;

}  // namespace surd::external::detail
