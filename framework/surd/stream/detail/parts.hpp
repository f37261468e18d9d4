// The merged order of sorted runs cut into equal parts: the units of a stage that merges.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "surd/external/sort.hpp"
#include "surd/stream/detail/unit_output.hpp"

namespace surd::stream::detail {

/// A stretch of rows.
struct Range {
  std::uint64_t skip = 0;
  std::uint64_t take = ~std::uint64_t{0};
};

class SortedParts {
 public:
  /// The rows of `range`, in units of about `unit_bytes`.
  SortedParts(std::vector<external::Run> runs, Range range, std::uint64_t unit_bytes);

  [[nodiscard]] std::uint64_t units() const noexcept { return units_; }
  [[nodiscard]] std::uint64_t unit_bytes() const noexcept { return units_ == 0 ? 0 : bytes_ / units_; }
  /// Number of the first record of a unit, in the merged whole.
  [[nodiscard]] std::uint64_t border(std::uint64_t unit) const noexcept {
    return begin_ + rows_ / units_ * unit + rows_ % units_ * unit / units_;
  }
  [[nodiscard]] const std::vector<external::Run>& runs() const noexcept { return runs_; }
  /// The records of units [first, last) in one merge. `files` must outlive the stream.
  [[nodiscard]] std::unique_ptr<external::RecordStream> merge(const external::RecordFormat& format,
                                                              OpenFiles& files, std::uint64_t first,
                                                              std::uint64_t last, Worker& worker,
                                                              std::uint64_t memory_bytes) const;

 private:
  std::vector<external::Run> runs_;
  std::uint64_t begin_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t units_ = 0;
};

}  // namespace surd::stream::detail
