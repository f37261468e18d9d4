// `output:` of a job.
#include <array>
#include <limits>
#include <string_view>

#include "surd/table/detail/formats.hpp"
#include "surd/table/detail/spec_parts.hpp"
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

Format parse_format(const Spec& place, const NamedFormat& named, const std::optional<Spec>& format) {
  if (format) {
    const auto text = format->text();
    for (const auto& word : words) {
      if (word.word == text) return word.format;
    }
    format->fail("unknown format '" + text + "'; valid are csv, jsonl, fixed, npy, hdf5");
  }
  if (named.format) return *named.format;
  place.fail(
      "its name tells no format; name it .csv, .tsv, .jsonl, .ndjson, .npy, .h5 or .bin, or set 'format'");
}

}  // namespace

NamedFormat named_format(std::string_view path) noexcept {
  NamedFormat named;
  named.compression = take_compression(path);
  for (const auto& ending : endings) {
    if (path.ends_with(ending.word)) named.format = ending.format;
  }
  return named;
}

OutputSpec parse_output(const Spec& spec) {
  const bool map = spec.is_map();
  if (map) spec.allow_only({"path", "format", "delimiter", "dataset", "fixed"});
  const auto place = map ? spec.at("path") : spec;
  const auto path = place.text();
  if (path.empty()) place.fail("must not be empty");
  OutputSpec output;
  output.path = path;
  const auto named = named_format(path);
  output.compression = named.compression;
  output.format = parse_format(place, named, map ? spec.find("format") : std::nullopt);
  if (detail::without_compression(path).ends_with(".tsv")) output.delimiter = '\t';
  if (output.compression != Compression::none &&
      (output.format == Format::npy || output.format == Format::hdf5)) {
    place.fail("only csv, jsonl and fixed outputs can be compressed; HDF5 tables are so within");
  }
  if (!map) return output;
  if (const auto delimiter = spec.find("delimiter")) output.delimiter = detail::parse_delimiter(*delimiter);
  output.dataset = spec.get("dataset", "table");
  if (const auto fixed = spec.find("fixed")) {
    if (output.format != Format::fixed) fixed->fail("is for outputs of format fixed");
    auto records = detail::parse_records(*fixed);
    output.record_bytes = records.record_bytes;
    output.columns = std::move(records.columns);
  }
  return output;
}

}  // namespace surd::table
