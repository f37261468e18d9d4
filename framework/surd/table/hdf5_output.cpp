// A group with a dataset per column, all of one length, in order of columns:
//
//   integer   i64
//   float     f64; null is NaN
//   boolean   enum of i8 {FALSE = 0, TRUE = 1}, which h5py reads as bool
//   text      UTF-8 of variable length
//
// A column other than floats that has nulls is accompanied by a dataset of u8, `<name>_null`, 1 where it is
// null (the column has 0 or "" there), with an attribute null_of = `<name>`.
//
// The library lays chunks and texts out in the order in which they are written. Rows are therefore written in
// blocks that end where the rows alone say, whatever batches they come in.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "surd/base/error.hpp"
#include "surd/table/detail/hdf5_table.hpp"
#include "surd/table/output.hpp"

namespace surd::table {
namespace {

using storage::detail::checked;
using storage::detail::H5Scoped;
using storage::detail::made;

constexpr std::size_t cache_bytes = std::size_t{1} << 20;  ///< For the chunks of all columns, about.
constexpr std::size_t most_block_rows = 1024;
constexpr std::size_t block_bytes = std::size_t{256} << 10;      ///< Of a block's values, about;
constexpr std::size_t block_text_bytes = std::size_t{64} << 10;  ///< the row that reaches it ends a block.
constexpr unsigned deflate_level = 4;

/// Bytes of a value in the file; of a text, the reference to it.
std::size_t stored_bytes(Type type) { return type == Type::boolean ? 1 : type == Type::text ? 16 : 8; }

std::uint64_t rows_of_chunk(const Schema& schema) {
  std::size_t row_bytes = 1;
  for (const auto& field : schema) row_bytes += stored_bytes(field.type);
  return std::clamp<std::size_t>(cache_bytes / row_bytes, 512, 8192);
}

std::size_t rows_of_block(const Schema& schema) {
  return std::clamp<std::size_t>(block_bytes / (1 + schema.size() * sizeof(std::uint64_t)), 64,
                                 most_block_rows);
}

void check_name(const std::string& name) {
  const bool possible = !name.empty() && name != "." && name != ".." && name.find('/') == name.npos &&
                        name.find('\0') == name.npos;
  if (possible) return;
  throw base::UsageError(fmt::format(
      "column '{}': HDF5 has no such names (none may be empty, '.' or have a '/'); rename the column", name));
}

}  // namespace

struct Hdf5TableWriter::State {
  State(const storage::Path& to, const std::string& dataset, const Schema& columns);

  H5Scoped make_group(hid_t parent, const std::string& name) const;
  H5Scoped make_table(const std::string& dataset) const;
  H5Scoped make_type(Type type) const;
  H5Scoped make_dataset(const std::string& name, hid_t type, std::size_t value_bytes) const;
  H5Scoped make_nulls(const std::string& column) const;

  void write(const Batch& batch);
  void count_texts(const Batch& batch);
  void write_block();
  void write_nulls(std::size_t k, const Column& column);
  void write_values(std::size_t k, const Column& column);
  void put(hid_t data, hid_t type, std::uint64_t first, std::size_t count, const void* values) const;
  const void* numbers_of(const Column& column);
  const void* booleans_of(const Column& column);
  const void* texts_of(std::size_t k, const Column& column);

  storage::Path path;
  Schema schema;
  storage::H5File file;
  H5Scoped group;
  H5Scoped transfer;
  std::uint64_t chunk_rows;
  std::size_t block_rows;
  std::uint64_t rows = 0;                      ///< In the file.
  Batch block;                                 ///< Rows to come after them,
  std::size_t block_texts = 0;                 ///< with so many bytes of texts.
  std::vector<H5Scoped> types;                 ///< In the file and in memory.
  std::vector<H5Scoped> datasets;              ///< [schema]
  std::vector<std::optional<H5Scoped>> nulls;  ///< [schema], none before the first null.
  // Scratch.
  std::array<double, most_block_rows> numbers;
  std::array<std::int8_t, most_block_rows> booleans;
  std::array<const char*, most_block_rows> pointers;
  std::vector<char> texts;
  std::vector<std::size_t> text_bytes;  ///< [rows of a batch]
};

Hdf5TableWriter::State::State(const storage::Path& to, const std::string& dataset, const Schema& columns)
    : path(to),
      schema(columns),
      file(storage::H5File::create(to)),
      group(make_table(dataset)),
      transfer(detail::transfer_list(to)),
      chunk_rows(rows_of_chunk(columns)),
      block_rows(rows_of_block(columns)) {
  detail::bound_metadata(file, path);
  for (const auto& field : schema) {
    check_name(field.name);
    types.push_back(make_type(field.type));
    datasets.push_back(make_dataset(field.name, types.back(), stored_bytes(field.type)));
  }
  nulls.resize(schema.size());
  block.clear(schema);
}

/// Its members keep their order of creation, and no times.
H5Scoped Hdf5TableWriter::State::make_group(hid_t parent, const std::string& name) const {
  const auto list = made(path, "H5Pcreate", [] { return H5Pcreate(H5P_GROUP_CREATE); });
  constexpr unsigned order = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  checked(path, "H5Pset_link_creation_order", [&] { return H5Pset_link_creation_order(list, order); });
  checked(path, "H5Pset_obj_track_times", [&] { return H5Pset_obj_track_times(list, false); });
  return made(path, "H5Gcreate2",
              [&] { return H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, list, H5P_DEFAULT); });
}

/// The group at the end of "a/b/table", made with all groups on the way.
H5Scoped Hdf5TableWriter::State::make_table(const std::string& dataset) const {
  auto parent = made(path, "H5Gopen2", [&] { return H5Gopen2(file.native(), "/", H5P_DEFAULT); }).release();
  for (std::size_t begin = 0; begin < dataset.size();) {
    const auto end = std::min(dataset.find('/', begin), dataset.size());
    if (end > begin) {
      const H5Scoped outer(parent);
      parent = make_group(outer, dataset.substr(begin, end - begin)).release();
    }
    begin = end + 1;
  }
  return H5Scoped(parent);
}

H5Scoped Hdf5TableWriter::State::make_type(Type type) const {
  const auto copy = [&](hid_t id) { return made(path, "H5Tcopy", [&] { return H5Tcopy(id); }); };
  if (type == Type::int64) return copy(H5T_STD_I64LE);
  if (type == Type::float64) return copy(H5T_IEEE_F64LE);
  if (type == Type::boolean) {
    auto boolean = made(path, "H5Tenum_create", [] { return H5Tenum_create(H5T_STD_I8LE); });
    for (const auto value : {std::int8_t{0}, std::int8_t{1}}) {
      const auto* const word = value == 0 ? "FALSE" : "TRUE";
      checked(path, "H5Tenum_insert", [&] { return H5Tenum_insert(boolean, word, &value); });
    }
    return boolean;
  }
  auto text = copy(H5T_C_S1);
  checked(path, "H5Tset_size", [&] { return H5Tset_size(text, H5T_VARIABLE); });
  checked(path, "H5Tset_cset", [&] { return H5Tset_cset(text, H5T_CSET_UTF8); });
  return text;
}

H5Scoped Hdf5TableWriter::State::make_dataset(const std::string& name, hid_t type,
                                              std::size_t value_bytes) const {
  const hsize_t none = 0;
  const hsize_t endless = H5S_UNLIMITED;
  const hsize_t chunk = chunk_rows;
  const auto space = made(path, "H5Screate_simple", [&] { return H5Screate_simple(1, &none, &endless); });
  const auto list = made(path, "H5Pcreate", [] { return H5Pcreate(H5P_DATASET_CREATE); });
  checked(path, "H5Pset_obj_track_times", [&] { return H5Pset_obj_track_times(list, false); });
  checked(path, "H5Pset_chunk", [&] { return H5Pset_chunk(list, 1, &chunk); });
  checked(path, "H5Pset_shuffle", [&] { return H5Pset_shuffle(list); });
  checked(path, "H5Pset_deflate", [&] { return H5Pset_deflate(list, deflate_level); });
  const auto access = made(path, "H5Pcreate", [] { return H5Pcreate(H5P_DATASET_ACCESS); });
  // One chunk is enough: chunks are filled one after the other.
  const auto bytes = static_cast<std::size_t>(chunk_rows) * value_bytes;
  checked(path, "H5Pset_chunk_cache", [&] { return H5Pset_chunk_cache(access, 1, bytes, 1.0); });
  const storage::detail::QuietHdf5 quiet;
  const auto id = H5Dcreate2(group, name.c_str(), type, space, H5P_DEFAULT, list, access);
  if (id < 0) storage::detail::throw_hdf5(path, "H5Dcreate2");
  return H5Scoped(id);
}

H5Scoped Hdf5TableWriter::State::make_nulls(const std::string& column) const {
  auto name = column + "_null";
  const auto taken = [&] {
    return checked(path, "H5Lexists", [&] { return H5Lexists(group, name.c_str(), H5P_DEFAULT); }) > 0;
  };
  while (taken()) name += '_';
  auto data = make_dataset(name, H5T_STD_U8LE, 1);
  const auto type = made(path, "H5Tcopy", [] { return H5Tcopy(H5T_C_S1); });
  checked(path, "H5Tset_size", [&] { return H5Tset_size(type, column.size()); });
  checked(path, "H5Tset_strpad", [&] { return H5Tset_strpad(type, H5T_STR_NULLPAD); });
  checked(path, "H5Tset_cset", [&] { return H5Tset_cset(type, H5T_CSET_UTF8); });
  const auto one = made(path, "H5Screate", [] { return H5Screate(H5S_SCALAR); });
  const auto attribute = made(path, "H5Acreate2", [&] {
    return H5Acreate2(data, detail::null_mark, type, one, H5P_DEFAULT, H5P_DEFAULT);
  });
  checked(path, "H5Awrite", [&] { return H5Awrite(attribute, type, column.data()); });
  return data;
}

void Hdf5TableWriter::State::write(const Batch& batch) {
  base::expect(batch.columns.size() == schema.size(), "a table is written from batches of its schema");
  count_texts(batch);
  for (std::size_t first = 0; first < batch.rows;) {
    auto end = first;
    while (end < batch.rows && block.rows + (end - first) < block_rows && block_texts < block_text_bytes) {
      block_texts += text_bytes[end++];
    }
    for (std::size_t k = 0; k < schema.size(); ++k) {
      block.columns[k].append(batch.columns[k], first, end - first);
    }
    block.rows += end - first;
    first = end;
    if (block.rows == block_rows || block_texts >= block_text_bytes) write_block();
  }
}

void Hdf5TableWriter::State::count_texts(const Batch& batch) {
  text_bytes.assign(batch.rows, 0);
  for (std::size_t k = 0; k < schema.size(); ++k) {
    const auto& column = batch.columns[k];
    base::expect(column.type == schema[k].type && column.size() == batch.rows,
                 "a table is written from batches of its schema");
    if (column.type != Type::text) continue;
    for (std::size_t row = 0; row < batch.rows; ++row) text_bytes[row] += column.text(row).size();
  }
}

void Hdf5TableWriter::State::write_block() {
  const hsize_t size = rows + block.rows;
  for (std::size_t k = 0; k < schema.size(); ++k) {
    const auto& column = block.columns[k];
    checked(path, "H5Dset_extent", [&] { return H5Dset_extent(datasets[k], &size); });
    write_values(k, column);
    if (column.type != Type::float64) write_nulls(k, column);
  }
  rows = size;
  block.clear(schema);
  block_texts = 0;
}

/// Nothing before the first null: what is not written is 0.
void Hdf5TableWriter::State::write_nulls(std::size_t k, const Column& column) {
  const bool any = std::any_of(column.nulls.begin(), column.nulls.end(), [](auto null) { return null != 0; });
  if (!any) return;
  if (!nulls[k]) nulls[k].emplace(make_nulls(schema[k].name));
  const hsize_t size = rows + column.nulls.size();
  checked(path, "H5Dset_extent", [&] { return H5Dset_extent(*nulls[k], &size); });
  put(*nulls[k], H5T_NATIVE_UINT8, rows, column.nulls.size(), column.nulls.data());
}

void Hdf5TableWriter::State::write_values(std::size_t k, const Column& column) {
  const auto values = [&]() -> const void* {
    switch (column.type) {
      case Type::int64:
        return column.integers.data();
      case Type::float64:
        return numbers_of(column);
      case Type::boolean:
        return booleans_of(column);
      case Type::text:
        break;
    }
    return texts_of(k, column);
  }();
  put(datasets[k], types[k], rows, column.size(), values);
}

void Hdf5TableWriter::State::put(hid_t data, hid_t type, std::uint64_t first, std::size_t count,
                                 const void* values) const {
  const hsize_t start = first;
  const hsize_t extent = count;
  const auto space = made(path, "H5Dget_space", [&] { return H5Dget_space(data); });
  checked(path, "H5Sselect_hyperslab",
          [&] { return H5Sselect_hyperslab(space, H5S_SELECT_SET, &start, nullptr, &extent, nullptr); });
  const auto memory = made(path, "H5Screate_simple", [&] { return H5Screate_simple(1, &extent, nullptr); });
  checked(path, "H5Dwrite", [&] { return H5Dwrite(data, type, memory, space, transfer, values); });
}

const void* Hdf5TableWriter::State::numbers_of(const Column& column) {
  if (column.nulls.empty()) return column.numbers.data();
  for (std::size_t i = 0; i < column.size(); ++i) {
    numbers[i] = column.is_null(i) ? std::numeric_limits<double>::quiet_NaN() : column.numbers[i];
  }
  return numbers.data();
}

const void* Hdf5TableWriter::State::booleans_of(const Column& column) {
  for (std::size_t i = 0; i < column.size(); ++i) booleans[i] = column.integers[i] != 0;
  return booleans.data();
}

/// Texts that end in a zero, as the library wants them.
const void* Hdf5TableWriter::State::texts_of(std::size_t k, const Column& column) {
  texts.resize(column.bytes.size() + column.size());
  auto* at = texts.data();
  for (std::size_t i = 0; i < column.size(); ++i) {
    const auto text = column.text(i);
    if (text.find('\0') != text.npos) {
      throw base::UsageError(fmt::format(
          "row {} of the output, column {}: a text with a zero byte would be cut there when it is read; "
          "write csv or jsonl",
          rows + i, schema[k].name));
    }
    pointers[i] = at;
    at = std::copy(text.begin(), text.end(), at);
    *at++ = '\0';
  }
  return pointers.data();
}

std::uint64_t beside_bytes(const OutputSpec& spec, const Schema& schema) {
  if (spec.format != Format::hdf5) return 0;
  std::uint64_t datasets = 0;
  for (const auto& field : schema) datasets += field.type == Type::float64 ? 1U : 2U;  // there may be nulls
  return detail::open_datasets_bytes(datasets);
}

Hdf5TableWriter::Hdf5TableWriter(const storage::Path& path, const std::string& dataset, const Schema& schema)
    : state_(std::make_unique<State>(path, dataset, schema)) {}

Hdf5TableWriter::Hdf5TableWriter(Hdf5TableWriter&&) noexcept = default;

Hdf5TableWriter::~Hdf5TableWriter() = default;

void Hdf5TableWriter::write(const Batch& batch) { state_->write(batch); }

void Hdf5TableWriter::close() {
  if (state_->block.rows > 0) state_->write_block();
  const hsize_t size = state_->rows;
  for (const auto& data : state_->nulls) {
    if (data) checked(state_->path, "H5Dset_extent", [&] { return H5Dset_extent(*data, &size); });
  }
  state_->nulls.clear();
  state_->datasets.clear();
  state_->file.close();
}

}  // namespace surd::table
