// What kind of file system a directory is on.
#pragma once

#include "surd/storage/file_system.hpp"

namespace surd::batch {

struct FileSystemKind {
  const char* name = "unknown";
  bool in_memory = false;  ///< What is stored there counts as memory.
  bool networked = false;  ///< Other nodes may see it, with delay.
};

/// Asks the kernel (statfs). Of the nearest existing parent, if the directory does not exist yet.
[[nodiscard]] FileSystemKind file_system_kind(storage::Path directory);

}  // namespace surd::batch
