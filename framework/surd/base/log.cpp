#include "surd/base/log.hpp"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace surd::base {
namespace {

bool speaks_here = true;

spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = spdlog::stderr_logger_mt("surd");
    made->set_pattern("surd: %v");
    return made;
  }();
  return *instance;
}

}  // namespace

void configure_log(bool speaks, bool quiet) noexcept {
  speaks_here = speaks;
  logger().set_level(quiet ? spdlog::level::warn : spdlog::level::info);
}

void log_info(std::string_view text) {
  if (speaks_here) logger().info("{}", text);
}

void log_warning(std::string_view text) {
  if (speaks_here) logger().warn("warning: {}", text);
}

void log_error(std::string_view text) { logger().error("error: {}", text); }

}  // namespace surd::base
