// Log lines to stderr: "surd: text", "surd: warning: text". Rank 0 alone prints unless asked otherwise.
#pragma once

#include <string_view>

namespace surd::base {

/// Only this process logs from now on if `speaks`; info lines are dropped if `quiet`. Call once, after the
/// ranks are known; before it, every process speaks.
void configure_log(bool speaks, bool quiet) noexcept;

void log_info(std::string_view text);
void log_warning(std::string_view text);
/// Printed by every rank, quiet or not.
void log_error(std::string_view text);

}  // namespace surd::base
