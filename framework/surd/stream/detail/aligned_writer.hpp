// Bytes that follow one another in a file, written in pieces that pass the page cache by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "surd/memory/budget.hpp"
#include "surd/storage/async_io.hpp"

namespace surd::stream::detail {

/// Copies what it is given into two buffers, of which one is filled while the other is written. All pieces
/// but the first and the last begin and end at multiples of 4096 in the file and in memory, as direct
/// transfers must.
class AlignedWriter {
 public:
  /// What it takes of `share` bytes: up to 2 MiB for each buffer.
  [[nodiscard]] static std::uint64_t memory_of(std::uint64_t share) noexcept;

  /// `memory_bytes`: of memory_of(). The bytes begin at `offset`.
  AlignedWriter(memory::Budget& budget, std::uint64_t memory_bytes, storage::AsyncIo& io,
                storage::SharedFile& file, std::uint64_t offset);
  AlignedWriter(const AlignedWriter&) = delete;
  AlignedWriter& operator=(const AlignedWriter&) = delete;
  ~AlignedWriter();

  /// @throws IoError  also of writes before.
  void write(std::span<const std::byte> bytes);
  /// Returns when all is written. @throws IoError
  void flush();
  [[nodiscard]] std::uint64_t offset() const noexcept { return base_ + end_; }  ///< Where the next byte goes.

 private:
  struct Free {
    void operator()(std::byte* memory) const noexcept;
  };
  [[nodiscard]] std::byte* buffer() const noexcept { return memory_.get() + current_ * size_; }
  void hand_over();

  storage::AsyncIo& io_;
  storage::SharedFile& file_;
  memory::Reservation reservation_;
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t size_;  ///< Of one buffer.
  std::size_t current_ = 0;
  std::array<storage::AsyncIo::Ticket, 2> written_{};
  std::uint64_t base_;  ///< Of the current buffer in the file; a multiple of 4096.
  std::size_t begin_;   ///< What is not handed over yet, in the current buffer.
  std::size_t end_;
};

}  // namespace surd::stream::detail
