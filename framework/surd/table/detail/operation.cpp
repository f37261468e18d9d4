#include "surd/table/detail/operation.hpp"

#include <cstring>
#include <limits>

#include <fmt/format.h>

namespace surd::table::detail {

void TextScratch::end_row(const Node& node) {
  if (bytes_.size() > std::numeric_limits<std::uint32_t>::max()) {
    expression::fail(node, "texts of more than 4 GiB in a batch");
  }
  ends_[rows_++] = static_cast<std::uint32_t>(bytes_.size());
}

const std::uint8_t* either_null(const std::uint8_t* a, const std::uint8_t* b, Scratch<std::uint8_t>& into,
                                std::size_t rows) noexcept {
  if (a == nullptr || b == nullptr) return a == nullptr ? b : a;
  for (std::size_t i = 0; i < rows; ++i) into[i] = a[i] | b[i];
  return into.data();
}

void clear_nulls(std::uint8_t* truths, const std::uint8_t* nulls, std::size_t rows) noexcept {
  if (nulls == nullptr) return;
  for (std::size_t i = 0; i < rows; ++i) truths[i] = truths[i] & (nulls[i] ^ 1U);
}

bool any(const std::uint8_t* mask, std::size_t rows) noexcept {
  return std::memchr(mask, 1, rows) != nullptr;
}

std::string_view type_name(std::optional<Type> type) noexcept {
  if (!type) return "null";
  switch (*type) {
    case Type::int64:
      return "an integer";
    case Type::float64:
      return "a float";
    case Type::text:
      return "a text";
    case Type::boolean:
      return "true or false";
  }
  return "nothing";
}

void fail_types(const Node& node, std::optional<Type> a) {
  expression::fail(node, fmt::format("'{}' does not fit {}", node.name, type_name(a)));
}

void fail_types(const Node& node, std::optional<Type> a, std::optional<Type> b) {
  expression::fail(node, fmt::format("'{}' does not fit {} and {}", node.name, type_name(a), type_name(b)));
}

}  // namespace surd::table::detail
