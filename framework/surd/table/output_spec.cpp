// `output:` of a job.
#include <array>
#include <limits>
#include <string_view>

#include "surd/table/output.hpp"

namespace surd::table {
namespace {

using base::Spec;

struct Word {
  std::string_view word;
  Format format;
};

constexpr std::array words{Word{"csv", Format::csv}, Word{"jsonl", Format::jsonl},
                           Word{"fixed", Format::fixed}, Word{"npy", Format::npy},
                           Word{"hdf5", Format::hdf5}};
constexpr std::array endings{Word{".csv", Format::csv},     Word{".tsv", Format::csv},
                             Word{".jsonl", Format::jsonl}, Word{".ndjson", Format::jsonl},
                             Word{".npy", Format::npy},     Word{".h5", Format::hdf5},
                             Word{".hdf5", Format::hdf5},   Word{".bin", Format::fixed}};

std::uint32_t parse_size(const Spec& spec) {
  const auto bytes = spec.bytes();
  if (bytes > std::numeric_limits<std::uint32_t>::max()) spec.fail("must be below 4 GiB");
  return static_cast<std::uint32_t>(bytes);
}

/// Compression from the end of `name`, which is cut off.
Compression take_compression(std::string_view& name) {
  for (const auto& [ending, compression] :
       {std::pair{std::string_view(".gz"), Compression::gzip}, {".zst", Compression::zstd}}) {
    if (!name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    return compression;
  }
  return Compression::none;
}

void parse_columns(const Spec& spec, OutputSpec& output) {
  for (const auto& item : spec.items()) {
    item.allow_only({"name", "type", "offset", "bytes"});
    FixedColumn column{item.at("name").text(), item.at("type").text(), parse_size(item.at("offset")), 0};
    if (const auto bytes = item.find("bytes")) column.bytes = parse_size(*bytes);
    output.columns.push_back(std::move(column));
  }
}

Format parse_format(const Spec& place, std::string_view name, const std::optional<Spec>& format) {
  if (format) {
    const auto text = format->text();
    for (const auto& word : words) {
      if (word.word == text) return word.format;
    }
    format->fail("unknown format '" + text + "'; valid are csv, jsonl, fixed, npy, hdf5");
  }
  for (const auto& ending : endings) {
    if (name.ends_with(ending.word)) return ending.format;
  }
  place.fail(
      "its name tells no format; name it .csv, .tsv, .jsonl, .ndjson, .npy, .h5 or .bin, or set 'format'");
}

void parse_delimiter(const Spec& spec, OutputSpec& output) {
  const auto text = spec.text();
  output.delimiter = text == "tab" || text == "\\t" ? '\t' : text.empty() ? '\0' : text[0];
  const bool one = text.size() == 1 || output.delimiter == '\t';
  if (!one || text == "\"" || text == "\n" || text == "\r" || static_cast<unsigned char>(text[0]) >= 0x80) {
    spec.fail("must be one ASCII character other than a quote or a line end, or 'tab'");
  }
}

}  // namespace

OutputSpec parse_output(const Spec& spec) {
  const bool map = spec.is_map();
  if (map) spec.allow_only({"path", "format", "delimiter", "dataset", "record_bytes", "columns"});
  const auto place = map ? spec.at("path") : spec;
  const auto path = place.text();
  if (path.empty()) place.fail("must not be empty");
  OutputSpec output;
  output.path = path;
  std::string_view name = path;
  output.compression = take_compression(name);
  output.format = parse_format(place, name, map ? spec.find("format") : std::nullopt);
  if (name.ends_with(".tsv")) output.delimiter = '\t';
  if (output.compression != Compression::none &&
      (output.format == Format::npy || output.format == Format::hdf5)) {
    place.fail("only csv, jsonl and fixed outputs can be compressed; HDF5 tables are so within");
  }
  if (!map) return output;
  if (const auto delimiter = spec.find("delimiter")) parse_delimiter(*delimiter, output);
  output.dataset = spec.get("dataset", "table");
  if (const auto bytes = spec.find("record_bytes")) output.record_bytes = parse_size(*bytes);
  if (const auto columns = spec.find("columns")) parse_columns(*columns, output);
  return output;
}

}  // namespace surd::table
