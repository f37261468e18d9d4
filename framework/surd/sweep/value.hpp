// The value of one parameter: a bool, an integer, a float or a text.
//
// Two values are the same value, and so name the same point, if they are equal as numbers: 1 and 1.0 are one
// value, and so are -0.0 and 0.0. true is not 1, and the text "1" is not 1. NaN and infinities are refused.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "surd/base/json.hpp"
#include "surd/base/spec.hpp"

namespace surd::sweep {

using Value = std::variant<bool, std::int64_t, double, std::string>;

/// The representative of the values equal to `value`: a float that is an integer of 64 bits becomes one.
[[nodiscard]] Value canonical(Value value);

[[nodiscard]] bool same(const Value& a, const Value& b);

/// As commands and tables see it: true, 16, 1.55 (shortest text that reads back as the same number), the text
/// itself.
[[nodiscard]] std::string to_text(const Value& value);

/// Text that differs exactly if the values are not the same: to_text with a type letter; used in identities.
[[nodiscard]] std::string to_key(const Value& value);

[[nodiscard]] base::Json to_json(const Value& value);
/// @throws SpecError  if the node is no bool, finite number or text.
[[nodiscard]] Value to_value(const base::Spec& spec);

}  // namespace surd::sweep
