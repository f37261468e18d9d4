// report-<run>.json: what one run did, where, and at what cost. `surd report` draws it; later runs read its
// end.
//
//   run, job, program {version, revision, compiler, mpi, hdf5}, command_line, started, ended (ISO 8601, UTC),
//   seconds, exit_status, end, ranks, points {total, excluded, stored_before, computed, failed, done,
//   remaining}, memory {budget_bytes, per_rank: [{rank, host, baseline_bytes, peak_bytes, phases: [{name,
//   seconds, cpu_seconds, peak_bytes, read_bytes, written_bytes}]}]}, timeline (timeline.hpp), slurm
//   (slurm.hpp) or null
#pragma once

#include <cstdint>
#include <string>

#include "surd/base/json.hpp"
#include "surd/memory/profile.hpp"
#include "surd/mpi/communicator.hpp"
#include "surd/ranks/sweep.hpp"

namespace surd::batch {

/// Version, revision, compiler, MPI and HDF5 of this program.
[[nodiscard]] base::Json describe_program();

[[nodiscard]] const char* to_text(ranks::SweepEnd end) noexcept;

/// Collective. {rank, host, baseline_bytes, peak_bytes, phases} of each rank, on rank 0; an empty list
/// elsewhere.
[[nodiscard]] base::Json gather_profiles(const mpi::Communicator& ranks, const memory::Profile& profile);

/// The largest peak_bytes - baseline_bytes of what gather_profiles() gave.
[[nodiscard]] std::uint64_t largest_growth(const base::Json& profiles);

}  // namespace surd::batch
