#include "surd/sweep/point_set.hpp"

#include <algorithm>
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
constexpr std::uint64_t end_of_positions = ~std::uint64_t{0};

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

  /// The first offset at or after `from` that is in it.
  [[nodiscard]] std::optional<std::uint64_t> first(std::uint64_t from) const;
  /// The first offset after `from` that is not in it, or that reaches `limit` > from; `from` is in it.
  [[nodiscard]] std::uint64_t end_of_run(std::uint64_t from, std::uint64_t limit) const;
};

std::optional<std::uint64_t> Block::first(std::uint64_t from) const {
  if (full) return from;
  roaring_uint32_iterator_t it;
  roaring_init_iterator(&bits.roaring, &it);
  if (!roaring_move_uint32_iterator_equalorlarger(&it, static_cast<std::uint32_t>(from))) return std::nullopt;
  return it.current_value;
}

std::uint64_t Block::end_of_run(std::uint64_t from, std::uint64_t limit) const {
  if (full) return limit;
  // Most runs are short; a long one is found by doubling steps, each counted once, and then halving the last.
  std::uint64_t end = from + 1;
  for (const auto near = std::min(limit, from + 4); end < near; ++end) {
    if (!bits.contains(static_cast<std::uint32_t>(end))) return end;
  }
  std::uint64_t step = 4;
  while (end < limit && count(end, std::min(limit, end + step)) == std::min(limit, end + step) - end) {
    end = std::min(limit, end + step);
    step *= 2;
  }
  if (end == limit) return end;
  for (step = std::min(step, limit - end); step > 1;) {
    const auto half = step / 2;
    if (count(end, end + half) == half) {
      end += half;
      step -= half;
    } else {
      step = half;
    }
  }
  return end;
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
  auto it = state_->blocks.lower_bound(position / block_size);
  std::optional<std::uint64_t> first;
  for (; it != state_->blocks.end(); ++it) {
    const auto begin = it->first * block_size;
    first = it->second.first(std::max(begin, position) - begin);
    if (first) break;
  }
  if (!first) return std::nullopt;
  Run run{it->first * block_size + *first, 0};
  const auto last = run.first + std::min(limit, end_of_positions - run.first);
  auto end = run.first;
  while (end < last && it != state_->blocks.end() && it->first == end / block_size) {
    const auto begin = it->first * block_size;
    const auto from = end - begin;
    if (end != run.first && !it->second.full && !it->second.bits.contains(0)) break;
    const auto stop = std::min(last - begin, block_size);
    end = begin + it->second.end_of_run(from, stop);
    if (end != begin + block_size) break;
    ++it;
  }
  run.count = end - run.first;
  return run;
}

std::uint64_t PointSet::memory_bytes() const {
  std::uint64_t bytes = sizeof(State);
  for (const auto& [number, block] : state_->blocks) {
    // A tree node and its allocation; the bitmap's containers are as large as they are when stored.
    bytes += 112 + (block.full ? 0 : block.bits.getSizeInBytes());
  }
  return bytes;
}

}  // namespace surd::sweep
