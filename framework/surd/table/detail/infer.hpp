// Types of columns from a sample of texts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "surd/table/column.hpp"

namespace surd::table::detail {

inline constexpr std::size_t sample_rows = 1000;

/// Narrowest type that holds all values seen: int64, else float64; boolean; text if they mix. Columns without
/// a value are texts.
class TypeGuess {
 public:
  void see(std::string_view value);  ///< No null. Empty texts say nothing.
  void see_integer() noexcept { integers_ = true; }
  void see_number() noexcept { numbers_ = true; }
  void see_boolean() noexcept { booleans_ = true; }
  void see_text() noexcept { texts_ = true; }
  [[nodiscard]] Type type() const noexcept;

 private:
  bool integers_ = false;
  bool numbers_ = false;
  bool booleans_ = false;
  bool texts_ = false;
};

/// Sets the types that `types` names. @throws UsageError  for a column that is not there.
void apply_types(const Schema& types, Schema& schema);

}  // namespace surd::table::detail
