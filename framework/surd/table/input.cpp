#include "surd/table/input.hpp"

#include <algorithm>
#include <array>
#include <set>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/table/detail/formats.hpp"
#include "surd/table/detail/glob.hpp"

namespace surd::table {
namespace {

struct Ending {
  std::string_view ending;
  Format format;
};

constexpr std::array endings{
    Ending{".csv", Format::csv},     Ending{".tsv", Format::csv},      Ending{".txt", Format::csv},
    Ending{".jsonl", Format::jsonl}, Ending{".ndjson", Format::jsonl}, Ending{".json", Format::jsonl},
    Ending{".npy", Format::npy},     Ending{".h5", Format::hdf5},      Ending{".hdf5", Format::hdf5}};

/// A path and what stands behind it: "file.h5" and ":/dataset".
struct Place {
  std::string path;
  std::string dataset;
};

Place cut_dataset(const std::string& path) {
  const auto colon = path.rfind(":/");
  if (colon == std::string::npos) return {path, ""};
  const auto file = path.substr(0, colon);
  if (!file.ends_with(".h5") && !file.ends_with(".hdf5")) return {path, ""};
  return {file, path.substr(colon)};
}

Format format_of(const std::string& path) {
  const auto place = cut_dataset(path);
  const auto name = detail::without_compression(place.path);
  for (const auto& [ending, format] : endings) {
    if (name.ends_with(ending)) return format;
  }
  throw base::UsageError(fmt::format(
      "{}: its name tells no format; name it .csv, .tsv, .txt, .jsonl, .ndjson, .npy or .h5 (and .gz or "
      ".zst), or set 'format' of the input to csv, jsonl, fixed, npy or hdf5",
      path));
}

}  // namespace

std::vector<std::string> find_files(const std::vector<std::string>& paths, storage::FileSystem& files) {
  std::vector<std::string> found;
  std::set<std::string> seen;
  for (const auto& path : paths) {
    const auto place = cut_dataset(path);
    const auto matches = detail::expand_glob(place.path, files);
    if (matches.empty()) {
      const bool pattern = place.path.find_first_of("*?[") != std::string::npos;
      throw base::UsageError(place.path + (pattern ? ": no file matches" : ": there is no such file"));
    }
    for (const auto& match : matches) {
      if (seen.insert(match + place.dataset).second) found.push_back(match + place.dataset);
    }
  }
  return found;
}

bool is_named(const std::vector<std::string>& paths, const storage::Path& file, storage::FileSystem& files) {
  return std::ranges::any_of(paths, [&](const std::string& path) {
    return detail::glob_takes(cut_dataset(path).path, file, files);
  });
}

std::unique_ptr<Input> open_input(const InputSpec& spec, storage::FileSystem& files) {
  auto paths = find_files(spec.paths, files);
  if (paths.empty()) throw base::UsageError("the input names no file");
  const auto format = spec.format ? *spec.format : format_of(paths[0]);
  for (const auto& path : paths) {
    if (spec.format || format_of(path) == format) continue;
    throw base::UsageError(
        fmt::format("{} and {} are files of different formats; one input has one format", paths[0], path));
  }
  switch (format) {
    case Format::csv:
      return detail::open_csv(spec, std::move(paths), files);
    case Format::jsonl:
      return detail::open_jsonl(spec, std::move(paths), files);
    case Format::fixed:
      return detail::open_fixed(spec, paths, files);
    case Format::npy:
      return detail::open_npy(spec, paths, files);
    case Format::hdf5:
      break;
  }
  return detail::open_hdf5(spec, std::move(paths), files);
}

}  // namespace surd::table
