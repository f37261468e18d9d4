// Files, rows as texts, and a CSV parser that is simple enough to be believed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "surd/base/random.hpp"
#include "surd/table/detail/csv_reader.hpp"
#include "surd/table/input.hpp"

namespace surd::test {

/// Fields as text; null as "<null>". Numbers so that they read back equal.
using Row = std::vector<std::string>;

/// A new file in the tests' directory that goes away at the end.
class TempFile {
 public:
  TempFile(std::string_view name, std::string_view content);
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  ~TempFile();

  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  void write(std::string_view content) const;

 private:
  std::string path_;
};

struct Reading {
  std::vector<Row> rows;
  std::vector<table::BadRow> bad;
};

/// Reads all splits of about `split_bytes`, one after the other.
[[nodiscard]] Reading read_all(const table::Input& input, std::uint64_t split_bytes = 1U << 30,
                               std::uint64_t memory_bytes = 1U << 20, std::vector<bool> columns = {});
[[nodiscard]] Row row_of(const table::Batch& batch, std::size_t row, const std::vector<bool>& columns);

/// The rows of `text` behind the header, byte by byte; those with a wrong number of columns, text behind a
/// quote or no closing quote left out.
[[nodiscard]] std::vector<Row> rows_by_oracle(std::string_view text, std::size_t columns,
                                              char delimiter = ',', bool header = true);

/// All columns as texts, bad rows skipped.
[[nodiscard]] table::InputSpec texts_only(const std::string& path, const std::vector<std::string>& names);

/// A well-formed file of columns a, b, c: quoted fields hold delimiters, quotes, line ends and what looks
/// like rows; line ends are mixed. Unquoted fields hold quotes if `stray_quotes`.
[[nodiscard]] std::string hostile_csv(base::RandomStream& random, std::size_t rows, bool stray_quotes);

}  // namespace surd::test
