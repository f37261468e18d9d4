// Writing tables: CSV, JSON Lines, fixed-size binary records, .npy, HDF5; optionally gzip or zstd.
//
// An output is made of pieces, written by different ranks at different times, and put together in order:
// head, pieces, tail. For CSV, JSON Lines and fixed records pieces are bytes that follow one another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/spec.hpp"
#include "surd/storage/file_system.hpp"
#include "surd/table/column.hpp"
#include "surd/table/input.hpp"

namespace surd::table {

enum class Compression : std::uint8_t { none, gzip, zstd };

struct OutputSpec {
  storage::Path path;
  Format format = Format::csv;
  Compression compression = Compression::none;
  char delimiter = ',';              ///< csv; '\t' for .tsv
  std::string dataset = "table";     ///< hdf5
  std::uint32_t record_bytes = 0;    ///< fixed
  std::vector<FixedColumn> columns;  ///< fixed
};

/// What the name of an output tells: "a.csv.gz" csv and gzip, "a.dat" no format.
struct NamedFormat {
  std::optional<Format> format;
  Compression compression = Compression::none;
};
[[nodiscard]] NamedFormat named_format(std::string_view path) noexcept;

/// Reads `output:` of a job: a path whose name tells format and compression, or a map. @throws SpecError
[[nodiscard]] OutputSpec parse_output(const base::Spec& spec);

/// Turns batches into the bytes of a piece, which the caller stores. Floats are written in the shortest form
/// that reads back equal. Null is an empty CSV field (NA in a table of one column, whose line would be blank
/// else; an empty text is ""), null in JSON (so are NaN and the infinities, which JSON lacks), NaN or an
/// empty text in binary formats and an error for their integers and booleans. Compressed pieces are gzip
/// members or zstd frames of their own. Pieces of HDF5 tables are packed rows, see unpack_rows().
class PieceWriter {
 public:
  virtual ~PieceWriter() = default;
  /// Appends the rows' bytes to `into`.
  virtual void write(const Batch& batch, std::vector<char>& into) = 0;
  /// Ends the piece (compressed frames).
  virtual void finish(std::vector<char>& into) = 0;
};

/// @throws UsageError  if a column does not fit the format.
[[nodiscard]] std::unique_ptr<PieceWriter> write_piece(const OutputSpec& spec, const Schema& schema);
/// What stands before the first piece: a CSV header, a .npy header.
[[nodiscard]] std::string head(const OutputSpec& spec, const Schema& schema, std::uint64_t rows);
/// Whether head() depends on the number of rows.
[[nodiscard]] bool head_counts_rows(const OutputSpec& spec) noexcept;

/// Rows of a piece of an HDF5 table, at most `most`, into `into`, which is overwritten. Returns how many of
/// `bytes` they took; a row that is not complete yet stays. @throws FormatError  if they are damaged.
[[nodiscard]] std::size_t unpack_rows(const Schema& schema, std::span<const char> bytes, std::size_t most,
                                      Batch& into);

/// Copies of rows that could not be read: "<output>.bad.csv" with file, offset, line, column, reason, text.
[[nodiscard]] storage::Path quarantine_path(const OutputSpec& spec);
[[nodiscard]] std::string quarantine_line(const BadRow& row);

/// What writing takes beside batches, whatever their rows: the many datasets of a wide HDF5 table.
[[nodiscard]] std::uint64_t beside_bytes(const OutputSpec& spec, const Schema& schema);

/// Writes batches as a group `dataset` ("a/b" in groups, "/" the root) of an HDF5 file, a dataset per column;
/// the types stand in hdf5_output.cpp. Serial: tables this format is used for need no parallel writers. Takes
/// about 3.5 MiB, and what the longest row takes twice more. Equal rows make equal bytes, whatever their
/// batches.
class Hdf5TableWriter {
 public:
  /// @throws UsageError  for names of columns that HDF5 does not have.
  Hdf5TableWriter(const storage::Path& path, const std::string& dataset, const Schema& schema);
  Hdf5TableWriter(Hdf5TableWriter&&) noexcept;
  ~Hdf5TableWriter();
  /// @throws UsageError  naming row and column, for a text with a zero byte.
  void write(const Batch& batch);
  /// Not durable yet, see storage::sync_file(). @throws IoError  also for what failed in write().
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::table
