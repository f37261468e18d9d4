// Headers of .npy files, versions 1 to 3 (NumPy enhancement proposal 1).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "surd/table/detail/records.hpp"

namespace surd::table::detail {

struct NpyHeader {
  std::vector<RecordField> fields;
  std::uint64_t record_bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t data_offset = 0;
};

/// Bytes of magic, version and length, from which npy_header_bytes() tells the size of all of the header.
inline constexpr std::size_t npy_prefix_bytes = 12;
/// @throws FormatError  if it is no .npy file, of an unknown version, or the header is beyond 1 MiB.
[[nodiscard]] std::uint64_t npy_header_bytes(std::string_view prefix);

/// Columns are called c0, c1 ..., or as the fields of a structured array. @throws FormatError  if the header
/// is damaged; UsageError  for arrays that are no tables: other dimensions, Fortran order, subarrays.
[[nodiscard]] NpyHeader parse_npy_header(std::string_view header);

/// Version 1, padded to a multiple of 64. One field: 1-D; several of one type: 2-D; else structured. The
/// fields must be packed in order.
[[nodiscard]] std::string npy_header(const std::vector<RecordField>& fields, std::uint64_t rows);

}  // namespace surd::table::detail
