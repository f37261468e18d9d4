// Ends the whole job when one rank fails.
#pragma once

#include <string>
#include <string_view>

namespace surd::mpi {

/// Makes every escaping exception end the job: prints "[rank r, host] fatal: what()", flushes, and calls
/// MPI_Abort with 70, or with 64 for a UsageError (printed without the rank). Call first in main(), before
/// MPI_Init.
///
/// The handler runs at the throw, before any destructor, so that no destructor can enter a collective
/// operation the other ranks will never join. For that, no frame between main() and the throw may catch, nor
/// be noexcept.
void install_fatal_handler() noexcept;

/// Prints `what` as above and ends the job on every rank with `status`. Never returns. Of several ranks of a
/// node that fail at once, one prints.
[[noreturn]] void end_job(std::string_view what, int status = 70) noexcept;

/// What end_job() prints after its message, in a line of its own, from now on; empty: nothing.
void set_fatal_remark(std::string text);

/// Ends the job on every rank with `status`, silently.
[[noreturn]] void leave_job(int status) noexcept;

}  // namespace surd::mpi
