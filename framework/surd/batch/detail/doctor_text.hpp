// The report of `surd doctor` for people.
#pragma once

#include <string>

#include "surd/base/json.hpp"

namespace surd::batch::detail {

/// Lines of what `surd doctor --json` prints.
[[nodiscard]] std::string doctor_text(const base::Json& report);

}  // namespace surd::batch::detail
