// Batches of hostile values, and files written from them.
#pragma once

#include <string>
#include <vector>

#include "csv_support.hpp"
#include "surd/table/output.hpp"

namespace surd::test {

struct Hostility {
  bool nulls = true;
  bool zero_bytes = true;  ///< Within texts.
  bool not_finite = true;  ///< NaN and infinities.
  std::size_t longest_text = 40;
};

/// integer, number, text, flag, word.
[[nodiscard]] table::Schema every_type();
/// Small and extreme numbers, many equal ones; texts that begin alike, with quotes, line ends, "NA", UTF-8.
[[nodiscard]] table::Batch hostile_batch(base::RandomStream& random, const table::Schema& schema,
                                         std::size_t rows, const Hostility& hostility);
/// All rows of a batch as read_all() gives them.
[[nodiscard]] std::vector<Row> rows_of(const table::Batch& batch);

/// Names the first row that differs instead of printing all of them.
void expect_same_rows(const std::vector<Row>& found, const std::vector<Row>& expected);

[[nodiscard]] table::OutputSpec output_to(const std::string& path, table::Format format,
                                          table::Compression compression = table::Compression::none);

/// What a file would hold: head and one piece for each of `pieces`.
[[nodiscard]] std::string written(const table::OutputSpec& spec, const table::Schema& schema,
                                  const std::vector<table::Batch>& pieces);

/// The message of the Error that `act` throws.
template <class Error, class Act>
std::string message_of(Act act) {
  try {
    act();
  } catch (const Error& error) {
    return error.what();
  }
  return "no such error";
}

/// CPU time of this thread.
[[nodiscard]] double cpu_seconds();

}  // namespace surd::test
