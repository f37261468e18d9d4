// Reading tables from files of any size: CSV, JSON Lines, fixed-size binary records, .npy, HDF5 datasets;
// plain, gzip or zstd. An input is cut into splits that different ranks read.
//
//   auto input = open_input(spec, files);                 // finds the files, the format, the schema
//   for (auto& split : input->splits(64 << 20)) {
//     auto reader = input->read(split, columns, budget, 1 << 20);
//     while (reader->next(batch)) use(batch);
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/bytes.hpp"
#include "surd/base/error.hpp"
#include "surd/base/spec.hpp"
#include "surd/memory/budget.hpp"
#include "surd/storage/async_io.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/table/column.hpp"

namespace surd::table {

enum class OnBadRow : std::uint8_t {
  error,       ///< The first bad row ends the job. The default.
  skip,        ///< Counted and left out.
  quarantine,  ///< Left out and written, as it stands, to a file beside the output.
};

enum class Format : std::uint8_t { csv, jsonl, fixed, npy, hdf5 };

/// A column of fixed-size records.
struct FixedColumn {
  std::string name;
  std::string type;  ///< "u8" ... "u64", "i8" ... "i64", "f32", "f64", "bool", "bytes".
  std::uint32_t offset = 0;
  std::uint32_t bytes = 0;  ///< Length, for "bytes": text up to the first zero byte.
};

/// What a job says about its input.
struct InputSpec {
  std::vector<std::string> paths;  ///< Files and globs; "file.h5:/dataset".
  std::optional<Format> format;    ///< Absent: by the name, without .gz and .zst.
  std::optional<char> delimiter;   ///< csv. Absent: a tab for .tsv, else a comma.
  bool header = true;              ///< csv: the first row of each file has names; else c0, c1 ...
  std::vector<std::string> null_texts = {"", "NA", "NULL", "null",
                                         "NaN"};  ///< csv: unquoted values that mean null.
  Schema types;                                   ///< Overrides of what is inferred, by column.
  bool split = true;                              ///< csv: false: no file is cut (see detail/csv_split.hpp).
  OnBadRow on_bad_row = OnBadRow::error;
  std::uint32_t record_bytes = 0;    ///< fixed
  std::vector<FixedColumn> columns;  ///< fixed
};

/// Reads `input:` of a job: a path, a list of paths, or a map with `path` and the members above.
/// @throws SpecError
[[nodiscard]] InputSpec parse_input(const base::Spec& spec);

/// A part of an input that one rank reads: bytes [begin, end) of a file, rows for .npy and HDF5. Rows belong
/// to the split in which they begin. Compressed files are one split each.
struct Split {
  std::uint32_t file = 0;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

void put_split(base::ByteWriter& into, const Split& split);
[[nodiscard]] Split get_split(base::ByteReader& from);

/// A row that could not be read. `line` counts from 1 where it is known cheaply (from the split's begin
/// otherwise, see `line_is_exact`); `offset` is that of the row in its (uncompressed) file.
struct BadRow {
  std::string file;
  std::uint64_t offset = 0;
  std::uint64_t line = 0;
  bool line_is_exact = false;
  std::string column;
  std::string reason;  ///< "'12x' is no integer"
  std::string text;    ///< The row, at most 4 KiB of it.
};

/// "sales.csv:17, column price: '12x' is no float"
[[nodiscard]] std::string to_text(const BadRow& row);

/// How far readers look for the end of a row that is too long.
inline constexpr std::uint64_t longest_measured_bytes = std::uint64_t{64} << 20;

/// A row that the memory for reading does not hold. Never a bad row: with more memory it may be read.
class LongRow : public base::UsageError {
 public:
  /// `row_bytes`: at least so long; of which reading holds `limit_bytes` in its `memory_bytes`.
  LongRow(const BadRow& where, std::uint64_t row_bytes, std::uint64_t limit_bytes,
          std::uint64_t memory_bytes);

  /// Memory for reading in which a row of so many bytes has room.
  [[nodiscard]] std::uint64_t memory_for(std::uint64_t row_bytes) const noexcept {
    return (row_bytes + 1) * share_;
  }
  [[nodiscard]] std::uint64_t row_bytes() const noexcept { return row_bytes_; }
  /// The longest row that `memory_bytes` for reading hold.
  [[nodiscard]] std::uint64_t limit(std::uint64_t memory_bytes) const noexcept {
    return memory_bytes / share_;
  }

 private:
  std::uint64_t row_bytes_;
  std::uint64_t share_;
};

class BatchReader {
 public:
  virtual ~BatchReader() = default;
  /// The next rows, with all of the schema's columns in place (those not asked for are empty). False at the
  /// end.
  /// @throws UsageError  for a bad row if the policy is error, naming file, line, column and value;
  /// @throws LongRow  for one that does not fit, whatever the policy;
  /// @throws IoError  if the file cannot be read, was truncated or changed since it was opened.
  [[nodiscard]] virtual bool next(Batch& into) = 0;
  /// Bad rows met since the last call, in order; only the first 1000 of a split keep their text.
  [[nodiscard]] virtual std::vector<BadRow> take_bad_rows() = 0;
  [[nodiscard]] virtual std::uint64_t bad_rows() const noexcept = 0;
};

class Input {
 public:
  virtual ~Input() = default;
  [[nodiscard]] virtual const Schema& schema() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t bytes() const noexcept = 0;  ///< On disk, all files.
  /// Cut at about `bytes` each, in order of rows. The same for the same files and `bytes`.
  [[nodiscard]] virtual std::vector<Split> splits(std::uint64_t bytes) const = 0;
  /// Rows of a split. `columns` ([schema]) says which are needed. Batches have at most 8192 rows and about a
  /// quarter of `memory_bytes`, which are taken from `budget`. With `io`, which must outlive the reader,
  /// plain files of fixed-size records are read ahead.
  [[nodiscard]] virtual std::unique_ptr<BatchReader> read(const Split& split,
                                                          const std::vector<bool>& columns,
                                                          memory::Budget& budget, std::uint64_t memory_bytes,
                                                          storage::AsyncIo* io) const = 0;
  [[nodiscard]] std::unique_ptr<BatchReader> read(const Split& split, const std::vector<bool>& columns,
                                                  memory::Budget& budget, std::uint64_t memory_bytes) const {
    return read(split, columns, budget, memory_bytes, nullptr);
  }
  /// The name of file Split::file.
  [[nodiscard]] virtual std::string file_path(std::uint32_t file) const = 0;
  /// What reading these columns takes beside the `memory_bytes` of read(): decompressing a file (the most
  /// that any does, by the first frame of each), the many datasets of a wide HDF5 table.
  [[nodiscard]] virtual std::uint64_t beside_bytes(const std::vector<bool>&) const { return 0; }
  /// Files, sizes and times, schema: what a resumed job compares. @throws FormatError  from decode.
  [[nodiscard]] virtual std::string fingerprint() const = 0;
};

/// The files that `paths` name, in order: globs resolved, each file once; "file.h5:/dataset" keeps its
/// dataset.
/// @throws UsageError  for a path or a glob without a file.
[[nodiscard]] std::vector<std::string> find_files(const std::vector<std::string>& paths,
                                                  storage::FileSystem& files);

/// Whether `file` is among what `paths` name, under whatever name, or would be if it existed.
[[nodiscard]] bool is_named(const std::vector<std::string>& paths, const storage::Path& file,
                            storage::FileSystem& files);

/// Finds files and infers the schema from the first 1,000 rows: int64, else float64, else boolean
/// (true/false), else text; files after the first must have the same columns.
/// @throws UsageError  if no file matches, a format is unknown, or headers differ, naming both files.
[[nodiscard]] std::unique_ptr<Input> open_input(const InputSpec& spec, storage::FileSystem& files);

}  // namespace surd::table
