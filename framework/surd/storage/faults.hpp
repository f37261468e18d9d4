// Fault injection for crash tests, off unless the environment asks for it.
//
// SURD_FAULT=<what>@<k>[:<substring>][#<rank>] acts at the k-th write-like operation (write, sync, create,
// link, rename, remove, of directories too; counted from 1) of this process on a path containing <substring>:
//   kill   SIGKILL before the operation      torn   half of an append is written, then SIGKILL
//   after  SIGKILL after the operation       enospc / eio   the operation fails with that errno, as do later
//   ones
// #<rank> limits it to the process whose OMPI_COMM_WORLD_RANK / PMIX_RANK / SLURM_PROCID is <rank>.
#pragma once

#include <cstddef>
#include <string_view>

namespace surd::storage {

/// Called by the local file system before each write-like operation. Returns how many of `size` bytes may be
/// written before fault_after() kills the process (size: all).
/// @throws IoError  for an injected error; UsageError  if SURD_FAULT is malformed.
std::size_t fault_before(std::string_view operation, std::string_view path, std::size_t size);

/// Called after each write-like operation; kills the process if that was the one.
void fault_after() noexcept;

}  // namespace surd::storage
