#include "surd/base/units.hpp"

#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "surd/base/error.hpp"

namespace surd::base {
namespace {

/// Takes a non-negative decimal number off the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || !(number >= 0) || !std::isfinite(number)) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

/// Takes letters off the front of `text`.
std::string_view take_word(std::string_view& text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() && std::isalpha(static_cast<unsigned char>(text[length])) != 0) ++length;
  const auto word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

std::optional<double> byte_unit(std::string_view word) {
  static constexpr std::string_view prefixes = "KMGTPE";
  if (word.empty() || word == "B") return 1.0;
  const auto power = prefixes.find(static_cast<char>(std::toupper(static_cast<unsigned char>(word.front()))));
  if (power == std::string_view::npos) return std::nullopt;
  const auto rest = word.substr(1);
  if (rest.empty() || rest == "iB") return std::pow(1024.0, static_cast<double>(power + 1));
  if (rest == "B") return std::pow(1000.0, static_cast<double>(power + 1));
  return std::nullopt;
}

std::optional<double> second_unit(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, double>, 11> units{{{"", 1},
                                                                              {"s", 1},
                                                                              {"sec", 1},
                                                                              {"ms", 1e-3},
                                                                              {"us", 1e-6},
                                                                              {"m", 60},
                                                                              {"min", 60},
                                                                              {"h", 3600},
                                                                              {"d", 86400},
                                                                              {"day", 86400},
                                                                              {"days", 86400}}};
  for (const auto& [name, seconds] : units) {
    if (name == word) return seconds;
  }
  return std::nullopt;
}

/// Slurm's [D-]HH:MM:SS, HH:MM:SS or MM:SS; nullopt if `text` has another form.
std::optional<double> clock_seconds(std::string_view text) {
  double days = 0;
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    auto head = text.substr(0, dash);
    const auto number = take_number(head);
    if (!number || !head.empty()) return std::nullopt;
    days = *number;
    text.remove_prefix(dash + 1);
  }
  double total = 0;
  int fields = 0;
  while (true) {
    const auto number = take_number(text);
    if (!number) return std::nullopt;
    total = total * 60 + *number;
    ++fields;
    if (text.empty()) break;
    if (text.front() != ':' || fields == 3) return std::nullopt;
    text.remove_prefix(1);
  }
  if (fields < 2) return std::nullopt;
  return days * 86400 + total;
}

}  // namespace

std::uint64_t parse_bytes(std::string_view text) {
  auto rest = text;
  const auto number = take_number(rest);
  const auto unit = number ? byte_unit(take_word(rest)) : std::nullopt;
  if (!unit || !rest.empty()) {
    throw UsageError(fmt::format("'{}' is not a size; write for example 512MiB or 4GB", text));
  }
  const double bytes = *number * *unit;
  if (bytes >= 9.2e18) throw UsageError(fmt::format("the size '{}' is beyond 2^63 bytes", text));
  return static_cast<std::uint64_t>(bytes);
}

std::string format_bytes(std::uint64_t bytes) {
  static constexpr std::array<const char*, 6> names{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < KiB) return fmt::format("{} B", bytes);
  auto value = static_cast<double>(bytes);
  std::size_t power = 0;
  while (value >= 1024 && power + 1 < names.size()) {
    value /= 1024;
    ++power;
  }
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : value < 100 ? 1 : 0, names.at(power));
}

double parse_seconds(std::string_view text) {
  if (const auto clock = clock_seconds(text)) return *clock;
  auto rest = text;
  double total = 0;
  bool any = false;
  while (!rest.empty()) {
    const auto number = take_number(rest);
    const auto unit = number ? second_unit(take_word(rest)) : std::nullopt;
    if (!unit) {
      any = false;
      break;
    }
    total += *number * *unit;
    any = true;
  }
  if (!any)
    throw UsageError(fmt::format("'{}' is not a duration; write for example 90s, 2h30m or 04:00:00", text));
  return total;
}

std::string format_seconds(double seconds) {
  // The limits are where the next unit begins after rounding, so that 59.99 s is not "60.0 s".
  if (seconds < 0.9995e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 0.9995) return fmt::format("{:.3g} ms", seconds * 1e3);
  if (seconds < 59.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  if (whole < 86400) return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
  return fmt::format("{} d {} h", whole / 86400, whole / 3600 % 24);
}

std::string format_count(std::uint64_t count) {
  auto digits = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

}  // namespace surd::base
