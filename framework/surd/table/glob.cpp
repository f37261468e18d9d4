#include "surd/table/detail/glob.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace surd::table::detail {
namespace {

bool is_pattern(const std::string& text) { return text.find_first_of("*?[") != std::string::npos; }

/// Paths below `directory` for the components from `at` on.
void expand(const storage::Path& directory, const std::vector<std::string>& components, std::size_t at,
            storage::FileSystem& files, std::vector<std::string>& found) {
  if (!directory.empty() && files.file_size(directory)) return;  // a file has no names in it
  const bool last = at + 1 == components.size();
  if (!is_pattern(components[at])) {
    const auto path = directory / components[at];
    if (!last) return expand(path, components, at + 1, files, found);
    if (files.file_size(path)) found.push_back(path.native());
    return;
  }
  for (const auto& name : files.list(directory.empty() ? storage::Path(".") : directory)) {
    if (fnmatch(components[at].c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
    const auto path = directory / name;
    if (!last) {
      expand(path, components, at + 1, files, found);
    } else if (files.file_size(path)) {
      found.push_back(path.native());
    }
  }
}

/// `path` is canonical.
bool matches(const storage::Path& pattern, const storage::Path& path) {
  if (!is_pattern(pattern.native())) {
    std::error_code missing;
    return std::filesystem::equivalent(pattern.empty() ? "." : pattern, path, missing);
  }
  return fnmatch(pattern.filename().c_str(), path.filename().c_str(), FNM_PERIOD) == 0 &&
         matches(pattern.parent_path(), path.parent_path());
}

}  // namespace

std::vector<std::string> expand_glob(const std::string& pattern, storage::FileSystem& files) {
  if (files.file_size(pattern)) return {pattern};
  if (!is_pattern(pattern)) return {};
  const storage::Path path(pattern);
  std::vector<std::string> components;
  for (const auto& component : path.relative_path()) components.push_back(component.native());
  std::vector<std::string> found;
  expand(path.root_path(), components, 0, files, found);
  std::sort(found.begin(), found.end());
  return found;
}

bool glob_takes(const std::string& pattern, const storage::Path& file, storage::FileSystem& files) {
  std::error_code missing;
  if (files.file_size(file)) {
    const auto found = expand_glob(pattern, files);
    const auto is_file = [&](const auto& match) { return std::filesystem::equivalent(match, file, missing); };
    if (std::ranges::any_of(found, is_file)) return true;
  }
  if (files.file_size(pattern)) return false;  // a name
  const auto folder = std::filesystem::absolute(file, missing).parent_path();
  return is_pattern(pattern) &&
         matches(pattern, std::filesystem::weakly_canonical(folder, missing) / file.filename());
}

}  // namespace surd::table::detail
