// What a rank finds out about its machine without asking other ranks, for `surd doctor`. As JSON: it is sent
// to rank 0, judged there (doctor_warnings.hpp) and printed.
#pragma once

#include "surd/base/json.hpp"
#include "surd/storage/file_system.hpp"

namespace surd::batch::detail {

/// Cores this rank may run on, ascending.
[[nodiscard]] base::Json allowed_cores();

/// Soft limits of the process: {"open_files", "processes", "locked_memory", "address_space"}; null is no
/// limit.
[[nodiscard]] base::Json process_limits();

/// Name of the best instruction set that this machine's kernels will use.
[[nodiscard]] std::string simd_target();

/// {"fabrics": [{"device", "kind"}…], "networks": [{"device", "bits_per_second"?}…], "environment": {…}}:
/// adapters that the kernel knows, and the variables by which a user steers MPI. `root` replaces "/" in
/// tests.
[[nodiscard]] base::Json find_interconnect(const storage::Path& root = "/");

/// Kind of the file system, space, and speed: a file of at most 16 MiB is written in at most about a second,
/// synced, and read back; "error" if that fails, or if there is no such directory: none is made.
[[nodiscard]] base::Json measure_directory(storage::FileSystem& files, const storage::Path& directory);

}  // namespace surd::batch::detail
