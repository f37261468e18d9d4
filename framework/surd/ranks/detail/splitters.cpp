#include "surd/ranks/detail/splitters.hpp"

#include <algorithm>
#include <limits>

#include "surd/base/error.hpp"

namespace surd::ranks::detail {
namespace {

/// Proposals gathered in one round, all cuts and ranks together.
constexpr std::size_t round_keys = std::size_t{1} << 16;

/// One cut that is being looked for: of the local keys, it lies in [first, last].
struct Search {
  std::size_t cut = 0;       ///< Its number.
  std::uint64_t before = 0;  ///< Keys of all ranks that come before it.
  std::size_t first = 0;
  std::size_t last = 0;
};

template <class Key>
class Splitter {
 public:
  Splitter(const mpi::Communicator& ranks, std::span<const Key> sorted)
      : ranks_(ranks),
        sorted_(sorted),
        size_(static_cast<std::size_t>(ranks.size())),
        proposals_(std::clamp<std::size_t>(round_keys / (size_ * size_), 8, 256)) {}

  std::vector<std::size_t> cuts() {
    const auto total = ranks_.sum(std::uint64_t{sorted_.size()});
    const auto parts = std::uint64_t{size_};
    std::vector<std::size_t> cuts(size_ + 1, 0);
    cuts[size_] = sorted_.size();
    const auto group = std::max<std::size_t>(1, round_keys / (size_ * proposals_));
    for (std::size_t next = 1; next < size_;) {
      std::vector<Search> open;
      for (; next < size_ && open.size() < group; ++next) {
        const auto before = total / parts * next + total % parts * next / parts;
        if (before > 0) open.push_back({next, before, 0, sorted_.size()});
      }
      while (!open.empty()) round(open, cuts);
    }
    return cuts;
  }

 private:
  /// Narrows all open cuts; those that are found leave `open`.
  void round(std::vector<Search>& open, std::vector<std::size_t>& cuts) {
    const auto per_rank = open.size() * proposals_;
    propose(open, per_rank);
    count(open.size());
    std::vector<Search> still;
    found_.clear();
    for (std::size_t i = 0; i < open.size(); ++i) {
      if (narrow(open[i], i)) still.push_back(open[i]);
    }
    base::expect(still.size() + found_.size() == open.size(), "a cut was neither found nor kept");
    divide_ties(cuts);
    open = std::move(still);
  }

  /// keys_: shape [cuts][ranks * proposals], sorted per cut; a rank with fewer keys repeats its last, one
  /// with none says the largest key, which is harmless.
  void propose(const std::vector<Search>& open, std::size_t per_rank) {
    std::vector<Key> mine(per_rank, std::numeric_limits<Key>::max());
    for (std::size_t i = 0; i < open.size(); ++i) {
      const auto left = open[i].last - open[i].first;
      for (std::size_t j = 0; j < proposals_ && left > 0; ++j) {
        const auto step = left <= proposals_ ? std::min(j, left - 1) : spaced(left, j);
        mine[i * proposals_ + j] = sorted_[open[i].first + step];
      }
    }
    std::vector<Key> all(per_rank * size_);
    const auto bytes = mpi::count(mine.size() * sizeof(Key));
    mpi::check(MPI_Allgather(mine.data(), bytes, MPI_BYTE, all.data(), bytes, MPI_BYTE, ranks_.native()),
               "MPI_Allgather");
    const auto width = proposals_ * size_;
    keys_.resize(all.size());
    for (std::size_t i = 0; i < open.size(); ++i) {
      const auto into = keys_.begin() + static_cast<std::ptrdiff_t>(i * width);
      for (std::size_t rank = 0; rank < size_; ++rank) {
        const auto from = all.begin() + static_cast<std::ptrdiff_t>(rank * per_rank + i * proposals_);
        std::copy_n(from, proposals_, into + static_cast<std::ptrdiff_t>(rank * proposals_));
      }
      std::sort(into, into + static_cast<std::ptrdiff_t>(width));
    }
  }

  /// The middle of the j-th of proposals_ equal parts of [0, left).
  [[nodiscard]] std::size_t spaced(std::size_t left, std::size_t j) const {
    const auto part = left / proposals_;
    return j * part + part / 2 + left % proposals_ * j / proposals_;
  }

  /// local_ and global_: shape [keys][2], how many keys are less, and how many are not greater.
  void count(std::size_t cuts) {
    local_.resize(2 * keys_.size());
    global_.resize(local_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const auto [less, not_greater] = std::equal_range(sorted_.begin(), sorted_.end(), keys_[i]);
      local_[2 * i] = static_cast<std::uint64_t>(less - sorted_.begin());
      local_[2 * i + 1] = static_cast<std::uint64_t>(not_greater - sorted_.begin());
    }
    base::expect(keys_.size() == cuts * proposals_ * size_, "proposals are missing");
    mpi::check(MPI_Allreduce(local_.data(), global_.data(), mpi::count(local_.size()), MPI_UINT64_T, MPI_SUM,
                             ranks_.native()),
               "MPI_Allreduce");
  }

  /// False if the i-th cut is found: at a key, less than all of its equals going left.
  bool narrow(Search& search, std::size_t i) {
    const auto width = proposals_ * size_;
    for (auto k = i * width; k < (i + 1) * width; ++k) {
      const auto less = global_[2 * k];
      const auto not_greater = global_[2 * k + 1];
      if (not_greater < search.before) {
        search.first = std::max(search.first, static_cast<std::size_t>(local_[2 * k + 1]));
      } else if (less <= search.before) {
        found_.push_back({search.cut, static_cast<std::size_t>(local_[2 * k]),
                          local_[2 * k + 1] - local_[2 * k], search.before - less});
        return false;
      } else {
        search.last = std::min(search.last, static_cast<std::size_t>(local_[2 * k]));
        break;
      }
    }
    return true;
  }

  /// Of the keys equal to a cut's, the first `left` in the order of ranks go left.
  void divide_ties(std::vector<std::size_t>& cuts) {
    if (found_.empty()) return;  // the same on all ranks
    std::vector<std::uint64_t> mine;
    for (const auto& found : found_) mine.push_back(found.equal);
    std::vector<std::uint64_t> earlier(mine.size(), 0);
    mpi::check(MPI_Exscan(mine.data(), earlier.data(), mpi::count(mine.size()), MPI_UINT64_T, MPI_SUM,
                          ranks_.native()),
               "MPI_Exscan");
    if (ranks_.is_root()) std::fill(earlier.begin(), earlier.end(), 0);  // MPI leaves rank 0's undefined
    for (std::size_t i = 0; i < found_.size(); ++i) {
      const auto open = found_[i].left - std::min(found_[i].left, earlier[i]);
      cuts[found_[i].cut] = found_[i].less + static_cast<std::size_t>(std::min(open, found_[i].equal));
    }
  }

  struct Found {
    std::size_t cut;
    std::size_t less;     ///< Local keys below the cut's.
    std::uint64_t equal;  ///< Local keys equal to it.
    std::uint64_t left;   ///< Of the keys equal to it on all ranks, those before the cut.
  };

  const mpi::Communicator& ranks_;
  std::span<const Key> sorted_;
  std::size_t size_;
  std::size_t proposals_;  ///< Per rank, cut and round.
  std::vector<Key> keys_;
  std::vector<std::uint64_t> local_;
  std::vector<std::uint64_t> global_;
  std::vector<Found> found_;
};

}  // namespace

template <class Key>
std::vector<std::size_t> exact_cuts(const mpi::Communicator& ranks, std::span<const Key> sorted) {
  return Splitter<Key>(ranks, sorted).cuts();
}

template std::vector<std::size_t> exact_cuts(const mpi::Communicator&, std::span<const std::uint32_t>);
template std::vector<std::size_t> exact_cuts(const mpi::Communicator&, std::span<const std::uint64_t>);

}  // namespace surd::ranks::detail
