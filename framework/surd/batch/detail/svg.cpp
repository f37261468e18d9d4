#include "surd/batch/detail/svg.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <fmt/format.h>

namespace surd::batch::detail {
namespace {

/// Length of the well-formed UTF-8 character that `text` starts with; 0 if there is none.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  if (length == 0 || length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return 0;
  }
  if (length < 3) return length;
  const unsigned second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool outside =
      (first == 0xED && second > 0x9F) || (first == 0xF4 && second > 0x8F);      // surrogates, > U+10FFFF
  const bool noncharacter = first == 0xEF && second == 0xBF && byte(2) >= 0xBE;  // U+FFFE, U+FFFF
  return overlong || outside || noncharacter ? 0 : length;
}

void escape_ascii(char c, std::string& into) {
  switch (c) {
    case '&':
      into += "&amp;";
      break;
    case '<':
      into += "&lt;";
      break;
    case '>':
      into += "&gt;";
      break;
    case '"':
      into += "&quot;";
      break;
    case '\'':
      into += "&#39;";
      break;
    case '\r':
      break;
    default:
      into += c == '\n' || c == '\t' || (c >= ' ' && c != 0x7F) ? std::string(1, c) : "\uFFFD";
  }
}

std::string superscript(int exponent) {
  static constexpr std::array<const char*, 10> digits = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = exponent < 0 ? "⁻" : "";
  for (const char digit : std::to_string(std::abs(exponent)))
    text += digits[static_cast<std::size_t>(digit - '0')];
  return text;
}

/// A typographic minus sign.
std::string with_minus(std::string text) {
  return !text.empty() && text[0] == '-' ? "\u2212" + text.substr(1) : text;
}

/// `number` as mantissa times a power of ten. `decimals` of the mantissa; negative: as many as needed, at
/// most 3.
std::string scientific(double number, int decimals = -1) {
  int exponent = static_cast<int>(std::floor(std::log10(std::abs(number))));
  double mantissa = number / std::pow(10.0, exponent);
  if (std::abs(mantissa) >= 9.9995) {
    mantissa /= 10;
    ++exponent;
  }
  const auto text =
      decimals < 0 ? fmt::format("{:.4g}", mantissa) : fmt::format("{:.{}f}", mantissa, decimals);
  const bool bare = text == "1" && decimals <= 0;
  return (bare ? "" : with_minus(text) + "\u00b7") + "10" + superscript(exponent);
}

/// Every eighth of the scale (van der Walt and Smith, https://bids.github.io/colormap/).
constexpr std::array<std::uint32_t, 9> viridis_anchors = {0x440154, 0x472d7b, 0x3b528b, 0x2c728e, 0x21908c,
                                                          0x27ad81, 0x5dc863, 0xaadc32, 0xfde725};

constexpr std::array<std::array<const char*, 2>, 8> qualitative = {{{"#0072b2", "#63b3ed"},
                                                                    {"#d55e00", "#f6995c"},
                                                                    {"#008a66", "#3fcf9f"},
                                                                    {"#b0569a", "#e8a3d2"},
                                                                    {"#8a6d00", "#e3c44a"},
                                                                    {"#3d3d9e", "#a9a9f5"},
                                                                    {"#555555", "#c9c9c9"},
                                                                    {"#a8324a", "#f28ba0"}}};

}  // namespace

std::string escape(std::string_view text) {
  std::string safe;
  safe.reserve(text.size());
  while (!text.empty()) {
    const auto length = character_length(text);
    if (length == 1) {
      escape_ascii(text[0], safe);
    } else if (length == 0) {
      safe += "\uFFFD";
    } else {
      safe += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return safe;
}

std::string shorten(const std::string& text, std::size_t limit) {
  std::size_t characters = 0;
  std::size_t cut = 0;  // where the last character that may stay ends, if an ellipsis follows
  for (std::size_t at = 0; at < text.size(); ++characters) {
    if (characters + 1 == limit) cut = at;
    at += std::max<std::size_t>(1, character_length(std::string_view(text).substr(at)));
  }
  return characters <= limit ? text : text.substr(0, cut) + "…";
}

std::string pretty(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number > 0 ? "\u221e" : "\u2212\u221e";
  if (number == 0) return "0";
  const double size = std::abs(number);
  if (size >= 1e6 || size < 1e-4) return scientific(number);
  if (size >= 1e4) return with_minus(fmt::format("{:.0f}", number));
  return with_minus(fmt::format("{:.4g}", number));
}

std::string coordinate(double number) {
  auto text = fmt::format("{:.1f}", number);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

double text_width(std::string_view text, double size) {
  double width = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80) continue;  // the rest of a character
    width += std::string_view(".,:;|!iljt1'()[] ").find(c) != std::string_view::npos ? 0.36
             : c >= 'A' && c <= 'Z'                                                  ? 0.68
                                                                                     : 0.57;
  }
  return width * size;
}

Ticks linear_ticks(double low, double high, int count, double least_step) {
  Ticks ticks;
  const double rough = (high - low) / std::max(1, count);
  if (!(rough > 0) || !std::isfinite(rough)) return {{low}, {pretty(low)}};
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  const double share = rough / power;
  const double step = std::max(least_step, power * (share < 1.5   ? 1
                                                    : share < 3.5 ? 2
                                                    : share < 7.5 ? 5
                                                                  : 10));
  const double largest = std::max(std::abs(low), std::abs(high));
  const int decimals = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + step * 1e-9 && ticks.at.size() < 50; ++k) {
    const double value = k == 0 ? 0 : k * step;
    ticks.at.push_back(value);
    if (value != 0 && (largest >= 1e6 || largest < 1e-3)) {
      const int lost = static_cast<int>(std::floor(std::log10(std::abs(value)) + 1e-9) -
                                        std::floor(std::log10(step) + 1e-9));
      ticks.labels.push_back(scientific(value, std::max(0, lost)));
    } else {
      ticks.labels.push_back(with_minus(fmt::format("{:.{}f}", value, decimals)));
    }
  }
  return ticks;
}

Ticks log_ticks(double low, double high) {
  Ticks ticks;
  const double decades = std::log10(high / low);
  const int stride = std::max(1, static_cast<int>(std::ceil(decades / 7)));
  for (int exponent = static_cast<int>(std::floor(std::log10(low))); exponent <= std::log10(high) + 1e-9;
       ++exponent) {
    for (const int multiple : {1, 2, 5}) {
      const double value = multiple * std::pow(10.0, exponent);
      if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
      if (multiple != 1 && decades > 2) continue;
      if (exponent % stride != 0) continue;
      ticks.at.push_back(value);
      const bool long_label = value >= 9999 || value < 1e-3 || (decades > 6 && (value > 101 || value < 0.01));
      ticks.labels.push_back(long_label ? scientific(value, 0) : fmt::format("{:g}", value));
    }
  }
  return ticks;
}

Scale::Scale(double low, double high, double from, double to, bool logarithmic)
    : low_(logarithmic ? std::log(low) : low),
      high_(logarithmic ? std::log(high) : high),
      from_(from),
      to_(to),
      logarithmic_(logarithmic) {}

double Scale::operator()(double value) const {
  const double place = logarithmic_ ? std::log(value) : value;
  const double share = high_ > low_ ? (place - low_) / (high_ - low_) : 0.5;
  return from_ + (to_ - from_) * share;
}

std::string viridis(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * (viridis_anchors.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), viridis_anchors.size() - 2);
  const double rest = place - static_cast<double>(below);
  std::uint32_t colour = 0;
  for (const int shift : {16, 8, 0}) {
    const double a = (viridis_anchors[below] >> shift) & 0xFF;
    const double b = (viridis_anchors[below + 1] >> shift) & 0xFF;
    colour |= static_cast<std::uint32_t>(std::lround(a + (b - a) * rest)) << shift;
  }
  return fmt::format("#{:06x}", colour);
}

Colour series_colour(std::size_t index, std::size_t count, bool ordered) {
  if (count == 1 || !ordered) {
    const auto& pair = qualitative[index % qualitative.size()];
    return {pair[0], pair[1]};
  }
  const double share = static_cast<double>(index) / static_cast<double>(count - 1);
  // The dark end of the scale vanishes on a dark screen, the light end on paper.
  return {viridis(0.02 + 0.62 * share), viridis(0.42 + 0.58 * share)};
}

}  // namespace surd::batch::detail
