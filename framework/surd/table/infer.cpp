#include "surd/table/detail/infer.hpp"

#include <string>

#include "surd/base/error.hpp"
#include "surd/table/detail/parse_value.hpp"

namespace surd::table::detail {

void TypeGuess::see(std::string_view value) {
  while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
  if (value.empty()) return;
  std::int64_t integer = 0;
  double number = 0;
  if (parse_integer(value, integer) || is_out_of_range(value, Type::int64)) {
    see_integer();  // one beyond int64 is a bad row: as a float it would be another number
  } else if (parse_number(value, number)) {
    see_number();
  } else if (parse_boolean(value, integer)) {
    see_boolean();
  } else {
    see_text();
  }
}

Type TypeGuess::type() const noexcept {
  const bool any_number = integers_ || numbers_;
  if (texts_ || (any_number && booleans_)) return Type::text;
  if (numbers_) return Type::float64;
  if (integers_) return Type::int64;
  return booleans_ ? Type::boolean : Type::text;
}

void apply_types(const Schema& types, Schema& schema) {
  for (const auto& [name, type] : types) {
    try {
      schema[find(schema, name)].type = type;
    } catch (const base::UsageError& e) {
      throw base::UsageError(std::string("types: ") + e.what());
    }
  }
}

}  // namespace surd::table::detail
