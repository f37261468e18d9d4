// Keys of some records of each run, held in memory: they tell about where a cut goes through the run.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "surd/external/detail/order.hpp"
#include "surd/external/detail/run_index.hpp"
#include "surd/external/run.hpp"

namespace surd::external::detail {

/// What is known of the number of records of one run before a cut.
struct Bracket {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t begin_record = 0;  ///< At most low: the last one whose place is known,
  std::uint64_t begin_byte = 0;    ///< and its place, from the run's start.
  std::uint64_t end_byte = 0;      ///< Where record `high` begins.
};

class KeySamples {
 public:
  /// Room for `samples` of `words` words each is made at once.
  KeySamples(std::size_t runs, std::size_t samples, std::size_t words);

  /// A sample of the last run that was begun, behind its samples before. `words` begin at the same byte of
  /// the key in all samples; what comes before is equal in all. `known_bytes`: how much of the key is known
  /// with them.
  void add(std::uint64_t record, std::uint64_t byte, std::uint64_t key_bytes, std::uint64_t known_bytes,
           std::span<const std::uint64_t> words);
  /// Call after the last sample of each run.
  void end_run();

  /// Shape [cuts][runs]. What the samples prove about each cut; `within` [runs] is what is known already.
  [[nodiscard]] std::vector<std::vector<Bracket>> brackets(const std::vector<std::uint64_t>& cuts,
                                                           const std::vector<Bracket>& within) const;

 private:
  struct Sample {
    std::uint64_t record;
    std::uint64_t byte;
    std::uint64_t key_bytes;  ///< `truncated` if there are more than words tell.
    std::uint32_t first_word;
    std::uint32_t words;
  };
  struct Place {
    std::uint64_t word;  ///< The first one: decides most comparisons.
    std::uint32_t sample;
    std::uint32_t run;
  };
  static constexpr std::uint64_t truncated = ~std::uint64_t{0};
  class Sweep;

  [[nodiscard]] std::strong_ordering compare(const Place& a, const Place& b) const noexcept;
  /// Whether it cannot be told which one comes first.
  [[nodiscard]] bool alike(const Place& a, const Place& b) const noexcept;
  [[nodiscard]] std::vector<Place> in_order() const;

  std::vector<Sample> samples_;
  std::vector<std::uint64_t> words_;
  std::vector<std::size_t> begins_;  ///< [runs + 1]: first sample of each run.
  std::size_t run_ = 0;
};

/// At most `most` entries of the indices, evenly spaced.
[[nodiscard]] KeySamples sample_indices(const Order& order, const RunFiles& files,
                                        const std::vector<Run>& runs, std::uint64_t most);

}  // namespace surd::external::detail
