// What charts are drawn with: escaped text, numbers for people, ticks, scales and colours.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace surd::batch::detail {

/// Text for the content or an attribute of HTML and XML. Bytes that are no UTF-8, and control characters,
/// which XML cannot hold, become U+FFFD.
[[nodiscard]] std::string escape(std::string_view text);

/// At most `limit` characters, the last one an ellipsis if some are missing. Not escaped.
[[nodiscard]] std::string shorten(const std::string& text, std::size_t limit);

/// "−1.953", "1.5·10⁻⁷": four significant digits.
[[nodiscard]] std::string pretty(double number);
/// A place in a drawing: one decimal.
[[nodiscard]] std::string coordinate(double number);
/// Width of `text` set in `size` pixels of a sans-serif font, roughly.
[[nodiscard]] double text_width(std::string_view text, double size);

struct Ticks {
  std::vector<double> at;
  std::vector<std::string> labels;
};

/// Multiples of 1, 2 or 5 times a power of ten within [low, high], about `count` of them.
/// No finer than `least_step`.
[[nodiscard]] Ticks linear_ticks(double low, double high, int count, double least_step = 0);
/// Powers of ten within [low, high]; below two decades also their multiples by 2 and 5. low > 0.
[[nodiscard]] Ticks log_ticks(double low, double high);

/// Maps [low, high] to [from, to] of a drawing.
class Scale {
 public:
  Scale(double low, double high, double from, double to, bool logarithmic = false);
  [[nodiscard]] double operator()(double value) const;

 private:
  double low_;
  double high_;
  double from_;
  double to_;
  bool logarithmic_;
};

/// One colour on white paper and on a dark screen, each "#rrggbb".
struct Colour {
  std::string light;
  std::string dark;
};

/// Colour of series `index` of `count`; ordered series run along a perceptually uniform scale.
[[nodiscard]] Colour series_colour(std::size_t index, std::size_t count, bool ordered);

/// The viridis scale at `share`, 0 to 1.
[[nodiscard]] std::string viridis(double share);

}  // namespace surd::batch::detail
