#include "surd/batch/detail/job_keys.hpp"

#include <string_view>

#include <fmt/format.h>

#include "surd/base/units.hpp"

namespace surd::batch::detail {

using base::Spec;

std::string read_name(const Spec& root) {
  const auto spec = root.at("name");
  auto name = spec.text();
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  if (name.empty()) spec.fail("must not be empty");
  if (name.size() > 100) spec.fail(fmt::format("must have at most 100 characters, has {}", name.size()));
  if (name[0] == '.' || name[0] == '-' || name.find_first_not_of(allowed) != std::string::npos) {
    spec.fail(fmt::format(
        "'{}' must serve as a directory: letters, digits, '_', '-', '.', not first '.' or '-'", name));
  }
  return name;
}

std::uint64_t read_memory(const Spec& root, std::uint64_t least_bytes) {
  const auto spec = root.find("memory");
  if (!spec || (spec->is_text() && spec->text() == "sqrt")) return 0;
  const auto bytes = spec->bytes();
  if (bytes < least_bytes) {
    spec->fail(fmt::format("a rank needs at least {}, not {}", base::format_bytes(least_bytes),
                           base::format_bytes(bytes)));
  }
  return bytes;
}

double read_seconds(const Spec& root, std::string_view key, double otherwise, double least) {
  const auto spec = root.find(key);
  if (!spec) return otherwise;
  const auto seconds = spec->seconds();
  if (seconds < least) spec->fail(fmt::format("must be at least {}", base::format_seconds(least)));
  return seconds;
}

}  // namespace surd::batch::detail
