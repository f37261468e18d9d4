#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/table/detail/hdf5_table.hpp"
#include "surd/table/detail/record_input.hpp"

namespace surd::table::detail {
namespace {

Schema schema_of(const H5Table& table) {
  Schema schema;
  for (const auto& column : table.columns) schema.push_back({column.field.name, type_of(column.field.kind)});
  return schema;
}

class Hdf5Input final : public Input {
 public:
  Hdf5Input(std::vector<H5Table> tables, OnBadRow on_bad_row, storage::FileSystem& files)
      : tables_(std::move(tables)), on_bad_row_(on_bad_row), files_(files), schema_(schema_of(tables_[0])) {}

  const Schema& schema() const noexcept override { return schema_; }

  std::uint64_t bytes() const noexcept override {
    std::uint64_t sum = 0;
    for (const auto& table : tables_) sum += table.file.version.bytes;
    return sum;
  }

  std::vector<Split> splits(std::uint64_t bytes) const override {
    std::vector<Split> all;
    for (std::uint32_t k = 0; k < tables_.size(); ++k) {
      const auto& table = tables_[k];
      auto row_bytes = table.record_bytes;
      for (const auto& column : table.columns) row_bytes += column.variable ? text_guess_bytes : 0;
      // Whole chunks, so that none is unpacked twice.
      const auto chunk_bytes = row_bytes * table.chunk_rows;
      const auto chunks = std::max<std::uint64_t>(bytes / std::max<std::uint64_t>(chunk_bytes, 1), 1);
      add_splits(k, table.rows, row_bytes, 1, chunks * chunk_bytes, all);
    }
    return all;
  }

  std::unique_ptr<BatchReader> read(const Split& split, const std::vector<bool>& columns,
                                    memory::Budget& budget, std::uint64_t memory_bytes,
                                    storage::AsyncIo*) const override {
    base::expect(split.file < tables_.size() && columns.size() == schema_.size() &&
                     split.end <= tables_[split.file].rows,
                 "a split is read from the input that made it");
    return read_table(tables_[split.file], split, columns, on_bad_row_, files_, budget, memory_bytes);
  }

  std::string file_path(std::uint32_t file) const override { return tables_.at(file).file.path; }

  std::uint64_t beside_bytes(const std::vector<bool>& columns) const override {
    if (tables_.empty() || tables_[0].layout != H5Layout::group) return 0;
    std::uint64_t opened = 0;
    for (std::size_t k = 0; k < columns.size(); ++k) {
      if (columns[k]) opened += tables_[0].columns[k].nulls.empty() ? 1U : 2U;
    }
    return open_datasets_bytes(opened) + known_datasets_bytes(columns.size());
  }

  std::string fingerprint() const override {
    std::vector<InputFile> noted;
    std::string objects;
    for (const auto& table : tables_) {
      noted.push_back(table.file);
      objects += table.object + ";";
    }
    return detail::fingerprint(Format::hdf5, noted, schema_, objects);
  }

 private:
  std::vector<H5Table> tables_;
  OnBadRow on_bad_row_;
  storage::FileSystem& files_;
  Schema schema_;
};

}  // namespace

std::unique_ptr<Input> open_hdf5(const InputSpec& spec, std::vector<std::string> paths,
                                 storage::FileSystem& files) {
  if (!spec.types.empty()) {
    throw base::UsageError("an input of format hdf5 has the types of its datasets; remove 'types'");
  }
  std::vector<H5Table> tables;
  for (const auto& path : paths) {
    const auto colon = path.rfind(":/");
    const auto object = colon == path.npos ? std::string() : path.substr(colon + 1);
    tables.push_back(find_table(note_versions({path.substr(0, colon)}, files)[0], object));
    if (schema_of(tables.back()) != schema_of(tables[0])) {
      throw base::UsageError(fmt::format("{} and {} have different columns", paths[0], path));
    }
  }
  return std::make_unique<Hdf5Input>(std::move(tables), spec.on_bad_row, files);
}

}  // namespace surd::table::detail
