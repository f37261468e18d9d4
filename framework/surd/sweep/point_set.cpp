#include "surd/sweep/point_set.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <roaring/roaring.hh>

namespace roaring {}      // namespace roaring
using namespace roaring;  // NOLINT(google-build-using-namespace)

namespace surd::sweep {
namespace {

// A bitmap per 2^24 positions, and none for full blocks: so whole grids of 10^12 points cost a few megabytes,
// and a hole in one costs only its block.
constexpr unsigned block_bits = 24;
constexpr std::uint64_t block_size = std::uint64_t{1} << block_bits;

/// Positions of one block, as offsets in it.
struct Block {
  bool full = false;
  Roaring bits;  ///< Empty if full; else holds at least one and lacks at least one, but after add().

  /// Gives a full block its bitmap.
  void open() {
    if (!full) return;
    bits.addRange(0, block_size);
    full = false;
  }

  /// Restores the invariant.
  void settle() {
    if (full || bits.cardinality() != block_size) return;
    bits = Roaring();
    full = true;
  }

  [[nodiscard]] std::uint64_t size() const { return full ? block_size : bits.cardinality(); }

  /// How many of [from, to) are in it.
  [[nodiscard]] std::uint64_t count(std::uint64_t from, std::uint64_t to) const {
    if (full) return to - from;
    return roaring_bitmap_range_cardinality(&bits.roaring, from, to);
  }

  /// The first run at or after `from`, cut to at most `limit` > 0 elements; empty if there is none.
  [[nodiscard]] Run run(std::uint64_t from, std::uint64_t limit) const;

 private:
  /// The first offset from `end` on that is not in it, at most `limit`; end - 1 is in it.
  [[nodiscard]] std::uint64_t leap(std::uint64_t end, std::uint64_t limit) const;
};

/// How many elements from the one `it` is at, at most `limit`, are consecutive; `it` has moved an unspecified
/// way.
std::uint64_t consecutive(roaring_uint32_iterator_t& it, std::uint64_t limit) {
  const auto first = it.current_value;
  for (std::uint32_t count = 1; count < 4; ++count) {  // Most runs are short.
    if (count == limit || !roaring_advance_uint32_iterator(&it) || it.current_value != first + count)
      return count;
  }
  std::array<std::uint32_t, 256> next;
  std::uint64_t count = 3;
  while (count < limit) {
    const auto read = roaring_read_uint32_iterator(&it, next.data(), static_cast<std::uint32_t>(next.size()));
    std::uint32_t fitting = read;
    if (read > 0 && next[read - 1] != first + count + read - 1) {
      std::uint32_t other = read;
      for (fitting = 0; fitting < other;) {
        const auto middle = (fitting + other) / 2;
        if (next[middle] == first + count + middle) {
          fitting = middle + 1;
        } else {
          other = middle;
        }
      }
    }
    count += fitting;
    if (fitting < next.size() || count > 1024) break;
  }
  return std::min(count, limit);
}

std::uint64_t Block::leap(std::uint64_t end, std::uint64_t limit) const {
  const auto whole = [this](std::uint64_t from, std::uint64_t to) { return count(from, to) == to - from; };
  std::uint64_t step = 1024;
  while (end < limit && whole(end, std::min(limit, end + step))) {
    end = std::min(limit, end + step);
    step *= 2;
  }
  for (step = std::min(step, limit - end); step > 1;) {  // Within `step` from `end` one is missing.
    const auto half = step / 2;
    const bool first_half = whole(end, end + half);
    end += first_half ? half : 0;
    step = first_half ? step - half : half;
  }
  return end;
}

Run Block::run(std::uint64_t from, std::uint64_t limit) const {
  if (full) return {from, std::min(limit, block_size - from)};
  roaring_uint32_iterator_t it;
  roaring_init_iterator(&bits.roaring, &it);
  if (!roaring_move_uint32_iterator_equalorlarger(&it, static_cast<std::uint32_t>(from))) return {};
  const std::uint64_t first = it.current_value;
  limit = std::min(limit, block_size - first);
  const auto count = consecutive(it, limit);
  if (count <= 1024 || count == limit) return {first, count};
  return {first, leap(first + count, first + limit) - first};
}

}  // namespace

struct PointSet::State {
  std::map<std::uint64_t, Block> blocks;  ///< By position / block_size; none is empty.

  /// Calls `f(block number, from, to)` for the parts of `run` in each block, as offsets.
  template <class F>
  static void split(Run run, F f) {
    const auto end = run.end();
    for (auto at = run.first; at < end;) {
      const auto stop = std::min(end, (at / block_size + 1) * block_size);
      f(at / block_size, at % block_size, at % block_size + (stop - at));
      at = stop;
    }
  }
};

PointSet::PointSet() : state_(std::make_unique<State>()) {}
PointSet::PointSet(Run run) : PointSet() { add(run); }
PointSet::PointSet(const PointSet& other) : state_(std::make_unique<State>(*other.state_)) {}
PointSet::PointSet(PointSet&& other) noexcept
    : state_(std::exchange(other.state_, std::make_unique<State>())) {}
PointSet& PointSet::operator=(const PointSet& other) {
  if (this != &other) *state_ = *other.state_;
  return *this;
}
PointSet& PointSet::operator=(PointSet&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}
PointSet::~PointSet() = default;

void PointSet::add(std::uint64_t position) {
  auto& block = state_->blocks[position / block_size];
  if (!block.full) block.bits.add(static_cast<std::uint32_t>(position % block_size));
}

void PointSet::add(Run run) {
  State::split(run, [this](auto number, auto from, auto to) {
    auto& block = state_->blocks[number];
    if (block.full) return;
    if (to - from == block_size) {
      block.bits = Roaring();
      block.full = true;
    } else if (to - from <= 4) {
      for (auto i = from; i < to; ++i) block.bits.add(static_cast<std::uint32_t>(i));
    } else {
      block.bits.addRange(from, to);
      if (to == block_size) block.settle();
    }
  });
}

void PointSet::remove(Run run) {
  State::split(run, [this](auto number, auto from, auto to) {
    const auto it = state_->blocks.find(number);
    if (it == state_->blocks.end()) return;
    if (to - from < block_size) {
      it->second.open();
      roaring_bitmap_remove_range(&it->second.bits.roaring, from, to);
    }
    if (to - from == block_size || it->second.bits.isEmpty()) state_->blocks.erase(it);
  });
}

bool PointSet::contains(std::uint64_t position) const {
  const auto it = state_->blocks.find(position / block_size);
  if (it == state_->blocks.end()) return false;
  return it->second.full || it->second.bits.contains(static_cast<std::uint32_t>(position % block_size));
}

std::uint64_t PointSet::size() const {
  std::uint64_t size = 0;
  for (const auto& [number, block] : state_->blocks) size += block.size();
  return size;
}

bool PointSet::empty() const { return state_->blocks.empty(); }

std::uint64_t PointSet::count_in(Run run) const {
  std::uint64_t count = 0;
  const auto end = run.end();
  for (auto it = state_->blocks.lower_bound(run.first / block_size); it != state_->blocks.end(); ++it) {
    const auto begin = it->first * block_size;
    if (begin >= end) break;
    const auto from = std::max(begin, run.first) - begin;
    const auto to = std::min(begin + block_size, end) - begin;
    if (from < to) count += it->second.count(from, to);
  }
  return count;
}

PointSet& PointSet::operator|=(const PointSet& other) {
  for (const auto& [number, theirs] : other.state_->blocks) {
    auto& mine = state_->blocks[number];
    if (mine.full) continue;
    if (theirs.full) {
      mine = theirs;
    } else {
      mine.bits |= theirs.bits;
      mine.settle();
    }
  }
  return *this;
}

PointSet& PointSet::operator-=(const PointSet& other) {
  if (this == &other) return *this = PointSet();
  for (const auto& [number, theirs] : other.state_->blocks) {
    const auto it = state_->blocks.find(number);
    if (it == state_->blocks.end()) continue;
    if (!theirs.full) {
      it->second.open();
      it->second.bits -= theirs.bits;
    }
    if (theirs.full || it->second.bits.isEmpty()) state_->blocks.erase(it);
  }
  return *this;
}

PointSet& PointSet::operator&=(const PointSet& other) {
  for (auto it = state_->blocks.begin(); it != state_->blocks.end();) {
    const auto theirs = other.state_->blocks.find(it->first);
    if (theirs != other.state_->blocks.end() && !theirs->second.full) {
      if (it->second.full) {
        it->second = theirs->second;
      } else {
        it->second.bits &= theirs->second.bits;
      }
    }
    const bool empty = theirs == other.state_->blocks.end() || it->second.size() == 0;
    it = empty ? state_->blocks.erase(it) : std::next(it);
  }
  return *this;
}

bool PointSet::operator==(const PointSet& other) const {
  const auto equal = [](const auto& a, const auto& b) {
    if (a.first != b.first || a.second.size() != b.second.size()) return false;
    return a.second.full || b.second.full || a.second.bits == b.second.bits;
  };
  return std::equal(state_->blocks.begin(), state_->blocks.end(), other.state_->blocks.begin(),
                    other.state_->blocks.end(), equal);
}

std::optional<Run> PointSet::next_run(std::uint64_t position, std::uint64_t limit) const {
  if (limit == 0) return std::nullopt;
  Run run;
  for (auto it = state_->blocks.lower_bound(position / block_size); it != state_->blocks.end(); ++it) {
    const auto begin = it->first * block_size;
    if (run.count > 0 && begin != run.end()) break;
    const auto next = it->second.run(std::max(begin, position) - begin, limit - run.count);
    if (run.count == 0) {
      run = {begin + next.first, next.count};
    } else if (next.first == 0) {
      run.count += next.count;
    }
    if (run.count > 0 && (run.count == limit || run.end() != begin + block_size)) break;
  }
  return run.count > 0 ? std::optional(run) : std::nullopt;
}

std::uint64_t PointSet::memory_bytes() const {
  std::uint64_t bytes = sizeof(State);
  for (const auto& [number, block] : state_->blocks) {
    roaring_statistics_t statistics;
    roaring_bitmap_statistics(&block.bits.roaring, &statistics);
    // A tree node; per container its entry, its head, and what malloc adds.
    bytes += 112 + 80 * std::uint64_t{statistics.n_containers} + statistics.n_bytes_array_containers +
             statistics.n_bytes_bitset_containers + statistics.n_bytes_run_containers;
  }
  return bytes;
}

}  // namespace surd::sweep
