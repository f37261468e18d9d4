// Made-up data of any size for jobs, tests and measurements: the same for the same arguments, anywhere.
#pragma once

#include <cstdint>

#include "numbers.hpp"
#include "surd/storage/file_system.hpp"

namespace data {

struct Amount {
  std::uint64_t rows = 0;   ///< If not 0.
  std::uint64_t bytes = 0;  ///< Else about as many.
  std::uint64_t seed = 0;
};

/// CSV of orders: order,time,store,product,status,price,quantity,note. Some notes hold commas, quotes and
/// line ends; some prices are missing. About 75 bytes a row.
void sales(const surd::storage::Path& path, const Amount& amount);

/// JSON Lines of requests to a server: time, host, method, path, status, bytes, ms. About 150 bytes a row.
void log(const surd::storage::Path& path, const Amount& amount);

/// Records of 100 printable bytes: a key of 10, then the row's number and filling, as in the sort benchmarks
/// (https://sortbenchmark.org); each ends in a line end.
void records(const surd::storage::Path& path, const Amount& amount, Distribution keys);

/// u64 after u64.
void numbers(const surd::storage::Path& path, const Amount& amount, Distribution keys);

/// Records of 16 bytes: a u64 key of `keys` different ones and a u64 value below 1000. `exponent` 0: even.
void pairs(const surd::storage::Path& path, const Amount& amount, std::uint64_t keys, double exponent);

}  // namespace data
