// The part of a Slurm script that is the same for every job.
#pragma once

namespace surd::batch::detail {

/// The text of slurm/supervise.sh.
[[nodiscard]] const char* supervise_script() noexcept;

}  // namespace surd::batch::detail
