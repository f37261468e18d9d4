#include "surd/batch/table_job.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "surd/base/spec.hpp"
#include "surd/base/version.hpp"
#include "surd/batch/detail/job_document.hpp"
#include "surd/batch/detail/job_keys.hpp"
#include "surd/table/input.hpp"

namespace surd::batch {
namespace {

using base::Spec;

constexpr std::uint64_t least_table_memory_bytes = std::uint64_t{1} << 20;

JobKind read_kind(const Spec& root) {
  const auto kind = root.at("kind");
  const auto text = kind.text();
  if (text == "sweep") return JobKind::sweep;
  if (text == "table") return JobKind::table;
  constexpr std::array<std::string_view, 3> planned = {"kmers", "search", "pipeline"};
  const bool later = std::find(planned.begin(), planned.end(), text) != planned.end();
  kind.fail(later ? fmt::format("surd {} cannot run jobs of kind '{}' yet; it runs sweep and table",
                                base::version(), text)
                  : fmt::format("unknown kind '{}'; this surd runs sweep and table", text));
}

external::FieldType field_type(const Spec& spec) {
  using external::FieldType;
  constexpr std::array<std::string_view, 11> names = {"bytes", "u8",  "u16", "u32", "u64", "i8",
                                                      "i16",   "i32", "i64", "f32", "f64"};
  const auto text = spec.text();
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) {
    spec.fail(fmt::format("unknown type '{}'; types are bytes, u8 to u64, i8 to i64, f32, f64", text));
  }
  return static_cast<FieldType>(found - names.begin());
}

std::uint32_t read_u32(const Spec& spec) {
  const auto bytes = spec.bytes();
  if (bytes > external::record_limit_bytes) {
    spec.fail(fmt::format("must be at most {}", external::record_limit_bytes));
  }
  return static_cast<std::uint32_t>(bytes);
}

/// {offset: 0, bytes: 10} or {offset: 8, type: u64, descending: true}
external::KeyField read_field(const Spec& spec) {
  spec.allow_only({"offset", "bytes", "type", "descending"});
  external::KeyField field;
  field.offset = read_u32(spec.at("offset"));
  if (const auto type = spec.find("type")) field.type = field_type(*type);
  const auto width = external::field_bytes(field.type);
  const auto bytes = spec.find("bytes");
  if (width > 0 && bytes) bytes->fail("is for keys of type bytes; the type says it here");
  if (width == 0 && !bytes) spec.fail("a key of bytes needs 'bytes', its length");
  field.bytes = width > 0 ? static_cast<std::uint32_t>(width) : read_u32(*bytes);
  field.descending = spec.get("descending", false);
  return field;
}

/// key: [0, 10] (offset and length of bytes), a map, or a list of maps.
std::vector<external::KeyField> read_key(const Spec& spec) {
  if (spec.is_map()) return {read_field(spec)};
  const auto items = spec.items();
  if (items.size() == 2 && items[0].is_number() && items[1].is_number()) {
    return {{external::FieldType::bytes, read_u32(items[0]), read_u32(items[1]), false}};
  }
  std::vector<external::KeyField> key;
  key.reserve(items.size());
  for (const auto& item : items) key.push_back(read_field(item));
  return key;
}

/// Records are written as they are: not as another format, nor compressed.
storage::Path records_output(const Spec& place) {
  const auto path = place.text();
  const auto named = table::named_format(path);
  if (named.compression != table::Compression::none ||
      named.format.value_or(table::Format::fixed) != table::Format::fixed) {
    place.fail(fmt::format(
        "{} is no name for records, which a sort without columns writes as they are: name it .bin, "
        "or name the columns to write another format",
        path));
  }
  return path;
}

/// A sort of records as they stand, if the input names no columns; nullopt if it does.
std::optional<stream::RecordSort> read_record_sort(const Spec& root) {
  const auto input = root.at("input");
  const auto fixed = input.is_map() ? input.find("fixed") : std::nullopt;
  if (!fixed || fixed->find("columns")) return std::nullopt;
  fixed->allow_only({"record_bytes", "key", "columns"});
  input.allow_only({"path", "fixed"});
  if (const auto steps = root.find("steps")) {
    steps->fail("records without columns can only be sorted, by input.fixed.key; name columns to do more");
  }
  stream::RecordSort sort;
  sort.format.record_bytes = read_u32(fixed->at("record_bytes"));
  if (const auto key = fixed->find("key")) sort.format.key = read_key(*key);
  try {
    sort.format.check();
  } catch (const base::UsageError& e) {
    fixed->fail(e.what());
  }
  const auto paths = input.at("path");
  if (paths.is_text()) {
    sort.inputs.push_back(paths.text());
  } else {
    for (const auto& path : paths.items()) sort.inputs.push_back(path.text());
  }
  sort.output = records_output(root.at("output"));
  return sort;
}

TableJob read_table_job(const Spec& root) {
  root.allow_only({"kind", "name", "input", "steps", "output", "memory", "epoch", "time_limit"});
  TableJob job;
  job.name = detail::read_name(root);
  job.memory_bytes = detail::read_memory(root, least_table_memory_bytes);
  if (const auto epoch = root.find("epoch")) job.epoch_bytes = epoch->bytes();
  job.time_limit_seconds = detail::read_seconds(root, "time_limit", 0, 0);
  job.records = read_record_sort(root);
  if (!job.records) {
    job.query = stream::parse_query(root);
    job.output = table::parse_output(root.at("output"));
  } else {
    job.output.path = job.records->output;
  }
  return job;
}

}  // namespace

JobKind job_kind(const std::string& text, const storage::Path& file, std::span<const std::string> settings) {
  const detail::JobDocument document(text, file, settings);
  try {
    return read_kind(Spec(document.root()));
  } catch (const base::SpecError& e) {
    document.fail(e);
  }
}

TableJob parse_table_job(const std::string& text, const storage::Path& file,
                         std::span<const std::string> settings) {
  const detail::JobDocument document(text, file, settings);
  try {
    auto job = read_table_job(Spec(document.root()));
    job.file = file;
    job.text = document.annotated_text();
    job.settings.assign(settings.begin(), settings.end());
    return job;
  } catch (const base::SpecError& e) {
    document.fail(e);
  }
}

std::string explain(const TableJob& job, const base::UsageError& error) {
  const auto* const step = dynamic_cast<const stream::StepError*>(&error);
  if (step != nullptr && !job.is_shortcut) {
    try {
      const detail::JobDocument document(job.text, job.file, job.settings);
      document.fail(base::SpecError(step->path(), error.what()));
    } catch (const JobError& e) {
      return e.what();
    }
  }
  return fmt::format("{}: {}", job.file.string(), error.what());
}

}  // namespace surd::batch
