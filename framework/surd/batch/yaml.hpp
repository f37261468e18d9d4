// YAML text as a JSON document, and where in the text each value stands.
//
// Plain scalars mean what YAML 1.2's core schema says: null ~, true false, 12 0x1f 0o17, 1.5 1e-3 .inf .nan;
// everything else is a text, so yes, no, on, off, 1_000, 12:30 and dates are texts. Anchors and aliases work
// within bounds (no exponential growth); merge keys, other tags than !!str, second documents and keys that
// are no texts are errors, and so is a key that comes twice in one map.
#pragma once

#include <cstddef>
#include <string>

#include "surd/base/error.hpp"
#include "surd/base/json.hpp"

namespace surd::batch {

inline constexpr std::size_t yaml_text_limit_bytes = std::size_t{4} << 20;
inline constexpr std::size_t yaml_depth_limit = 64;
inline constexpr std::size_t yaml_keys_limit = 1000;  ///< Of one map.
inline constexpr std::size_t yaml_alias_limit_bytes = std::size_t{64} << 20;

/// A place in a text, counted from 1; line 0: unknown.
struct Place {
  std::size_t line = 0;
  std::size_t column = 0;
};

/// A mistake in the YAML itself.
class YamlError : public base::UsageError {
 public:
  YamlError(Place place, const std::string& message) : UsageError(message), place_(place) {}
  [[nodiscard]] Place place() const noexcept { return place_; }

 private:
  Place place_;
};

/// The one document in `text`.
/// @throws YamlError  at the first mistake, also beyond the limits above.
[[nodiscard]] base::Json parse_yaml(const std::string& text);

/// Where the value at `path` ("axes.T.linspace.2", as base::Spec writes it) stands in a text that
/// parse_yaml() took; its key instead if `of_key`, or if the value is a map or a list. A path that is not in
/// the text gives the place of the nearest value around it.
[[nodiscard]] Place locate_yaml(const std::string& text, const std::string& path, bool of_key);

}  // namespace surd::batch
