// Writing tables: CSV, JSON Lines, fixed-size binary records, .npy, HDF5; optionally gzip or zstd.
//
// An output is made of pieces, written by different ranks at different times, and put together in order:
// head, pieces, tail. For CSV, JSON Lines and fixed records pieces are bytes that follow one another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
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
  std::string dataset = "table";     ///< hdf5
  std::uint32_t record_bytes = 0;    ///< fixed
  std::vector<FixedColumn> columns;  ///< fixed
};

/// Reads `output:` of a job: a path whose name tells format and compression, or a map. @throws SpecError
[[nodiscard]] OutputSpec parse_output(const base::Spec& spec);

/// Turns batches into the bytes of a piece, which the caller stores. Floats are written in the shortest form
/// that reads back equal; null is an empty CSV field (an empty text is ""), null in JSON, NaN or 0 in binary
/// formats (an error for integers there). Compressed pieces are frames of their own.
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
/// What stands before the first piece: a CSV header, a .npy header (needs the rows).
[[nodiscard]] std::string head(const OutputSpec& spec, const Schema& schema, std::uint64_t rows);

/// Copies of rows that could not be read: "<output>.bad.csv" with file, offset, line, column, reason, text.
[[nodiscard]] storage::Path quarantine_path(const OutputSpec& spec);
[[nodiscard]] std::string quarantine_line(const BadRow& row);

/// Puts pieces (byte strings of the rows, as .rows files made by RowWriter) into one HDF5 file, a dataset per
/// column. Serial; streams; parallel writers are not needed for tables this format is used for.
class Hdf5TableWriter {
 public:
  Hdf5TableWriter(const storage::Path& path, const std::string& dataset, const Schema& schema);
  Hdf5TableWriter(Hdf5TableWriter&&) noexcept;
  ~Hdf5TableWriter();
  void write(const Batch& batch);
  void close();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace surd::table
