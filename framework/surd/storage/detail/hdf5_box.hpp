// Stretches of an array's row-major sequence as boxes that HDF5 can select.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include <hdf5.h>

namespace surd::storage::detail {

/// A block of an array whose values follow each other in row-major order.
struct Box {
  std::vector<hsize_t> start;
  std::vector<hsize_t> extent;
  std::uint64_t values = 1;
};

/// The largest box that begins at value `first` and holds at most `limit` values.
inline Box next_box(const std::vector<std::uint64_t>& shape, std::uint64_t first, std::uint64_t limit) {
  Box box{std::vector<hsize_t>(shape.size()), std::vector<hsize_t>(shape.size(), 1), 1};
  auto rest = first;
  for (std::size_t j = shape.size(); j-- > 0;) {
    box.start[j] = rest % shape[j];
    rest /= shape[j];
  }
  for (std::size_t j = shape.size(); j-- > 0;) {
    box.extent[j] = std::min<std::uint64_t>(limit / box.values, shape[j] - box.start[j]);
    const bool whole = box.extent[j] == shape[j];
    box.values *= box.extent[j];
    if (!whole) break;  // further out, the values of a larger box would not follow each other
  }
  return box;
}

}  // namespace surd::storage::detail
