// Reading ahead and writing behind: block I/O on background threads, some for reads and one for writes.
//
//   AsyncIo io;
//   auto ticket = io.read(file, offset, buffer);   ... work on another buffer ...   io.wait(ticket);
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "surd/storage/file_system.hpp"

namespace surd::storage {

/// Writes are carried out in the order they were made; reads begin in that order, some at once. Not
/// thread-safe: one owner. The buffers belong to the caller and must stay in place until their ticket is
/// waited for; the destructor waits for all. At most 256 requests of a kind are under way: the next one
/// waits.
///
/// Once a request has failed, those of its kind that follow fail alike, and writes are not carried out any
/// more: appends after a torn one would lie at wrong offsets.
class AsyncIo {
 public:
  /// A request; 0 is one that is done.
  using Ticket = std::uint64_t;

  AsyncIo();
  AsyncIo(const AsyncIo&) = delete;
  AsyncIo& operator=(const AsyncIo&) = delete;
  ~AsyncIo();

  /// Fills `into` from `offset`. A file that ends earlier is an error.
  [[nodiscard]] Ticket read(ReadableFile& file, std::uint64_t offset, std::span<std::byte> into);
  /// Appends `bytes`.
  [[nodiscard]] Ticket append(WritableFile& file, std::span<const std::byte> bytes);
  /// Appends `pieces`, one after the other. Where they are must stay in place, too.
  [[nodiscard]] Ticket append(WritableFile& file, std::span<const std::span<const std::byte>> pieces);
  /// Writes `bytes` at `offset`.
  [[nodiscard]] Ticket write(SharedFile& file, std::uint64_t offset, std::span<const std::byte> bytes);

  /// Returns when the request, and all of its kind before it, are done; any number of times.
  /// @throws IoError  what the request, or one of its kind before it, met.
  void wait(Ticket ticket);

  [[nodiscard]] double waited_seconds() const noexcept;  ///< In wait(): what I/O cost that nothing hid.

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::storage
