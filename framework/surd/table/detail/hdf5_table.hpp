// Tables in HDF5 files as they are found: a dataset of one or two dimensions, a dataset of a compound type,
// or a group of equally long datasets, one per column, as Hdf5TableWriter makes them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <hdf5.h>

#include "surd/storage/detail/hdf5_call.hpp"
#include "surd/storage/hdf5.hpp"
#include "surd/table/detail/formats.hpp"
#include "surd/table/detail/records.hpp"

namespace surd::table::detail {

/// Attribute of a dataset of bytes that says of which column's rows 1 means null.
inline constexpr const char* null_mark = "null_of";

struct H5Column {
  RecordField field;      ///< As it is read into memory: in its own byte order, alone or in a record.
  bool variable = false;  ///< A text of variable length: a pointer in memory.
  int character_set = 0;  ///< Of texts, H5T_cset_t.
  std::string link;       ///< Dataset, or member of the compound.
  std::string nulls;      ///< Dataset of its nulls, "" if there are none.
};

enum class H5Layout : std::uint8_t { array, compound, group };

/// What so many open datasets take, chunks included, if they are more than some: measured with 1,000 to
/// 20,000.
[[nodiscard]] constexpr std::uint64_t open_datasets_bytes(std::uint64_t datasets) noexcept {
  constexpr std::uint64_t unnoticed = 64;
  return datasets > unnoticed ? (datasets - unnoticed) * (24 << 10) : 0;
}

/// What the library keeps of so many datasets that were looked at once.
[[nodiscard]] constexpr std::uint64_t known_datasets_bytes(std::uint64_t datasets) noexcept {
  constexpr std::uint64_t unnoticed = 256;
  return datasets > unnoticed ? (datasets - unnoticed) * (4 << 10) : 0;
}

struct H5Table {
  InputFile file;
  std::string object;  ///< "/table"
  H5Layout layout = H5Layout::array;
  std::uint64_t rows = 0;
  std::uint64_t record_bytes = 0;  ///< In memory, of all columns.
  std::uint64_t chunk_rows = 1;    ///< The most of any dataset: where to cut without reading a chunk twice.
  std::vector<H5Column> columns;
};

/// `object` may be "": the only object of the file, or the datasets in its root.
/// @throws UsageError  if there is no such table; FormatError  if the file is damaged.
[[nodiscard]] H5Table find_table(const InputFile& file, std::string object);

/// Guessed size of a text of variable length, to choose the size of batches and splits.
inline constexpr std::uint64_t text_guess_bytes = 32;

/// Rows of a split of `table`, which must outlive the reader. Takes room for a chunk of every dataset besides
/// what batches need.
[[nodiscard]] std::unique_ptr<BatchReader> read_table(const H5Table& table, const Split& split,
                                                      std::vector<bool> columns, OnBadRow on_bad_row,
                                                      storage::FileSystem& files, memory::Budget& budget,
                                                      std::uint64_t memory_bytes);

/// The type of a column's values in memory.
[[nodiscard]] storage::detail::H5Scoped memory_type(const H5Table& table, const H5Column& column);

/// Bounds what the library keeps of an open file's own structures: up to 32 MiB else.
void bound_metadata(const storage::H5File& file, const storage::Path& path);
/// Transfers that convert values in pieces of 64 KiB: of 1 MiB else, twice.
[[nodiscard]] storage::detail::H5Scoped transfer_list(const storage::Path& path);

}  // namespace surd::table::detail
