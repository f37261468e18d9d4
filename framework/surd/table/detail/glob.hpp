// Names of files from patterns.
#pragma once

#include <string>
#include <vector>

#include "surd/storage/file_system.hpp"

namespace surd::table::detail {

/// Files that `pattern` names: itself if there is such a file, else `*`, `?` and `[...]` in any of its
/// components match names in their directory (names that begin with a dot only by a pattern that does).
/// Sorted; empty if there are none.
[[nodiscard]] std::vector<std::string> expand_glob(const std::string& pattern, storage::FileSystem& files);
/// Whether expand_glob(pattern) has `file` in it, under whatever name, or would have if there were such a
/// file.
[[nodiscard]] bool glob_takes(const std::string& pattern, const storage::Path& file,
                              storage::FileSystem& files);

}  // namespace surd::table::detail
