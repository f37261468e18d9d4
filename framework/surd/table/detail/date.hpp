// Dates and times as ISO 8601 writes them.
#pragma once

#include <optional>
#include <string_view>

namespace surd::table::detail {

struct DateTime {
  int year = 0;
  int month = 0;
  int day = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
};

/// "2026-01-31", "2026-01-31T12:00", "2026-01-31 12:00:00.25Z", "...+01:00" (fields as written, in local
/// time). nullopt for anything else, such as the 30th of February.
[[nodiscard]] std::optional<DateTime> parse_date(std::string_view text) noexcept;

}  // namespace surd::table::detail
