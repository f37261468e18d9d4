#include "surd/mpi/message.hpp"

#include <sched.h>

#include <algorithm>
#include <exception>
#include <thread>

namespace surd::mpi {
namespace {

constexpr int spins = 200;   ///< Turns without a system call,
constexpr int yields = 600;  ///< then with sched_yield up to this one.

}  // namespace

void send(const Communicator& comm, std::span<const std::byte> bytes, int destination, int tag) {
  check(MPI_Send(bytes.data(), count(bytes.size()), MPI_BYTE, destination, tag, comm.native()), "MPI_Send");
}

bool take_signal(const Communicator& comm, int source, int tag) {
  int waiting = 0;
  check(MPI_Iprobe(source, tag, comm.native(), &waiting, MPI_STATUS_IGNORE), "MPI_Iprobe");
  if (waiting == 0) return false;
  check(MPI_Recv(nullptr, 0, MPI_BYTE, source, tag, comm.native(), MPI_STATUS_IGNORE), "MPI_Recv");
  return true;
}

PendingReceive::PendingReceive(const Communicator& comm, std::span<std::byte> buffer, int source, int tag)
    : comm_(comm), buffer_(buffer), wanted_source_(source), tag_(tag) {
  repost();
}

void PendingReceive::repost() {
  check(MPI_Irecv(buffer_.data(), count(buffer_.size()), MPI_BYTE, wanted_source_, tag_, comm_.native(),
                  &request_),
        "MPI_Irecv");
}

PendingReceive::~PendingReceive() {
  if (request_ == MPI_REQUEST_NULL || std::uncaught_exceptions() > 0) return;
  MPI_Cancel(&request_);
  MPI_Wait(&request_, MPI_STATUS_IGNORE);
}

bool PendingReceive::arrived() {
  int done = 0;
  MPI_Status status;
  check(MPI_Test(&request_, &done, &status), "MPI_Test");
  if (done == 0) return false;
  int bytes = 0;
  check(MPI_Get_count(&status, MPI_BYTE, &bytes), "MPI_Get_count");
  source_ = status.MPI_SOURCE;
  size_ = static_cast<std::size_t>(bytes);
  return true;
}

bool Patience::long_wait() const noexcept { return turns_ >= yields; }

void Patience::pause() {
  ++turns_;
  if (turns_ < spins) return;
  if (turns_ < yields) {
    sched_yield();
    return;
  }
  std::this_thread::sleep_for(std::chrono::microseconds(std::min(200, 20 + (turns_ - yields))));
}

}  // namespace surd::mpi
