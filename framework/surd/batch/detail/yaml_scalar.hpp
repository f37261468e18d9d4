// Scalars of YAML 1.2's core schema. Private to batch/.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "surd/base/json.hpp"
#include "surd/batch/yaml.hpp"

namespace surd::batch::detail {

/// The value of a scalar with yaml-cpp's tag ("?" plain, "!" quoted).
/// @throws YamlError  for unknown tags and numbers beyond 64 bits.
[[nodiscard]] base::Json resolve_scalar(Place place, const std::string& tag, const std::string& text);

/// Offset of the first byte that is no valid UTF-8 or a control character other than tab and line ends; npos
/// if there is none.
[[nodiscard]] std::size_t first_bad_byte(std::string_view text);

}  // namespace surd::batch::detail
