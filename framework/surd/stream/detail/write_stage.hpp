// The last stage: puts pieces together into the output file, under its temporary name.
#pragma once

#include <memory>
#include <vector>

#include "surd/stream/detail/unit_output.hpp"
#include "surd/table/output.hpp"

namespace surd::stream::detail {

struct WritePlan {
  table::OutputSpec output;
  table::Schema schema;
  storage::Path part;             ///< Temporary name of the output.
  storage::Path quarantine_part;  ///< Temporary name of the file of bad rows.
  std::uint64_t unit_bytes = 0;
  std::uint64_t memory_bytes = 0;
  std::uint64_t columns_bytes = 0;  ///< Set aside of it.
};

/// Copies pieces to where they belong, any unit at any time; bad rows, if there are any, in the last unit.
[[nodiscard]] std::unique_ptr<Stage> write_stage(const WritePlan& plan, const std::vector<UnitOutput>& pieces,
                                                 const std::vector<UnitOutput>& bad);

/// Writes packed rows into an HDF5 file: one unit.
[[nodiscard]] std::unique_ptr<Stage> hdf5_stage(const WritePlan& plan, const std::vector<UnitOutput>& rows,
                                                const std::vector<UnitOutput>& bad);

}  // namespace surd::stream::detail
