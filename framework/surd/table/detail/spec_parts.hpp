// What specifications of inputs and outputs have in common. Private to table/.
#pragma once

#include <cstdint>
#include <vector>

#include "surd/base/spec.hpp"
#include "surd/table/input.hpp"

namespace surd::table::detail {

/// delimiter: one ASCII character, or "tab". @throws SpecError
[[nodiscard]] char parse_delimiter(const base::Spec& spec);

/// fixed: {record_bytes: 24, columns: [{name: k, type: u64, offset: 0}, ...]}, or columns: {k: u64, v: f64},
/// which lie one after the other; record_bytes is then known. @throws SpecError
struct RecordSpec {
  std::uint32_t record_bytes = 0;
  std::vector<FixedColumn> columns;
};
[[nodiscard]] RecordSpec parse_records(const base::Spec& spec);

}  // namespace surd::table::detail
