#include "surd/table/detail/date.hpp"

#include <array>

namespace surd::table::detail {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

/// Takes `count` digits; false if there are none.
bool take_digits(std::string_view& text, std::size_t count, int& number) noexcept {
  if (text.size() < count) return false;
  number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!is_digit(text[i])) return false;
    number = number * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take(std::string_view& text, char wanted) noexcept {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

int days_of(int year, int month) noexcept {
  constexpr std::array days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[static_cast<std::size_t>(month - 1)] + (leap && month == 2 ? 1 : 0);
}

/// ":05.25" at most, or nothing.
bool take_seconds(std::string_view& text, int& second) noexcept {
  if (!take(text, ':')) return true;
  if (!take_digits(text, 2, second) || second > 60) return false;  // 60: a leap second.
  if (!take(text, '.')) return true;
  if (text.empty() || !is_digit(text.front())) return false;
  while (!text.empty() && is_digit(text.front())) text.remove_prefix(1);
  return true;
}

/// "Z", "+01", "+0100", "+01:00" or nothing.
bool take_zone(std::string_view& text) noexcept {
  if (text.empty() || take(text, 'Z')) return true;
  if (!take(text, '+') && !take(text, '-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!take_digits(text, 2, hours) || hours > 23) return false;
  if (text.empty()) return true;
  take(text, ':');
  return take_digits(text, 2, minutes) && minutes < 60;
}

}  // namespace

std::optional<DateTime> parse_date(std::string_view text) noexcept {
  DateTime date;
  const bool has_day = take_digits(text, 4, date.year) && take(text, '-') &&
                       take_digits(text, 2, date.month) && take(text, '-') && take_digits(text, 2, date.day);
  if (!has_day || date.month < 1 || date.month > 12) return std::nullopt;
  if (date.day < 1 || date.day > days_of(date.year, date.month)) return std::nullopt;
  if (text.empty()) return date;
  if (!take(text, 'T') && !take(text, ' ')) return std::nullopt;
  const bool has_time = take_digits(text, 2, date.hour) && take(text, ':') &&
                        take_digits(text, 2, date.minute) && date.hour < 24 && date.minute < 60 &&
                        take_seconds(text, date.second) && take_zone(text);
  if (!has_time || !text.empty()) return std::nullopt;
  return date;
}

}  // namespace surd::table::detail
