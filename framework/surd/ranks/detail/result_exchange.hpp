// Sends rows to the ranks that own them, in rounds of bounded size.
//
// Each rank reads its share of the memo and calls add(); a rank whose buffer for some owner is full starts a
// round (MPI_Alltoallv) and waits until all ranks have joined it, from add() or, having read everything, from
// finish().
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/mpi/communicator.hpp"
#include "surd/ranks/detail/result_rows.hpp"

namespace surd::ranks::detail {

/// The points each rank owns: consecutive stretches by rank, or all on rank 0.
class Owners {
 public:
  static Owners shared(std::uint64_t points, int ranks);
  static Owners first_rank(std::uint64_t points, int ranks);

  [[nodiscard]] sweep::Run run(int rank) const;
  [[nodiscard]] std::size_t of(std::uint64_t index) const;

 private:
  explicit Owners(std::vector<std::uint64_t> ends) : ends_(std::move(ends)) {}
  std::vector<std::uint64_t> ends_;
};

class RowExchange {
 public:
  /// All must outlive it. Takes up to `memory_bytes`, but room for one row per rank at least.
  RowExchange(const mpi::Communicator& ranks, const Owners& owners, std::size_t row_bytes,
              std::uint64_t memory_bytes, RowStore& store);
  RowExchange(const RowExchange&) = delete;
  RowExchange& operator=(const RowExchange&) = delete;
  ~RowExchange();

  /// Collective with finish(): may wait for other ranks.
  void add(std::span<const std::byte> row);
  /// Collective. Returns when all rows of all ranks are in their stores.
  void finish();

 private:
  /// True while some rank goes on.
  bool round(bool finished);

  const mpi::Communicator* ranks_;
  const Owners* owners_;
  RowStore* store_;
  std::size_t row_bytes_;
  std::size_t limit_bytes_;  ///< Per owner and round.
  MPI_Datatype row_type_ = MPI_DATATYPE_NULL;
  std::vector<std::vector<std::byte>> outgoing_;
  std::vector<std::byte> send_;
  std::vector<std::byte> received_;
};

}  // namespace surd::ranks::detail
