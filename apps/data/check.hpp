// Validators that know nothing of how surd works: plain loops and std::map.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "surd/storage/file_system.hpp"

namespace data {

/// Whether `sorted` holds the records of `inputs` in the order of the key of `key_bytes` at `key_offset`, as
/// unsigned bytes or, if `number`, as little-endian u64. Says what is wrong, with the record's number; empty
/// if nothing is.
[[nodiscard]] std::string check_sorted(const std::vector<std::string>& inputs, const std::string& sorted,
                                       std::uint32_t record_bytes, std::uint32_t key_offset,
                                       std::uint32_t key_bytes, bool number);

/// Expected results of jobs/sales and jobs/log, computed row by row from the generator's files.
void expect_sales(const std::vector<std::string>& inputs, const std::string& output);
void expect_log(const std::vector<std::string>& inputs, const std::string& output);

/// Whether two CSV files are equal, numbers up to 1e-9 of their size. Says where they differ; empty if
/// nowhere.
[[nodiscard]] std::string check_equal(const std::string& found, const std::string& expected);

}  // namespace data
