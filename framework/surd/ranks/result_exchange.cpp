#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "surd/ranks/detail/result_exchange.hpp"

namespace surd::ranks::detail {
namespace {

/// What a rank tells another at the start of a round.
struct Announcement {
  std::uint32_t rows = 0;
  std::uint32_t finished = 0;
};

}  // namespace

Owners Owners::shared(std::uint64_t points, int ranks) {
  std::vector<std::uint64_t> ends;
  const auto n = static_cast<std::uint64_t>(ranks);
  for (std::uint64_t r = 1; r <= n; ++r) ends.push_back(points / n * r + std::min(points % n, r));
  return Owners(std::move(ends));
}

Owners Owners::first_rank(std::uint64_t points, int ranks) {
  return Owners(std::vector<std::uint64_t>(static_cast<std::size_t>(ranks), points));
}

sweep::Run Owners::run(int rank) const {
  const auto r = static_cast<std::size_t>(rank);
  const auto first = r == 0 ? 0 : ends_[r - 1];
  return {first, ends_[r] - first};
}

std::size_t Owners::of(std::uint64_t index) const {
  return static_cast<std::size_t>(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
}

RowExchange::RowExchange(const mpi::Communicator& ranks, const Owners& owners, std::size_t row_bytes,
                         std::uint64_t memory_bytes, RowStore& store)
    : ranks_(&ranks),
      owners_(&owners),
      store_(&store),
      row_bytes_(row_bytes),
      outgoing_(static_cast<std::size_t>(ranks.size())) {
  // Gathering, sending and receiving take the limit once per rank each.
  limit_bytes_ = std::max<std::size_t>(memory_bytes / 3 / outgoing_.size(), row_bytes);
  mpi::check(MPI_Type_contiguous(mpi::count(row_bytes), MPI_BYTE, &row_type_), "MPI_Type_contiguous");
  mpi::check(MPI_Type_commit(&row_type_), "MPI_Type_commit");
}

RowExchange::~RowExchange() { MPI_Type_free(&row_type_); }  // local

void RowExchange::add(std::span<const std::byte> row) {
  std::uint64_t index = 0;
  std::memcpy(&index, row.data(), sizeof index);
  const auto owner = owners_->of(index);
  if (owner == static_cast<std::size_t>(ranks_->rank())) return store_->put(row);
  auto& buffer = outgoing_[owner];
  if (buffer.size() + row_bytes_ > limit_bytes_) round(false);
  buffer.insert(buffer.end(), row.begin(), row.end());
}

void RowExchange::finish() {
  while (round(true)) {
  }
}

bool RowExchange::round(bool finished) {
  const auto ranks = outgoing_.size();
  std::vector<Announcement> told(ranks);
  std::vector<Announcement> heard(ranks);
  std::vector<int> send_counts(ranks);
  std::vector<int> send_offsets(ranks);
  send_.clear();
  for (std::size_t r = 0; r < ranks; ++r) {
    const auto rows = outgoing_[r].size() / row_bytes_;
    told[r] = {static_cast<std::uint32_t>(rows), finished ? 1U : 0U};
    send_counts[r] = mpi::count(rows);
    send_offsets[r] = mpi::count(send_.size() / row_bytes_);
    send_.insert(send_.end(), outgoing_[r].begin(), outgoing_[r].end());
    outgoing_[r].clear();
  }
  mpi::check(MPI_Alltoall(told.data(), 2, MPI_UINT32_T, heard.data(), 2, MPI_UINT32_T, ranks_->native()),
             "MPI_Alltoall");
  std::vector<int> counts(ranks);
  std::vector<int> offsets(ranks);
  std::size_t rows = 0;
  bool all_finished = true;
  for (std::size_t r = 0; r < ranks; ++r) {
    counts[r] = mpi::count(heard[r].rows);
    offsets[r] = mpi::count(rows);
    rows += heard[r].rows;
    all_finished = all_finished && heard[r].finished != 0;
  }
  received_.resize(rows * row_bytes_);
  mpi::check(MPI_Alltoallv(send_.data(), send_counts.data(), send_offsets.data(), row_type_, received_.data(),
                           counts.data(), offsets.data(), row_type_, ranks_->native()),
             "MPI_Alltoallv");
  store_->put(received_);
  return !all_finished;
}

}  // namespace surd::ranks::detail
