#include "surd/sweep/outcome.hpp"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "surd/base/units.hpp"

namespace surd::sweep {
namespace {

/// True if the product of `shape` is `count`, however large the factors.
bool fills(const std::vector<std::uint64_t>& shape, std::uint64_t count) {
  if (std::ranges::count(shape, std::uint64_t{0}) > 0) return count == 0;
  std::uint64_t product = 1;
  for (const auto extent : shape) {
    if (extent > values_limit_bytes / product) return false;
    product *= extent;
  }
  return product == count;
}

std::uint64_t stored_bytes(const FieldValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text->size();
  if (const auto* array = std::get_if<Array>(&value)) return array->values.size() * sizeof(double);
  return sizeof(double);
}

}  // namespace

const char* to_text(Status status) noexcept {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::failed:
      return "failed";
    case Status::timed_out:
      return "timed out";
    case Status::killed:
      return "killed";
    case Status::bad_output:
      return "bad output";
  }
  return "unknown";
}

std::string why_unstorable(const Values& values) {
  std::vector<std::string_view> names;
  std::uint64_t bytes = 0;
  for (const auto& field : values) {
    names.push_back(field.name);
    bytes += field.name.size() + stored_bytes(field.value);
    const auto* array = std::get_if<Array>(&field.value);
    if (array && !fills(array->shape, array->values.size())) {
      return fmt::format("result \"{}\": an array of shape [{}] cannot hold {} values", field.name,
                         fmt::join(array->shape, ", "), array->values.size());
    }
  }
  std::ranges::sort(names);
  if (const auto twice = std::ranges::adjacent_find(names); twice != names.end()) {
    return fmt::format("two results have the name \"{}\"", *twice);
  }
  if (bytes > values_limit_bytes) {
    return fmt::format("the results take {}, the limit is {} per point", base::format_bytes(bytes),
                       base::format_bytes(values_limit_bytes));
  }
  return {};
}

}  // namespace surd::sweep
