// Keys that jobs of every kind have. Private to batch/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "surd/base/spec.hpp"

namespace surd::batch::detail {

/// name: a text that may be used as the name of a directory. @throws SpecError
[[nodiscard]] std::string read_name(const base::Spec& root);

/// memory: bytes per rank, at least `least_bytes`; 0 if absent or "sqrt". @throws SpecError
[[nodiscard]] std::uint64_t read_memory(const base::Spec& root, std::uint64_t least_bytes);

/// @throws SpecError  if below `least`.
[[nodiscard]] double read_seconds(const base::Spec& root, std::string_view key, double otherwise,
                                  double least);

}  // namespace surd::batch::detail
