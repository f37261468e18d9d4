// tables_for_python write DIRECTORY: writes the tables that formats_in_python.py expects.
// tables_for_python read PATH: prints the rows of a table as CSV.
#include <cstdio>
#include <fstream>
#include <iostream>

#include "surd/base/error.hpp"
#include "surd/table/input.hpp"
#include "surd/table/output.hpp"

namespace surd::test {
namespace {

using table::Format;
using table::Type;

constexpr std::int64_t rows = 20000;

/// Row i: i, i / 7, "text i" with an umlaut, whether i is odd. Every ninth value null, if `nulls`.
table::Batch batch_of(const table::Schema& schema, bool nulls) {
  table::Batch batch;
  batch.clear(schema);
  batch.rows = rows;
  for (auto& column : batch.columns) {
    for (std::int64_t i = 0; i < rows; ++i) {
      if (nulls && i % 9 == 4) {
        column.push_null();
      } else if (column.type == Type::int64) {
        column.push_integer(i - 100);
      } else if (column.type == Type::float64) {
        column.push_number(static_cast<double>(i) / 7);
      } else if (column.type == Type::boolean) {
        column.push_integer(i % 2);
      } else {
        column.push_text(i % 5 == 0 ? "" : "t\xC3\xA4xt " + std::to_string(i));
      }
    }
  }
  return batch;
}

void write_npy(const std::string& path, const table::Schema& schema) {
  table::OutputSpec spec;
  spec.path = path;
  spec.format = Format::npy;
  auto file = head(spec, schema, rows);
  std::vector<char> bytes;
  write_piece(spec, schema)->write(batch_of(schema, false), bytes);
  file.append(bytes.begin(), bytes.end());
  std::ofstream(path, std::ios::binary) << file;
}

void write(const std::string& directory) {
  write_npy(directory + "/vector.npy", {{"x", Type::float64}});
  write_npy(directory + "/matrix.npy", {{"a", Type::int64}, {"b", Type::int64}});
  write_npy(directory + "/mixed.npy", {{"a", Type::int64}, {"x", Type::float64}, {"odd", Type::boolean}});
  const table::Schema all{
      {"i", Type::int64}, {"x", Type::float64}, {"t", Type::text}, {"odd", Type::boolean}};
  for (const bool nulls : {false, true}) {
    table::Hdf5TableWriter writer(directory + (nulls ? "/nulls.h5" : "/plain.h5"), "table", all);
    writer.write(batch_of(all, nulls));
    writer.close();
  }
}

void read(const std::string& path) {
  table::InputSpec spec;
  spec.paths = {path};
  const auto input = open_input(spec, storage::local_file_system());
  table::OutputSpec csv;
  std::cout << head(csv, input->schema(), 0);
  const auto writer = write_piece(csv, input->schema());
  for (const auto& split : input->splits(100)) {
    memory::Budget budget(4U << 20);
    const auto reader = input->read(split, std::vector<bool>(input->schema().size(), true), budget, 1U << 20);
    for (table::Batch batch; reader->next(batch);) {
      std::vector<char> bytes;
      writer->write(batch, bytes);
      std::cout.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
  }
}

}  // namespace
}  // namespace surd::test

int main(int count, char** words) {
  if (count != 3) return 64;
  try {
    std::string(words[1]) == "write" ? surd::test::write(words[2]) : surd::test::read(words[2]);
  } catch (const surd::base::Error& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
