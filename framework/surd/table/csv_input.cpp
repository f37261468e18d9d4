// CSV files as an input: headers, schema, splits.
#include <algorithm>
#include <array>
#include <set>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <simdjson.h>

#include "surd/base/error.hpp"
#include "surd/base/units.hpp"
#include "surd/table/detail/csv_reader.hpp"
#include "surd/table/detail/infer.hpp"

namespace surd::table::detail {
namespace {

constexpr std::uint64_t sample_memory_bytes = base::MiB;
/// Decompression of the sample may need a window as well.
constexpr std::uint64_t sample_budget_bytes = 256 * base::MiB;
constexpr std::size_t longest_header_bytes = 256 * base::KiB;

/// Read of each file when it is opened: there may be thousands.
constexpr std::size_t look_bytes = 4 * base::KiB;

/// The first row of a file that is not blank.
struct FirstRow {
  std::vector<std::string> fields;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  std::uint64_t lines_before = 0;
  std::uint64_t lines = 0;  ///< Before its end.
};

/// Reads a file byte by byte: only the first row is.
class FirstRowReader {
 public:
  FirstRowReader(const CsvFile& file, char delimiter, storage::FileSystem& disk)
      : file_(&file),
        delimiter_(delimiter),
        budget_(sample_budget_bytes),
        buffer_(open_bytes(file.file, file.compression, 0, disk, budget_), 0, longest_header_bytes) {
    buffer_.refill(0, look_bytes);
    static constexpr std::string_view mark = "\xEF\xBB\xBF";
    if (std::string_view(buffer_.data(), buffer_.filled()).starts_with(mark)) at_ = 3;
  }

  /// Fields are empty if there is no row.
  FirstRow read() {
    FirstRow row;
    row.begin = row.end = at_;
    auto state = CsvState::field_start;
    std::uint32_t begin = at_;
    while (more()) {
      const char byte = buffer_.data()[at_++];
      const bool outside = state != CsvState::quoted;
      if (outside && byte == '\r' && more() && buffer_.data()[at_] != '\n') refuse_lone_returns();
      state = step(state, byte, delimiter_);
      if (byte == '\n') ++row.lines;
      if (!outside || state != CsvState::field_start) continue;
      const bool line_end = byte == '\n';
      auto size = at_ - 1 - begin;
      if (line_end && size > 0 && buffer_.data()[at_ - 2] == '\r') --size;
      row.end = at_;
      if (line_end && row.fields.empty() && size == 0) {  // a blank line
        row.begin = begin = at_;
        row.lines_before = row.lines;
        continue;
      }
      row.fields.push_back(value_of({buffer_.data() + begin, size}));
      begin = at_;
      if (line_end) return row;
    }
    if (begin < at_ || !row.fields.empty())
      row.fields.push_back(value_of({buffer_.data() + begin, at_ - begin}));
    row.end = at_;
    return row;
  }

 private:
  bool more() {
    if (at_ < buffer_.filled()) return true;
    if (buffer_.ended()) return false;
    if (buffer_.full(0)) {
      throw base::UsageError(fmt::format("{}: the first row is longer than {}; a quote may not be closed",
                                         file_->file.path, base::format_bytes(longest_header_bytes)));
    }
    buffer_.refill(0, look_bytes);
    return at_ < buffer_.filled();
  }

  [[noreturn]] void refuse_lone_returns() const {
    throw base::UsageError(fmt::format(
        "{}: the first row has a carriage return (CR) that no line feed follows: lines that end so, as "
        "those of old Macintosh files do, are not read; convert them first: tr '\\r' '\\n'",
        file_->file.path));
  }

  std::string value_of(std::string_view field) const {
    if (!simdjson::validate_utf8(field.data(), field.size())) {
      throw base::UsageError(file_->file.path + ": the first row is not UTF-8; convert the file first");
    }
    if (field.size() < 2 || field.front() != '"' || field.back() != '"') return std::string(field);
    std::string value;
    for (std::size_t i = 1; i + 1 < field.size(); ++i) {
      value += field[i];
      if (field[i] == '"') ++i;
    }
    return value;
  }

  const CsvFile* file_;
  char delimiter_;
  memory::Budget budget_;
  TextBuffer buffer_;
  std::uint32_t at_ = 0;
};

/// Names of columns; those without one are named by position.
std::vector<std::string> names_of(const CsvFile& file, const FirstRow& row, bool header) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (std::size_t i = 0; i < row.fields.size(); ++i) {
    names.push_back(header && !row.fields[i].empty() ? row.fields[i] : fmt::format("c{}", i));
    if (seen.insert(names.back()).second) continue;
    throw base::UsageError(
        fmt::format("{}: the header has two columns named '{}'; rename one, or set 'header: false' "
                    "if the first row holds values",
                    file.file.path, names.back()));
  }
  return names;
}

/// By the name, which may go on: "a.tsv.gz", "a.tsv.1".
bool is_tabbed(const std::string& path) {
  const auto name = path.substr(path.rfind('/') + 1);
  const auto tsv = name.rfind(".tsv");
  const auto csv = name.rfind(".csv");
  return tsv != name.npos && (csv == name.npos || csv < tsv);
}

CsvFile examine(const InputFile& input, const CsvTable& table) {
  const bool header = table.spec.header;
  CsvFile file;
  file.file = input;
  file.compression = compression_of(input, *table.disk);
  const auto row = FirstRowReader(file, table.delimiter, *table.disk).read();
  file.names = names_of(file, row, header);
  file.data_begin = header ? row.end : row.begin;
  file.first_line = 1 + (header ? row.lines : row.lines_before);
  return file;
}

void check_same_columns(const CsvFile& first, const CsvFile& other) {
  if (other.names.empty() || other.names == first.names) return;
  throw base::UsageError(fmt::format(
      "{} and {} have different columns: {} in the first, {} in the second; files of one "
      "input must have the same columns in the same order",
      first.file.path, other.file.path, fmt::join(first.names, ", "), fmt::join(other.names, ", ")));
}

/// Types from the first rows of all files, which are read as texts.
void infer(CsvTable& table) {
  CsvTable texts;
  texts.spec = table.spec;
  texts.delimiter = table.delimiter;
  texts.spec.on_bad_row = OnBadRow::skip;
  texts.nulls = table.nulls;
  texts.disk = table.disk;
  texts.sample = true;
  texts.schema = table.schema;
  for (auto& field : texts.schema) field.type = Type::text;
  std::vector<TypeGuess> guesses(texts.schema.size());
  std::size_t rows = 0;
  for (const auto& file : table.files) {
    if (file.names.empty() || rows >= sample_rows) continue;
    texts.files = {file};
    memory::Budget budget(sample_memory_bytes + sample_budget_bytes);
    const Split whole{0, 0, file.file.version.bytes};
    CsvReader reader(texts, whole, std::vector<bool>(texts.schema.size(), true), budget, sample_memory_bytes);
    for (Batch batch; rows < sample_rows && reader.next(batch); rows += batch.rows) {
      const auto count = std::min(batch.rows, sample_rows - rows);
      for (std::size_t c = 0; c < guesses.size(); ++c) {
        for (std::size_t row = 0; row < count; ++row) {
          if (!batch.columns[c].is_null(row)) guesses[c].see(batch.columns[c].text(row));
        }
      }
    }
  }
  for (std::size_t c = 0; c < guesses.size(); ++c) table.schema[c].type = guesses[c].type();
}

class CsvInput final : public Input {
 public:
  explicit CsvInput(CsvTable table)
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
      const auto& file = table_.files[i];
      if (file.names.empty()) continue;
      const bool whole = file.compression != Compression::none || !table_.spec.split;
      const auto end = file.file.version.bytes;
      auto begin = file.compression == Compression::none ? file.data_begin : 0;
      const auto step = whole ? end : std::max<std::uint64_t>(bytes, 1);
      while (begin < end) {
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
    return std::make_unique<CsvReader>(table_, split, columns, budget, memory_bytes);
  }
  [[nodiscard]] std::string file_path(std::uint32_t file) const override {
    return table_.files.at(file).file.path;
  }
  [[nodiscard]] std::uint64_t beside_bytes(const std::vector<bool>&) const override {
    return decompression_bytes_;
  }
  [[nodiscard]] std::string fingerprint() const override {
    const auto& spec = table_.spec;
    auto options = fmt::format("{}|{}|{}|{}", static_cast<int>(table_.delimiter), spec.header, spec.split,
                               static_cast<int>(spec.on_bad_row));
    for (const auto& text : spec.null_texts) options += fmt::format("|{}:{}", text.size(), text);
    std::vector<InputFile> files;
    for (const auto& file : table_.files) files.push_back(file.file);
    return detail::fingerprint(Format::csv, files, table_.schema, options);
  }

 private:
  CsvTable table_;
  std::uint64_t decompression_bytes_;
};

}  // namespace

std::unique_ptr<Input> open_csv(const InputSpec& spec, std::vector<std::string> paths,
                                storage::FileSystem& files) {
  CsvTable table;
  table.spec = spec;
  table.nulls = NullTexts(spec.null_texts);
  table.disk = &files;
  table.delimiter = spec.delimiter.value_or(is_tabbed(paths[0]) ? '\t' : ',');
  for (const auto& input : note_versions(paths, files)) table.files.push_back(examine(input, table));
  const auto first = std::find_if(table.files.begin(), table.files.end(),
                                  [](const CsvFile& file) { return !file.names.empty(); });
  if (first == table.files.end()) {
    throw base::UsageError(paths[0] + ": the file is empty, so it has no columns");
  }
  for (const auto& file : table.files) check_same_columns(*first, file);
  for (const auto& name : first->names) table.schema.push_back({name, Type::text});
  infer(table);
  apply_types(spec.types, table.schema);
  return std::make_unique<CsvInput>(std::move(table));
}

}  // namespace surd::table::detail
