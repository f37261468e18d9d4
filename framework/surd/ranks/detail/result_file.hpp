// The HDF5 layout of results: dimension scales, coordinates, status and fields, as xarray and netCDF-4 read
// them.
#pragma once

#include <cstdint>
#include <vector>

#include "surd/ranks/detail/result_rows.hpp"
#include "surd/ranks/detail/result_schema.hpp"
#include "surd/ranks/results.hpp"
#include "surd/storage/hdf5.hpp"

namespace surd::ranks::detail {

/// The datasets that grow with the number of points.
class ResultDatasets {
 public:
  /// Writes everything else into a new file and creates these.
  static ResultDatasets create(storage::H5File& file, const sweep::Grid& grid, const ResultSchema& schema,
                               const ResultsOptions& options, storage::H5Filter filter);
  /// Finds them in a file made by create().
  static ResultDatasets open(const storage::H5File& file, const ResultSchema& schema);

  void write(Slab& slab);

 private:
  const ResultSchema* schema_ = nullptr;
  std::vector<storage::H5Dataset> datasets_;  ///< The fields in order, then status.
};

/// Says how readers know missing values, of a file made by create(); `points_without` counts, of each field,
/// the points that lack it. Where no point does, integers stay integers and bools bools in Python.
void describe_missing(storage::H5File& file, const ResultSchema& schema,
                      const std::vector<std::uint64_t>& points_without);

}  // namespace surd::ranks::detail
