// What this build of surd is.
#pragma once

namespace surd::base {

[[nodiscard]] const char* version() noexcept;  ///< "0.1.0"
[[nodiscard]] const char*
git_revision() noexcept;                        ///< Short hash, "-dirty" if modified; "unknown" outside git.
[[nodiscard]] const char* compiler() noexcept;  ///< "GNU 12.2.0"

}  // namespace surd::base
