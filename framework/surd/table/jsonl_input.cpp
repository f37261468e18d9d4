// JSON Lines files as an input: schema and splits.
#include <algorithm>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/table/detail/infer.hpp"
#include "surd/table/detail/jsonl_reader.hpp"

namespace surd::table::detail {
namespace {

constexpr std::size_t sample_buffer_bytes = 256 * base::KiB;
constexpr std::uint64_t sample_budget_bytes = 256 * base::MiB;

void see(TypeGuess& guess, simdjson::dom::element element) {
  switch (element.type()) {
    case simdjson::dom::element_type::INT64:
    case simdjson::dom::element_type::UINT64:  // beyond int64: a bad row, as a float it would be another
                                               // number
      return guess.see_integer();
    case simdjson::dom::element_type::DOUBLE:
      return guess.see_number();
    case simdjson::dom::element_type::BOOL:
      return guess.see_boolean();
    case simdjson::dom::element_type::NULL_VALUE:
      return;
    default:
      return guess.see_text();
  }
}

/// Keys of the first rows, in the order in which they appear, and what their values are.
class Sample {
 public:
  void read(const JsonlFile& file, storage::FileSystem& disk);
  [[nodiscard]] bool is_full() const noexcept { return rows_ >= sample_rows; }
  /// "; row 1: not a line of JSON: ..."
  [[nodiscard]] const std::string& first_error() const noexcept { return first_error_; }
  [[nodiscard]] Schema schema() const {
    auto schema = schema_;
    for (std::size_t i = 0; i < schema.size(); ++i) schema[i].type = guesses_[i].type();
    return schema;
  }

 private:
  void add(simdjson::dom::object object);

  std::size_t rows_ = 0;
  std::string first_error_;
  Schema schema_;
  std::vector<TypeGuess> guesses_;  ///< [schema_]
  std::map<std::string, std::size_t, std::less<>> columns_;
};

void Sample::read(const JsonlFile& file, storage::FileSystem& disk) {
  memory::Budget budget(sample_budget_bytes);
  LineReader lines(file, 0, file.file.version.bytes, disk, budget, sample_buffer_bytes,
                   sample_buffer_bytes / 2);
  simdjson::dom::parser parser;
  std::string_view line;
  while (!is_full()) {
    const auto found = lines.next(line);
    if (found == LineReader::Found::end) break;
    ++rows_;
    simdjson::dom::object object;
    if (found != LineReader::Found::line) continue;
    simdjson::dom::element element;
    const auto error = parser.parse(line.data(), line.size(), false).get(element);
    if (error && first_error_.empty()) first_error_ = fmt::format("; row {}: {}", rows_, not_json(error));
    if (!error && !element.get(object)) add(object);
  }
}

void Sample::add(simdjson::dom::object object) {
  for (const auto& [key, element] : object) {
    const auto [at, is_new] = columns_.emplace(std::string(key), schema_.size());
    if (is_new) {
      schema_.push_back({at->first, Type::text});
      guesses_.emplace_back();
    }
    see(guesses_[at->second], element);
  }
}

class JsonlInput final : public Input {
 public:
  explicit JsonlInput(JsonlTable table)
      : table_(std::move(table)),
        decompression_bytes_(most_decompression_bytes(table_.files, *table_.disk)) {}

  [[nodiscard]] const Schema& schema() const noexcept override { return table_.schema; }
  [[nodiscard]] std::uint64_t bytes() const noexcept override {
    std::uint64_t sum = 0;
    for (const auto& file : table_.files) sum += file.file.version.bytes;
    return sum;
  }
  [[nodiscard]] std::vector<Split> splits(std::uint64_t bytes) const override {
    std::vector<Split> all;
    for (std::uint32_t i = 0; i < table_.files.size(); ++i) {
      const auto end = table_.files[i].file.version.bytes;
      const auto step =
          table_.files[i].compression == Compression::none ? std::max<std::uint64_t>(bytes, 1) : end;
      for (std::uint64_t begin = 0; begin < end;) {
        const auto stop = begin + std::min(end - begin, step);
        all.push_back({i, begin, stop});
        begin = stop;
      }
    }
    return all;
  }
  [[nodiscard]] std::unique_ptr<BatchReader> read(const Split& split, const std::vector<bool>& columns,
                                                  memory::Budget& budget, std::uint64_t memory_bytes,
                                                  storage::AsyncIo*) const override {
    return std::make_unique<JsonlReader>(table_, split, columns, budget, memory_bytes);
  }
  [[nodiscard]] std::string file_path(std::uint32_t file) const override {
    return table_.files.at(file).file.path;
  }
  [[nodiscard]] std::uint64_t beside_bytes(const std::vector<bool>&) const override {
    return decompression_bytes_;
  }
  [[nodiscard]] std::string fingerprint() const override {
    std::vector<InputFile> files;
    for (const auto& file : table_.files) files.push_back(file.file);
    return detail::fingerprint(Format::jsonl, files, table_.schema,
                               std::to_string(static_cast<int>(table_.on_bad_row)));
  }

 private:
  JsonlTable table_;
  std::uint64_t decompression_bytes_;
};

}  // namespace

std::unique_ptr<Input> open_jsonl(const InputSpec& spec, std::vector<std::string> paths,
                                  storage::FileSystem& files) {
  JsonlTable table;
  table.on_bad_row = spec.on_bad_row;
  table.disk = &files;
  for (const auto& input : note_versions(paths, files)) {
    table.files.push_back({input, compression_of(input, files)});
  }
  Sample sample;
  for (const auto& file : table.files) {
    if (!sample.is_full()) sample.read(file, files);
  }
  table.schema = sample.schema();
  if (table.schema.empty() && spec.types.empty()) {
    throw base::UsageError(
        fmt::format("{}: no JSON object in the first {} lines; JSON Lines needs one per line, not "
                    "one array or objects over several lines, or `types:` where there may be none{}",
                    paths[0], sample_rows, sample.first_error()));
  }
  for (const auto& field : spec.types) {  // a key may be too rare for the sample
    const auto same = [&](const Field& known) { return known.name == field.name; };
    if (std::none_of(table.schema.begin(), table.schema.end(), same)) table.schema.push_back(field);
  }
  apply_types(spec.types, table.schema);
  return std::make_unique<JsonlInput>(std::move(table));
}

}  // namespace surd::table::detail
