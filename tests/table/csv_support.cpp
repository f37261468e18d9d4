#include "csv_support.hpp"

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <optional>

#include <gtest/gtest.h>

namespace surd::test {

using table::detail::CsvState;

TempFile::TempFile(std::string_view name, std::string_view content)
    : path_(testing::TempDir() + "surd_" + std::to_string(getpid()) + "_" + std::string(name)) {
  write(content);
}

TempFile::~TempFile() { std::remove(path_.c_str()); }

void TempFile::write(std::string_view content) const {
  std::ofstream(path_, std::ios::binary).write(content.data(), static_cast<std::streamsize>(content.size()));
}

Row row_of(const table::Batch& batch, std::size_t row, const std::vector<bool>& columns) {
  Row texts;
  for (std::size_t c = 0; c < batch.columns.size(); ++c) {
    const auto& column = batch.columns[c];
    if (!columns[c]) continue;
    if (column.is_null(row)) {
      texts.emplace_back("<null>");
    } else if (column.type == table::Type::text) {
      texts.emplace_back(column.text(row));
    } else if (column.type == table::Type::float64) {
      char text[40];
      std::snprintf(text, sizeof text, "%.17g", column.numbers[row]);
      texts.emplace_back(text);
    } else {
      texts.push_back(std::to_string(column.integers[row]));
    }
  }
  return texts;
}

Reading read_all(const table::Input& input, std::uint64_t split_bytes, std::uint64_t memory_bytes,
                 std::vector<bool> columns) {
  columns.resize(input.schema().size(), columns.empty());
  Reading reading;
  storage::AsyncIo io;
  for (const auto& split : input.splits(split_bytes)) {
    memory::Budget budget(2 * memory_bytes);
    const auto reader = input.read(split, columns, budget, memory_bytes, &io);
    table::Batch batch;
    while (reader->next(batch)) {
      EXPECT_GT(batch.rows, 0U);
      EXPECT_LE(batch.rows, 8192U);
      for (std::size_t row = 0; row < batch.rows; ++row) reading.rows.push_back(row_of(batch, row, columns));
    }
    EXPECT_FALSE(reader->next(batch));
    for (auto& bad : reader->take_bad_rows()) reading.bad.push_back(std::move(bad));
  }
  return reading;
}

namespace {

/// The value of a field, nullopt if text follows its closing quote.
std::optional<std::string> value_by_oracle(std::string_view field) {
  if (field.empty()) return "<null>";
  if (field[0] != '"') return std::string(field);
  std::string value;
  for (std::size_t i = 1; i < field.size(); ++i) {
    if (field[i] != '"') {
      value += field[i];
    } else if (i + 1 == field.size()) {
      return value;
    } else if (field[i + 1] == '"') {
      value += field[++i];
    } else {
      return std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<Row> rows_by_oracle(std::string_view text, std::size_t columns, char delimiter, bool header) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  std::vector<Row> rows;
  std::vector<std::string> fields(1);
  auto state = CsvState::field_start;
  const auto end_row = [&] {
    if (fields.back().ends_with('\r')) fields.back().pop_back();
    if (fields.size() > 1 || !fields[0].empty()) {
      Row row;
      for (const auto& field : fields) {
        if (const auto value = value_by_oracle(field)) row.push_back(*value);
      }
      if (header) {
        header = false;
      } else if (row.size() == columns && fields.size() == columns) {
        rows.push_back(row);
      }
    }
    fields.assign(1, "");
  };
  for (const char byte : text) {
    const bool outside = state != CsvState::quoted;
    state = table::detail::step(state, byte, delimiter);
    if (outside && byte == '\n') {
      end_row();
    } else if (outside && byte == delimiter) {
      fields.emplace_back();
    } else {
      fields.back() += byte;
    }
  }
  if (state != CsvState::quoted) end_row();
  return rows;
}

table::InputSpec texts_only(const std::string& path, const std::vector<std::string>& names) {
  table::InputSpec spec;
  spec.paths = {path};
  spec.null_texts = {""};
  spec.on_bad_row = table::OnBadRow::skip;
  for (const auto& name : names) spec.types.push_back({name, table::Type::text});
  return spec;
}

std::string hostile_csv(base::RandomStream& random, std::size_t rows, bool stray_quotes) {
  static const std::vector<std::string> quoted{
      "",     "x",         ",",          "\n",           "1,2,3\n4,5,6\n",
      "\"\"", "\"\",\"\"", "\r\n",       "a\"\"b\"\"\n", ",\"\"\n",
      "\n\n", "7,8,9\n",   "\"\"\n\"\"", "\xC3\xA9",     ",,\n,,"};
  static const std::vector<std::string> plain{"",         "1",        "-2.5",         "abc",
                                              "\xC3\xA4", " sp ace ", "1234567890123"};
  static const std::vector<std::string> stray{"5\" pipe", "3\"", "a\"b\"c"};
  std::string text = random.below(2) == 0 ? "a,b,c\n" : "\xEF\xBB\xBF\"a\",b,\"c\"\r\n";
  for (std::size_t row = 0; row < rows; ++row) {
    for (int column = 0; column < 3; ++column) {
      if (column > 0) text += ',';
      const auto kind = random.below(4);
      if (kind == 0) {
        text += '"';
        for (auto n = random.below(4); n > 0; --n) text += quoted[random.below(quoted.size())];
        text += '"';
      } else if (kind == 1 && stray_quotes) {
        text += stray[random.below(stray.size())];
      } else {
        text += plain[random.below(plain.size())];
      }
    }
    if (row + 1 < rows || random.below(2) == 0) text += random.below(3) == 0 ? "\r\n" : "\n";
    if (random.below(10) == 0 && row + 1 < rows) text += "\n";
  }
  return text;
}

}  // namespace surd::test
