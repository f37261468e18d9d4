#include <algorithm>
#include <array>
#include <limits>
#include <string_view>

#include "surd/table/detail/spec_parts.hpp"

namespace surd::table::detail {
namespace {

using base::Spec;

struct TypeSize {
  std::string_view type;
  std::uint32_t bytes;
};
constexpr std::array sizes{TypeSize{"bool", 1}, TypeSize{"u8", 1},  TypeSize{"i8", 1},  TypeSize{"u16", 2},
                           TypeSize{"i16", 2},  TypeSize{"u32", 4}, TypeSize{"i32", 4}, TypeSize{"f32", 4},
                           TypeSize{"u64", 8},  TypeSize{"i64", 8}, TypeSize{"f64", 8}};

std::uint32_t parse_size(const Spec& spec) {
  const auto bytes = spec.bytes();
  if (bytes > std::numeric_limits<std::uint32_t>::max()) spec.fail("must be below 4 GiB");
  return static_cast<std::uint32_t>(bytes);
}

FixedColumn parse_column(const Spec& spec) {
  spec.allow_only({"name", "type", "offset", "bytes"});
  FixedColumn column{spec.at("name").text(), spec.at("type").text(), parse_size(spec.at("offset")), 0};
  if (const auto bytes = spec.find("bytes")) column.bytes = parse_size(*bytes);
  return column;
}

/// {k: u64, v: f64}: columns that lie one after the other.
RecordSpec parse_packed(const Spec& spec) {
  RecordSpec records;
  for (const auto& name : spec.keys()) {
    const auto type = spec.at(name).text();
    const auto known =
        std::find_if(sizes.begin(), sizes.end(), [&](const auto& size) { return size.type == type; });
    if (known == sizes.end()) {
      spec.at(name).fail("unknown type '" + type +
                         "'; types are bool, u8 to u64, i8 to i64, f32, f64 (bytes needs "
                         "the form with name, type, offset and bytes)");
    }
    records.columns.push_back({name, type, records.record_bytes, 0});
    records.record_bytes += known->bytes;
  }
  return records;
}

}  // namespace

char parse_delimiter(const Spec& spec) {
  const auto text = spec.text();
  if (text == "tab" || text == "\\t") return '\t';
  if (text.size() != 1 || text == "\"" || text == "\n" || text == "\r") {
    spec.fail("must be one ASCII character other than a quote or a line end, or 'tab'");
  }
  if (static_cast<unsigned char>(text[0]) >= 0x80) spec.fail("must be an ASCII character");
  return text[0];
}

RecordSpec parse_records(const Spec& spec) {
  spec.allow_only({"record_bytes", "columns"});
  const auto columns = spec.at("columns");
  RecordSpec records;
  if (columns.is_map()) {
    records = parse_packed(columns);
  } else {
    for (const auto& column : columns.items()) records.columns.push_back(parse_column(column));
  }
  if (records.record_bytes == 0 || spec.find("record_bytes")) {
    records.record_bytes = parse_size(spec.at("record_bytes"));
  }
  return records;
}

}  // namespace surd::table::detail
