#include "surd/mpi/link.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace surd::mpi {
namespace {

constexpr int tag = 77;
constexpr int least_turns = 16;
constexpr std::size_t big_bytes = std::size_t{1} << 20;
using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// What goes to and fro. The near rank says when to stop; the far one says what time it is there.
struct Turn {
  double far_clock = 0;
  int last = 0;
};

void send_turn(const Communicator& ranks, Turn turn, int to) {
  check(MPI_Send(&turn, sizeof turn, MPI_BYTE, to, tag, ranks.native()), "MPI_Send");
}

Turn receive_turn(const Communicator& ranks, int from) {
  Turn turn;
  check(MPI_Recv(&turn, sizeof turn, MPI_BYTE, from, tag, ranks.native(), MPI_STATUS_IGNORE), "MPI_Recv");
  return turn;
}

void measure_latency(const Communicator& ranks, int far, double time, Link& link) {
  const auto start = Clock::now();
  double fastest = 1e9;
  for (int turn = 1, last = 0; last == 0; ++turn) {
    last = turn >= least_turns && seconds_since(start) > time ? 1 : 0;
    const double near_clock = wall_seconds();
    const auto sent = Clock::now();
    send_turn(ranks, {0, last}, far);
    const auto answer = receive_turn(ranks, far);
    const double took = seconds_since(sent);
    if (took >= fastest) continue;
    fastest = took;
    link.clock_offset_seconds = answer.far_clock - (near_clock + took / 2);
  }
  link.latency_seconds = fastest / 2;
}

void measure_bandwidth(const Communicator& ranks, int far, double time, Link& link) {
  std::vector<std::byte> block(big_bytes);
  const auto start = Clock::now();
  int blocks = 0;
  for (int last = 0; last == 0; ++blocks) {
    last = blocks >= 2 && seconds_since(start) > time ? 1 : 0;
    block.front() = static_cast<std::byte>(last);
    check(MPI_Send(block.data(), count(block.size()), MPI_BYTE, far, tag, ranks.native()), "MPI_Send");
  }
  (void)receive_turn(ranks, far);  // all have arrived
  link.bytes_per_second = static_cast<double>(blocks) * static_cast<double>(big_bytes) / seconds_since(start);
}

void answer(const Communicator& ranks) {
  for (int last = 0; last == 0;) {
    last = receive_turn(ranks, 0).last;
    send_turn(ranks, {wall_seconds(), 0}, 0);
  }
  std::vector<std::byte> block(big_bytes);
  for (bool last = false; !last;) {
    check(MPI_Recv(block.data(), count(block.size()), MPI_BYTE, 0, tag, ranks.native(), MPI_STATUS_IGNORE),
          "MPI_Recv");
    last = block.front() != std::byte{0};
  }
  send_turn(ranks, {}, 0);
}

}  // namespace

Link measure_link(const Communicator& ranks, int far, std::chrono::duration<double> time) {
  Link link;
  if (ranks.rank() == 0) {
    measure_latency(ranks, far, time.count() / 3, link);
    measure_bandwidth(ranks, far, time.count() * 2 / 3, link);
    check(MPI_Send(&link, sizeof link, MPI_BYTE, far, tag, ranks.native()), "MPI_Send");
  } else {
    answer(ranks);
    check(MPI_Recv(&link, sizeof link, MPI_BYTE, 0, tag, ranks.native(), MPI_STATUS_IGNORE), "MPI_Recv");
  }
  return link;
}

}  // namespace surd::mpi
