#include "surd/batch/live_line.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "surd/base/log.hpp"

namespace surd::batch {
namespace {

constexpr double terminal_interval_seconds = 0.2;
constexpr double log_interval_seconds = 30;

std::size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

LiveLine::LiveLine() : terminal_(isatty(STDERR_FILENO) == 1) {}

bool LiveLine::due(double seconds) const noexcept {
  return seconds - shown_at_ >= (terminal_ ? terminal_interval_seconds : log_interval_seconds);
}

void LiveLine::show(double seconds, std::string text) {
  shown_at_ = seconds;
  if (!terminal_) {
    base::log_info(text);
    return;
  }
  text = text.substr(0, terminal_width() - 1);
  const auto width = text.size();
  text.resize(std::max(width, shown_width_), ' ');  // over what the last line leaves behind
  shown_width_ = width;
  std::fprintf(stderr, "\r%s", text.c_str());
  std::fflush(stderr);
}

void LiveLine::erase() {
  if (shown_width_ > 0) std::fprintf(stderr, "\r%*s\r", static_cast<int>(shown_width_), "");
  shown_width_ = 0;
}

}  // namespace surd::batch
