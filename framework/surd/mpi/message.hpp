// Two-sided messages between pairs of ranks, received without blocking and waited for without burning the
// core.
#pragma once

#include <chrono>
#include <cstddef>
#include <span>

#include "surd/mpi/communicator.hpp"

namespace surd::mpi {

inline constexpr int any_source = MPI_ANY_SOURCE;

/// Sends `bytes`. Up to a few KiB it returns at once; more may wait for the receiver.
void send(const Communicator& comm, std::span<const std::byte> bytes, int destination, int tag);

/// Receives and drops one waiting message without content; false if there is none.
[[nodiscard]] bool take_signal(const Communicator& comm, int source, int tag);

/// A receive that is posted now and completes later. The buffer must outlive it; destroying it cancels.
class PendingReceive {
 public:
  PendingReceive(const Communicator& comm, std::span<std::byte> buffer, int source, int tag);
  PendingReceive(const PendingReceive&) = delete;
  PendingReceive& operator=(const PendingReceive&) = delete;
  ~PendingReceive();

  /// True once the message is in the buffer; then source() and size() tell.
  [[nodiscard]] bool arrived();
  [[nodiscard]] int source() const noexcept { return source_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Posts the same receive again. Only after arrived().
  void repost();

 private:
  const Communicator& comm_;
  std::span<std::byte> buffer_;
  int wanted_source_;
  int tag_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  int source_ = -1;
  std::size_t size_ = 0;
};

/// Waiting that is quick at first and polite later: spins, then yields, then sleeps up to 200 us at a time,
/// so that more ranks than cores, and external commands, get the processor.
class Patience {
 public:
  void pause();
  void reset() noexcept { turns_ = 0; }
  /// It sleeps by now: about a millisecond has passed.
  [[nodiscard]] bool long_wait() const noexcept;

 private:
  int turns_ = 0;
};

}  // namespace surd::mpi
