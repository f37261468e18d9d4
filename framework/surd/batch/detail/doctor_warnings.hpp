// What in a report of `surd doctor` will hurt a job, and what to do about it.
#pragma once

#include <string>
#include <vector>

#include "surd/base/json.hpp"

namespace surd::batch::detail {

/// `report` is what `surd doctor --json` prints, but for "warnings". One line per trouble, host first.
[[nodiscard]] std::vector<std::string> doctor_warnings(const base::Json& report);

/// Work and scratch directory of every node.
[[nodiscard]] bool directories_usable(const base::Json& report);

}  // namespace surd::batch::detail
