// A set of positions of a grid, compressed: intervals cost next to nothing, and the worst case is one bit a
// point.
//
// Roaring bitmaps (Lemire, Kaser, Kurz et al., "Roaring bitmaps: implementation of an optimized software
// library", Software: Practice and Experience 48(4), 2018, doi:10.1002/spe.2560), one per 2^32 positions.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>

namespace surd::sweep {

/// Positions first, first + 1, ..., first + count - 1.
struct Run {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  [[nodiscard]] std::uint64_t end() const noexcept { return first + count; }
  bool operator==(const Run&) const = default;
};

class PointSet {
 public:
  PointSet();
  explicit PointSet(Run run);
  PointSet(const PointSet& other);
  PointSet(PointSet&& other) noexcept;
  PointSet& operator=(const PointSet& other);
  PointSet& operator=(PointSet&& other) noexcept;
  ~PointSet();

  void add(std::uint64_t position);
  void add(Run run);
  void remove(Run run);
  [[nodiscard]] bool contains(std::uint64_t position) const;
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] bool empty() const;
  /// How many elements lie in `run`.
  [[nodiscard]] std::uint64_t count_in(Run run) const;

  PointSet& operator|=(const PointSet& other);
  PointSet& operator-=(const PointSet& other);
  PointSet& operator&=(const PointSet& other);
  [[nodiscard]] bool operator==(const PointSet& other) const;

  /// The first maximal run of elements at or after `position`, cut to at most `limit` elements; nullopt if
  /// none.
  [[nodiscard]] std::optional<Run> next_run(std::uint64_t position,
                                            std::uint64_t limit = ~std::uint64_t{0}) const;

  /// Bytes of memory.
  [[nodiscard]] std::uint64_t memory_bytes() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::sweep
