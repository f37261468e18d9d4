#include "surd/ranks/detail/sort_keys.hpp"

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <array>
#include <functional>

#include "surd/mpi/message.hpp"

namespace surd::ranks::detail {
namespace {

constexpr std::size_t window = 8;  ///< Messages under way in each direction.
constexpr int exchange_tag = 20;

/// One side of the exchange: this rank's messages to, or from, its partners in turn, each in pieces of
/// bounded size. Both sides of a pair make the same pieces, and every rank always has its earliest messages
/// under way, so that the exchange cannot block.
class Pieces {
 public:
  Pieces(const mpi::Communicator& ranks, const std::vector<std::size_t>& bounds, std::size_t piece_keys,
         bool sending)
      : ranks_(ranks), bounds_(bounds), piece_keys_(piece_keys), sending_(sending) {
    requests_.fill(MPI_REQUEST_NULL);
  }

  /// Starts what the window has room for: start(partner, first key, keys, request).
  template <class Start>
  void fill(const Start& start) {
    for (auto& request : requests_) {
      if (request != MPI_REQUEST_NULL) continue;
      if (!find_next()) return;
      const auto keys = std::min(piece_keys_, bounds_[partner_ + 1] - position_);
      start(static_cast<int>(partner_), position_, keys, &request);
      position_ += keys;
    }
  }

  /// Takes note of what is done; true if anything was.
  bool test() {
    int done = 0;
    std::array<int, window> indices{};
    mpi::check(MPI_Testsome(mpi::count(window), requests_.data(), &done, indices.data(), MPI_STATUSES_IGNORE),
               "MPI_Testsome");
    return done != MPI_UNDEFINED && done > 0;
  }

  [[nodiscard]] bool over() {
    const auto idle = [](MPI_Request request) { return request == MPI_REQUEST_NULL; };
    return std::all_of(requests_.begin(), requests_.end(), idle) && !find_next();
  }

 private:
  /// Moves on to the next partner that has something left; false if there is none.
  bool find_next() {
    const auto size = static_cast<std::size_t>(ranks_.size());
    const auto own = static_cast<std::size_t>(ranks_.rank());
    while (step_ < size && (step_ == 0 || position_ == bounds_[partner_ + 1])) {
      if (++step_ == size) break;
      partner_ = sending_ ? (own + step_) % size : (own + size - step_) % size;
      position_ = bounds_[partner_];
    }
    return step_ < size;
  }

  const mpi::Communicator& ranks_;
  const std::vector<std::size_t>& bounds_;
  std::size_t piece_keys_;
  bool sending_;
  std::array<MPI_Request, window> requests_{};
  std::size_t step_ = 0;  ///< Distance of the partner.
  std::size_t partner_ = 0;
  std::size_t position_ = 0;
};

/// Merges without branches that depend on keys: they would be mispredicted half of the time.
template <class Key>
void merge_two(std::span<const Key> left, std::span<const Key> right, Key* into) {
  const Key* a = left.data();
  const Key* b = right.data();
  const Key* const a_end = a + left.size();
  const Key* const b_end = b + right.size();
  while (a < a_end && b < b_end) {
    auto steps = std::min(a_end - a, b_end - b);
    for (; steps > 0; --steps) {
      const Key x = *a;
      const Key y = *b;
      const bool take_b = y < x;
      *into++ = take_b ? y : x;
      a += take_b ? 0 : 1;
      b += take_b ? 1 : 0;
    }
  }
  into = std::copy(a, a_end, into);
  std::copy(b, b_end, into);
}

}  // namespace

template <class Key>
void sort_keys(std::span<Key> keys) {
  if (std::is_sorted(keys.begin(), keys.end())) return;
  if (std::is_sorted(keys.begin(), keys.end(), std::greater<>())) {
    std::reverse(keys.begin(), keys.end());
    return;
  }
  static const hwy::Sorter sorter;
  sorter(keys.data(), keys.size(), hwy::SortAscending());
}

std::vector<std::size_t> announce(const mpi::Communicator& ranks, const std::vector<std::size_t>& cuts) {
  const auto size = static_cast<std::size_t>(ranks.size());
  std::vector<std::uint64_t> sent(size);
  std::vector<std::uint64_t> received(size);
  for (std::size_t rank = 0; rank < size; ++rank) sent[rank] = cuts[rank + 1] - cuts[rank];
  mpi::check(MPI_Alltoall(sent.data(), 1, MPI_UINT64_T, received.data(), 1, MPI_UINT64_T, ranks.native()),
             "MPI_Alltoall");
  std::vector<std::size_t> from(size + 1, 0);
  for (std::size_t rank = 0; rank < size; ++rank) from[rank + 1] = from[rank] + received[rank];
  return from;
}

template <class Key>
void exchange(const mpi::Communicator& ranks, std::span<const Key> keys, const std::vector<std::size_t>& cuts,
              std::span<Key> into, const std::vector<std::size_t>& from, std::uint64_t in_flight_bytes) {
  const auto largest = (std::uint64_t{1} << 30) / sizeof(Key);
  const auto piece_keys =
      static_cast<std::size_t>(std::clamp<std::uint64_t>(in_flight_bytes / window / sizeof(Key), 1, largest));
  Pieces out(ranks, cuts, piece_keys, true);
  Pieces in(ranks, from, piece_keys, false);
  const auto bytes = [](std::size_t count) { return mpi::count(count * sizeof(Key)); };
  const auto receive = [&](int partner, std::size_t first, std::size_t count, MPI_Request* request) {
    mpi::check(
        MPI_Irecv(&into[first], bytes(count), MPI_BYTE, partner, exchange_tag, ranks.native(), request),
        "MPI_Irecv");
  };
  const auto send = [&](int partner, std::size_t first, std::size_t count, MPI_Request* request) {
    mpi::check(
        MPI_Isend(&keys[first], bytes(count), MPI_BYTE, partner, exchange_tag, ranks.native(), request),
        "MPI_Isend");
  };
  in.fill(receive);
  out.fill(send);
  const auto own = static_cast<std::size_t>(ranks.rank());
  const auto kept = keys.subspan(cuts[own], cuts[own + 1] - cuts[own]);
  std::copy(kept.begin(), kept.end(), into.begin() + static_cast<std::ptrdiff_t>(from[own]));
  mpi::Patience patience;
  while (!in.over() || !out.over()) {
    const bool received = in.test();
    const bool sent = out.test();
    if (received) in.fill(receive);
    if (sent) out.fill(send);
    if (received || sent) patience.reset();
    patience.pause();
  }
}

template <class Key>
bool merge_keys(std::span<Key> keys, std::vector<std::size_t> bounds, std::span<Key> spare) {
  bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
  if (bounds.size() > merged_at_most + 1) {
    sort_keys(keys);
    return false;
  }
  bool in_spare = false;
  while (bounds.size() > 2) {  // joins neighbours, two by two
    const auto from = in_spare ? spare : keys;
    const auto into = in_spare ? keys : spare;
    std::vector<std::size_t> joined{0};
    for (std::size_t i = 0; i + 1 < bounds.size(); i += 2) {
      const auto middle = bounds[i + 1];
      const auto end = bounds[std::min(i + 2, bounds.size() - 1)];
      merge_two<Key>(from.subspan(bounds[i], middle - bounds[i]), from.subspan(middle, end - middle),
                     into.data() + bounds[i]);
      joined.push_back(end);
    }
    bounds = std::move(joined);
    in_spare = !in_spare;
  }
  return in_spare;
}

template void sort_keys(std::span<std::uint32_t>);
template void sort_keys(std::span<std::uint64_t>);
template void exchange(const mpi::Communicator&, std::span<const std::uint32_t>,
                       const std::vector<std::size_t>&, std::span<std::uint32_t>,
                       const std::vector<std::size_t>&, std::uint64_t);
template void exchange(const mpi::Communicator&, std::span<const std::uint64_t>,
                       const std::vector<std::size_t>&, std::span<std::uint64_t>,
                       const std::vector<std::size_t>&, std::uint64_t);
template bool merge_keys(std::span<std::uint32_t>, std::vector<std::size_t>, std::span<std::uint32_t>);
template bool merge_keys(std::span<std::uint64_t>, std::vector<std::size_t>, std::span<std::uint64_t>);

}  // namespace surd::ranks::detail
