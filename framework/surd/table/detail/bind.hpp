// Turns trees of expressions into operations on the columns of a schema.
#pragma once

#include "surd/table/detail/operation.hpp"

namespace surd::table::detail {

/// The operation, which borrows the tree. Constant parts are evaluated now.
/// @throws UsageError  for types that do not fit.
[[nodiscard]] OperationPointer bind(const Node& node, const Schema& schema);

}  // namespace surd::table::detail
