// Operators that call functions of the user.
#pragma once

#include <memory>

#include "surd/stream/detail/operator.hpp"
#include "surd/stream/query.hpp"

namespace surd::stream::detail {

/// @throws UsageError  from push(), if the function did not make what its schema says.
[[nodiscard]] std::unique_ptr<Operator> flat_map(const FlatMap& step, Operator& next);

/// Holds the rows of one window. @throws UsageError  from push(), also if they do not fit in memory.
[[nodiscard]] std::unique_ptr<Operator> windows(const Windows& step, table::Schema input,
                                                const Setting& setting, Operator& next);

}  // namespace surd::stream::detail
