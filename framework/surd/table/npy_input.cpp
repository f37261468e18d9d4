#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/table/detail/npy.hpp"
#include "surd/table/detail/record_input.hpp"

namespace surd::table::detail {
namespace {

std::string read_head(storage::ReadableFile& file, std::size_t bytes) {
  std::string head(bytes, '\0');
  head.resize(file.read_at(0, std::as_writable_bytes(std::span(head))));
  return head;
}

NpyHeader read_header(const InputFile& file, storage::FileSystem& files) {
  const auto reader = files.open(file.path);
  try {
    auto header =
        parse_npy_header(read_head(*reader, npy_header_bytes(read_head(*reader, npy_prefix_bytes))));
    const auto there = file.version.bytes - std::min(file.version.bytes, header.data_offset);
    if (there / header.record_bytes != header.rows || there % header.record_bytes != 0) {
      throw base::FormatError(fmt::format("the header promises {} rows of {} bytes, but {} bytes follow it",
                                          header.rows, header.record_bytes, there));
    }
    return header;
  } catch (const base::UsageError& error) {
    throw base::UsageError(file.path + ": " + error.what());
  } catch (const base::FormatError& error) {
    throw base::FormatError(file.path + ": " + error.what());
  }
}

}  // namespace

std::unique_ptr<Input> open_npy(const InputSpec& spec, const std::vector<std::string>& paths,
                                storage::FileSystem& files) {
  if (!spec.types.empty()) {
    throw base::UsageError("an input of format npy has the types of its arrays; remove 'types'");
  }
  std::vector<RecordFile> inputs;
  std::uint64_t record_bytes = 0;
  for (auto& file : note_versions(paths, files)) {
    auto header = read_header(file, files);
    if (inputs.empty()) record_bytes = header.record_bytes;
    if (record_bytes != header.record_bytes ||
        (!inputs.empty() && schema_of(inputs[0].fields) != schema_of(header.fields))) {
      throw base::UsageError(fmt::format("{} and {} have different columns", inputs[0].file.path, file.path));
    }
    inputs.push_back(
        {std::move(file), Compression::none, header.data_offset, header.rows, std::move(header.fields)});
  }
  return make_record_input({Format::npy, record_bytes, spec.on_bad_row, ""}, std::move(inputs), files);
}

}  // namespace surd::table::detail
