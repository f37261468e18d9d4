// Progress on stderr: one line that is rewritten on a terminal, else a message every 30 s.
#pragma once

#include <cstddef>
#include <string>

namespace surd::batch {

class LiveLine {
 public:
  LiveLine();

  [[nodiscard]] bool terminal() const noexcept { return terminal_; }
  /// It is time to show something again. `seconds`: since the start.
  [[nodiscard]] bool due(double seconds) const noexcept;
  void show(double seconds, std::string text);
  /// Leaves the terminal's line empty.
  void erase();

 private:
  bool terminal_;
  double shown_at_ = 0;
  std::size_t shown_width_ = 0;
};

}  // namespace surd::batch
