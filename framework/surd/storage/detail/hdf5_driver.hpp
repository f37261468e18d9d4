// How HDF5 reads and writes the files of one rank: like its own driver, but a full disk does not break the
// library.
//
// HDF5 cannot close a file that it cannot write: it leaves a broken identifier behind and crashes when the
// program ends. So this driver keeps the first error, takes later writes without doing them, and lets H5File
// report it.
#pragma once

#include <string>

#include <hdf5.h>

#include "surd/storage/file_system.hpp"

namespace surd::storage::detail {

struct H5Disk {
  std::string error;  ///< The first that occurred; empty while all is well.
  int code = 0;       ///< Its errno.

  /// @throws IoError  if an error occurred.
  void check() const;
};

/// Makes `access`, a file access property list, use the driver. `disk` must outlive the file.
void set_driver(const Path& path, hid_t access, H5Disk& disk);

}  // namespace surd::storage::detail
