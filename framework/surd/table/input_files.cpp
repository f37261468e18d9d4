#include <fmt/format.h>

#include "surd/base/bytes.hpp"
#include "surd/base/error.hpp"
#include "surd/base/hash.hpp"
#include "surd/table/detail/formats.hpp"

namespace surd::table {

void put_split(base::ByteWriter& into, const Split& split) {
  into.put_varint(split.file);
  into.put_varint(split.begin);
  into.put_varint(split.end);
}

Split get_split(base::ByteReader& from) {
  Split split;
  split.file = static_cast<std::uint32_t>(from.get_varint());
  split.begin = from.get_varint();
  split.end = from.get_varint();
  if (split.end < split.begin) throw base::FormatError("a split of an input ends before it begins");
  return split;
}

namespace detail {

std::string_view without_compression(std::string_view name) noexcept {
  for (const std::string_view ending : {".gz", ".zst"}) {
    if (name.ends_with(ending)) return name.substr(0, name.size() - ending.size());
  }
  return name;
}

std::vector<InputFile> note_versions(const std::vector<std::string>& paths, storage::FileSystem& files) {
  std::vector<InputFile> noted;
  noted.reserve(paths.size());
  for (const auto& path : paths) {
    const auto version = files.file_version(path);
    if (!version) throw base::IoError("open " + path + ": there is no such file", 0);
    noted.push_back({path, *version});
  }
  return noted;
}

void check_unchanged(const InputFile& file, storage::FileSystem& files) {
  const auto now = files.file_version(file.path);
  if (!now) throw base::IoError("read " + file.path + ": the file was removed while the job ran", 0);
  if (*now == file.version) return;
  throw base::IoError(
      fmt::format(
          "read {}: the file changed while the job ran ({} bytes when it began, {} now); start the job "
          "anew when nobody writes to its input",
          file.path, file.version.bytes, now->bytes),
      0);
}

std::string fingerprint(Format format, const std::vector<InputFile>& files, const Schema& schema,
                        std::string_view options) {
  base::ByteWriter bytes;
  bytes.put(format);
  bytes.put_varint(files.size());
  for (const auto& file : files) {
    bytes.put_text(file.path);
    bytes.put(file.version.bytes);
    bytes.put(file.version.modified_nanoseconds);
  }
  bytes.put_varint(schema.size());
  for (const auto& field : schema) {
    bytes.put_text(field.name);
    bytes.put(field.type);
  }
  bytes.put_text(options);
  const auto all = bytes.bytes();
  return base::hash128({reinterpret_cast<const char*>(all.data()), all.size()}).hex();
}

}  // namespace detail
}  // namespace surd::table
