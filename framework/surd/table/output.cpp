#include "surd/table/output.hpp"

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/table/detail/npy.hpp"
#include "surd/table/detail/writers.hpp"

namespace surd::table {

std::unique_ptr<PieceWriter> write_piece(const OutputSpec& spec, const Schema& schema) {
  if (schema.empty()) throw base::UsageError("an output needs at least one column");
  std::unique_ptr<PieceWriter> writer;
  switch (spec.format) {
    case Format::csv:
      writer = detail::write_csv(schema, spec.delimiter);
      break;
    case Format::jsonl:
      writer = detail::write_jsonl(schema);
      break;
    case Format::fixed:
    case Format::npy:
      writer = detail::write_records(detail::record_shape(spec, schema));
      break;
    case Format::hdf5:
      return detail::write_packed_rows(schema);
  }
  return detail::compress(std::move(writer), spec.compression);
}

std::string head(const OutputSpec& spec, const Schema& schema, std::uint64_t rows) {
  if (spec.format == Format::csv) {
    return detail::compress(detail::csv_header(schema, spec.delimiter), spec.compression);
  }
  if (spec.format != Format::npy) return {};
  return detail::npy_header(detail::record_shape(spec, schema).fields, rows);
}

bool head_counts_rows(const OutputSpec& spec) noexcept { return spec.format == Format::npy; }

storage::Path quarantine_path(const OutputSpec& spec) { return spec.path.native() + ".bad.csv"; }

std::string quarantine_line(const BadRow& row) {
  const auto quoted = [](std::string_view text) {
    std::string result = "\"";
    for (const char byte : text) result.append(byte == '"' ? 2 : 1, byte);
    return result + "\"";
  };
  const auto line = row.line_is_exact ? fmt::format("{}", row.line) : std::string();
  return fmt::format("{},{},{},{},{},{}\n", quoted(row.file), row.offset, line, quoted(row.column),
                     quoted(row.reason), quoted(row.text));
}

}  // namespace surd::table
