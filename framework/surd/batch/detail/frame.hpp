// The parts all charts share: the element, its title, its axes.
#pragma once

#include <string>

#include "surd/batch/detail/svg.hpp"

namespace surd::batch::detail {

/// The rectangle that data are drawn in.
struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;
};

/// <svg>, <title>, <desc> and the title as visible text.
[[nodiscard]] std::string open_svg(double width, double height, const std::string& title,
                                   const std::string& description);

/// A horizontal grid line and a label for each tick on the left.
[[nodiscard]] std::string left_axis(const Box& box, const Ticks& ticks, const Scale& scale);
/// The base line, tick marks, labels that do not overlap, and the axis's name.
[[nodiscard]] std::string bottom_axis(const Box& box, const Ticks& ticks, const Scale& scale,
                                      const std::string& name);

/// <text> at a place; `anchor` is start, middle or end. `text` is escaped here.
[[nodiscard]] std::string label(double x, double y, const char* anchor, const std::string& text,
                                const char* style_class = "");

/// Width of the widest label, in 12 pixels.
[[nodiscard]] double widest_label(const std::vector<std::string>& labels);

}  // namespace surd::batch::detail
